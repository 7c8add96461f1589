//! Proofs of possession: the message that is signed, and BIP-340 signatures over it.
//!
//! BIP-322 and ECDSA proofs, which stakers may use too, are in `staking-scripts`.

mod address;
mod text;

use eots::{SecretKey, SignError};
use secp256k1::{Message, SECP256K1, XOnlyPublicKey, schnorr};
use sha2::{Digest, Sha256};

pub use self::address::{AccountAddress, InvalidAccountAddress};
pub use self::text::{AccountText, InvalidAccountText};
use crate::context::SigningContext;

/// The human-readable part of every account of Babylon Genesis, on its mainnet and its testnets.
const GENESIS_PREFIX: &str = "bbn";

/// The message of a proof of possession: the holder of this account holds the Bitcoin key that signs.
///
/// The signing context is part of it. There is no default: [`SigningContext::GENESIS`] is written out, and a
/// proof with one context is not valid with any other.
///
/// ```
/// use eots::SecretKey;
/// use finality::{PossessionMessage, SigningContext};
///
/// let key = SecretKey::from_bytes(&[2; 32])?;
/// let address = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse()?;
/// let message = PossessionMessage::new(SigningContext::GENESIS, address)?;
/// let signature = message.sign_bip340(&key)?;
/// assert!(message.verify_bip340(key.public_key(), &signature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PossessionMessage {
    context: SigningContext,
    address: AccountAddress,
}

/// The error of an account that is not one of Babylon Genesis where no signing context of a consumer chain is
/// given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the account {0} is not one of Babylon Genesis; must begin with {GENESIS_PREFIX}1, or a consumer chain's signing context must be given"
)]
#[non_exhaustive]
pub struct NotAGenesisAddress(pub AccountAddress);

impl PossessionMessage {
    /// Returns the message for this account, on the chain of this signing context.
    ///
    /// A consumer chain's context differs between a staker's proof and a finality provider's; give the one of
    /// the operation.
    ///
    /// # Errors
    /// [`NotAGenesisAddress`] when the context is that of Babylon Genesis and the address does not begin with
    /// `bbn1`.
    pub fn new(context: SigningContext, address: AccountAddress) -> Result<Self, NotAGenesisAddress> {
        if context.is_genesis() && address.prefix() != GENESIS_PREFIX {
            return Err(NotAGenesisAddress(address));
        }
        Ok(Self { context, address })
    }

    /// Returns the account.
    pub const fn address(&self) -> &AccountAddress {
        &self.address
    }

    /// Returns the signing context.
    pub const fn context(&self) -> &SigningContext {
        &self.context
    }

    /// Returns the digest that a BIP-340 proof signs: SHA256(context ‖ the 20 or 32 bytes of the address).
    ///
    /// The bytes have no prefix, so with one context it is the same for an account of the same bytes under
    /// another prefix.
    pub fn digest(&self) -> Message {
        let hash = Sha256::new().chain_update(self.context.as_bytes());
        Message::from_digest(hash.chain_update(self.address.as_bytes()).finalize().into())
    }

    /// Returns the text that BIP-322 and ECDSA proofs sign: context ‖ the text of the address.
    pub fn text(&self) -> String {
        [self.context.as_str(), self.address.as_str()].concat()
    }

    /// Returns the BIP-340 proof of possession of `key`: the same bytes each time.
    ///
    /// # Errors
    /// As [`SecretKey::sign_bip340`].
    pub fn sign_bip340(&self, key: &SecretKey) -> Result<schnorr::Signature, SignError> {
        key.sign_bip340(self.digest())
    }

    /// Returns whether this is a BIP-340 proof of possession of the key.
    pub fn verify_bip340(&self, public_key: &XOnlyPublicKey, signature: &schnorr::Signature) -> bool {
        SECP256K1.verify_schnorr(signature, &self.digest(), public_key).is_ok()
    }
}
