//! Secret keys.

use core::fmt;

use rand_core::{CryptoRng, RngCore};
use secp256k1::{Keypair, Parity, Scalar, XOnlyPublicKey};
use zeroize::Zeroizing;

use crate::scalar::{Erased, ErasedKeypair};

/// A secret key on secp256k1, with its BIP-340 x-only public key.
///
/// It is never printed (`Debug` shows the public key) and its bytes are erased when it is dropped. Copies
/// that the compiler makes when a value moves are beyond the reach of that.
#[derive(Clone)]
pub struct SecretKey {
    /// As it was given: the randomness is derived from this number, not from its negation.
    secret: Erased,
    /// The same secret with its point, which signing would otherwise compute each time. BIP-340 signs alike
    /// with a secret and its negation.
    keypair: ErasedKeypair,
    parity: Parity,
    public_key: XOnlyPublicKey,
}

/// The error of bytes that are not a secret key: they are 0, or not below the group order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a secret key; must be above 0 and below the group order of secp256k1")]
#[non_exhaustive]
pub struct InvalidSecretKey;

impl SecretKey {
    /// Returns the secret key with these 32 big-endian bytes.
    ///
    /// # Errors
    /// [`InvalidSecretKey`] when the number is 0 or not below the group order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, InvalidSecretKey> {
        Ok(Self::new(Erased::new(secp256k1::SecretKey::from_slice(bytes).map_err(|_| InvalidSecretKey)?)))
    }

    fn new(secret: Erased) -> Self {
        let keypair = ErasedKeypair::new(&secret);
        let (public_key, parity) = keypair.get().x_only_public_key();
        Self { secret, keypair, parity, public_key }
    }

    /// Generates a secret key from a cryptographic random number generator.
    pub fn generate<R: RngCore + CryptoRng>(rng: &mut R) -> Self {
        loop {
            let mut bytes = Zeroizing::new([0; 32]);
            rng.fill_bytes(bytes.as_mut_slice());
            if let Ok(key) = Self::from_bytes(&bytes) {
                return key;
            }
        }
    }

    /// Returns the BIP-340 x-only public key.
    pub fn public_key(&self) -> &XOnlyPublicKey {
        &self.public_key
    }

    /// Returns whether the key's point has an even or an odd y coordinate. BIP-340 signs with the negated
    /// secret when it is odd.
    pub fn parity(&self) -> Parity {
        self.parity
    }

    /// Returns the secret of the same x-only public key whose point has the y coordinate `parity`: this one,
    /// or its negation.
    ///
    /// [`extract`](crate::extract()) can only know the key up to this sign.
    pub fn with_parity(&self, parity: Parity) -> Self {
        let mut secret = self.even_secret();
        if parity == Parity::Odd {
            secret.negate();
        }
        Self { secret, keypair: self.keypair.clone(), parity, public_key: self.public_key }
    }

    /// Returns the 32 big-endian bytes of the secret, which nothing redacts any more: handle with care.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.secret.to_bytes()
    }

    /// The secret whose point has an even y coordinate: the `d` of BIP-340.
    pub(crate) fn even_secret(&self) -> Erased {
        let mut secret = self.secret.clone();
        if self.parity == Parity::Odd {
            secret.negate();
        }
        secret
    }

    /// The secret with its point, for libsecp256k1's signing.
    pub(crate) fn keypair(&self) -> &Keypair {
        self.keypair.get()
    }

    /// Passes the secret to a scheme of libsecp256k1 that this crate does not have, such as ECDSA. Do not
    /// copy it: a copy is not erased.
    pub fn lend<T>(&self, scheme: impl FnOnce(&secp256k1::SecretKey) -> T) -> T {
        scheme(self.secret.get())
    }

    /// Returns the key plus a public tweak, as BIP-341 tweaks the internal key of a Taproot output: the
    /// secret with even y, plus `tweak`. `None` when the sum is zero.
    pub fn add_x_only_tweak(&self, tweak: &Scalar) -> Option<Self> {
        Some(Self::new(Erased::new(self.even_secret().get().add_tweak(tweak).ok()?)))
    }

    /// A key whose public part is another's: what a fault of the machine would make, for tests of what
    /// happens then.
    #[cfg(test)]
    pub(crate) fn with_fault(mut self, other: &Self) -> Self {
        self.public_key = other.public_key;
        self
    }
}

/// Takes a key of `bitcoin`, whose `secp256k1` is this one. The caller's own copy is not erased.
impl From<&secp256k1::SecretKey> for SecretKey {
    fn from(key: &secp256k1::SecretKey) -> Self {
        Self::new(Erased::new(*key))
    }
}

/// Takes a key pair of `bitcoin`. The caller's own copy is not erased.
impl From<&secp256k1::Keypair> for SecretKey {
    fn from(keypair: &secp256k1::Keypair) -> Self {
        Self::new(Erased::new(keypair.secret_key()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}
