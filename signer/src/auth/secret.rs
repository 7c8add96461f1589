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

    /// Reads the secrets of a file: one in a line. White space belongs to a secret; empty lines do not count.
    pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        lines.filter(|line| !line.is_empty()).map(|line| Self(Zeroizing::new(line.to_vec())))
    }

    /// Returns how many bytes it has.
    pub fn length(&self) -> usize {
        self.0.len()
    }

    /// Returns whether both are the same. For the operator alone: the time it takes may tell where they
    /// differ.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Returns its bytes.
    #[cfg(test)]
    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
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
