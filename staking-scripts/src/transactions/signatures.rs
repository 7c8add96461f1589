//! The signatures of covenant members over a transaction, and the errors of signing.

use bitcoin::XOnlyPublicKey;
use bitcoin::secp256k1::schnorr;
use eots::{AdaptorError, AdaptorSignature, SignError};

/// A covenant member's BIP-340 signature over a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CovenantSignature {
    /// The member's key.
    pub member: XOnlyPublicKey,
    /// The signature.
    pub signature: schnorr::Signature,
}

/// A covenant member's adaptor signatures over one slashing transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantAdaptorSignatures {
    /// The member's key.
    pub member: XOnlyPublicKey,
    /// The adaptor signatures, one for each finality provider, encrypted to its key, in the order of the
    /// stake's providers.
    pub signatures: Vec<AdaptorSignature>,
}

/// The transaction is not signed with this key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningError {
    /// The key is not the staker's.
    #[error("the key is {key}; must be the staker's, {staker}")]
    NotTheStaker {
        /// The key given.
        key: XOnlyPublicKey,
        /// The staker's.
        staker: XOnlyPublicKey,
    },
    /// The key is not in the covenant committee.
    #[error("the key {0} is not in the covenant committee")]
    NotAMember(XOnlyPublicKey),
    /// The adaptor signature cannot be made.
    #[error(transparent)]
    Adaptor(#[from] AdaptorError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}
