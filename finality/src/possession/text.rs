//! Proofs of possession over the text of an account, which tools beside the chains ask for.

use core::str::FromStr;

use eots::{SecretKey, SignError};
use secp256k1::{Message, SECP256K1, XOnlyPublicKey, schnorr};
use sha2::{Digest, Sha256};

use crate::context::SigningContext;

/// The text of an account of any chain and form, over which a finality provider proves possession of its key
/// to tools that are not a chain: BIP-340 over SHA256 of the text, as `eotsd pop export` signs it
/// (`eotsSignBaby`).
///
/// No chain takes such a proof. A text is refused where its proof could be one for a chain: a BIP-340
/// [`PossessionMessage`](crate::PossessionMessage) hashes 20 or 32 bytes, after a signing context or nothing,
/// and whoever finds an account whose bytes are readable could ask for a proof over that "text". Only
/// printable ASCII characters without spaces are taken, which no randomness commitment consists of.
///
/// ```
/// use eots::SecretKey;
/// use finality::AccountText;
///
/// let key = SecretKey::from_bytes(&[2; 32])?;
/// let account: AccountText = "0x52908400098527886e0f7030069857d2e4169ee7".parse()?;
/// let signature = account.sign_bip340(&key)?;
/// assert!(account.verify_bip340(key.public_key(), &signature));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountText(String);

/// A reason why a text is not one of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAccountText {
    /// The text is empty, or has a space, a control character, or a character outside of ASCII.
    #[error("the text of the account must be printable ASCII without spaces")]
    Characters,
    /// The text could be what a proof of possession for a chain hashes.
    #[error(
        "the text of the account has {0} bytes, as the bytes of an account have after a signing context or nothing; must have \
         another length: a chain could take its proof for another account's"
    )]
    Ambiguous(usize),
}

impl AccountText {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the digest that is signed: SHA256(text).
    pub fn digest(&self) -> Message {
        Message::from_digest(Sha256::digest(&self.0).into())
    }

    /// Returns the BIP-340 proof of `key`: the same bytes each time.
    ///
    /// # Errors
    /// As [`SecretKey::sign_bip340`].
    pub fn sign_bip340(&self, key: &SecretKey) -> Result<schnorr::Signature, SignError> {
        key.sign_bip340(self.digest())
    }

    /// Returns whether this is a BIP-340 proof of the key.
    pub fn verify_bip340(&self, public_key: &XOnlyPublicKey, signature: &schnorr::Signature) -> bool {
        SECP256K1.verify_schnorr(signature, &self.digest(), public_key).is_ok()
    }
}

impl FromStr for AccountText {
    type Err = InvalidAccountText;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidAccountText::Characters);
        }
        let after_context = text.split_at_checked(64).filter(|(start, _)| {
            let context: Result<SigningContext, _> = start.parse();
            context.is_ok()
        });
        let lengths = [Some(text.len()), after_context.map(|(_, rest)| rest.len())];
        if lengths.iter().flatten().any(|length| matches!(length, 20 | 32)) {
            return Err(InvalidAccountText::Ambiguous(text.len()));
        }
        Ok(Self(text.to_owned()))
    }
}
