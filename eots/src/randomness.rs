//! The randomness of an EOTS: derived from the secret key, the chain and the height, and committed before it
//! is used.

use core::fmt;
use core::str::FromStr;

use hmac::{Hmac, Mac};
use secp256k1::{Parity, SECP256K1};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::key::SecretKey;
use crate::scalar::Erased;

/// The public randomness of an EOTS: the x coordinate of the point `R`, 32 bytes.
///
/// Any 32 bytes are accepted here. Whether they are the x coordinate of a point does not matter before a
/// signature is verified, and no signature verifies under bytes that are not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicRandomness([u8; 32]);

impl PublicRandomness {
    /// Returns the public randomness with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PublicRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PublicRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicRandomness({self})")
    }
}

impl FromStr for PublicRandomness {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

/// The secret randomness of one EOTS. Used twice, it reveals the secret key; so it is spent by move, and can
/// be neither copied nor serialized.
///
/// ```compile_fail,E0382
/// # let key = eots::SecretKey::from_bytes(&[1; 32])?;
/// let randomness = eots::SecretRandomness::derive(&key, b"bbn-1", 7);
/// eots::sign(&key, randomness, b"block A")?;
/// eots::sign(&key, randomness, b"block B")?; // use of moved value
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The same, once:
///
/// ```
/// # let key = eots::SecretKey::from_bytes(&[1; 32])?;
/// let randomness = eots::SecretRandomness::derive(&key, b"bbn-1", 7);
/// eots::sign(&key, randomness, b"block A")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SecretRandomness {
    /// The `k` of BIP-340: negated already when the point's y coordinate is odd.
    even: Erased,
    public: PublicRandomness,
}

impl SecretRandomness {
    /// Derives the randomness of `key` for the block at `height` of the chain `chain_id`.
    ///
    /// `k = HMAC-SHA256(key = secret key, data = BE64(height) ‖ chain_id ‖ BE64(iteration))`, the iteration
    /// counting up from 0 while the value is 0 or not below the group order. Nothing else enters: two calls
    /// must differ in the key, the chain or the height to give different randomness, and then they do.
    pub fn derive(key: &SecretKey, chain_id: &[u8], height: u64) -> Self {
        // HMAC takes a key of any length, so this never is an error; the loop ends with overwhelming
        // probability in its first round.
        let secret = key.to_bytes();
        let mut iteration: u64 = 0;
        loop {
            if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_slice()) {
                mac.update(&height.to_be_bytes());
                mac.update(chain_id);
                mac.update(&iteration.to_be_bytes());
                let value = Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()));
                if let Some(randomness) = Self::dangerous_from_bytes(&value) {
                    return randomness;
                }
            }
            iteration = iteration.wrapping_add(1);
        }
    }

    /// Returns the randomness with these 32 big-endian bytes; `None` when the number is 0 or not below the
    /// group order.
    ///
    /// Dangerous: nothing keeps these bytes from being used twice, or from being predictable. Use
    /// [`derive`](Self::derive).
    pub fn dangerous_from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let mut even = Erased::new(secp256k1::SecretKey::from_slice(bytes).ok()?);
        let (public, parity) = even.get().x_only_public_key(SECP256K1);
        if parity == Parity::Odd {
            even.negate();
        }
        Some(Self { even, public: PublicRandomness(public.serialize()) })
    }

    /// Returns the public part, to be committed before the randomness is spent.
    pub fn public_randomness(&self) -> &PublicRandomness {
        &self.public
    }

    pub(crate) fn even_secret(&self) -> &Erased {
        &self.even
    }
}

impl fmt::Debug for SecretRandomness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretRandomness").field("public", &self.public).finish_non_exhaustive()
    }
}
