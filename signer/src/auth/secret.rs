//! Secrets that a client shares with the signer.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A shared secret. `Debug` shows nothing of it, and it is erased when it is dropped.
#[derive(Clone)]
pub struct SharedSecret(Zeroizing<Vec<u8>>);

impl SharedSecret {
    /// Takes the secret's bytes.
    pub const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    fn mac(&self, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
        // Keys of any length are keys.
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0).ok()?;
        parts.iter().for_each(|part| mac.update(part));
        Some(mac)
    }

    /// Returns HMAC-SHA256 over the parts, one after the other.
    pub fn hmac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(parts).map_or([0; 32], |mac| mac.finalize().into_bytes().into())
    }

    /// Returns whether that is their HMAC. The time it takes does not tell where they differ.
    pub fn verify(&self, parts: &[&[u8]], found: &[u8]) -> bool {
        self.mac(parts).is_some_and(|mac| mac.verify_slice(found).is_ok())
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}
