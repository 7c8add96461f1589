//! Signatures of staker, covenant members and finality providers over one transaction.

use bitcoin::XOnlyPublicKey;
use bitcoin::secp256k1::schnorr;
use eots::{AdaptorError, AdaptorSignature};

/// A covenant member's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CovenantSignature {
    /// Who signed.
    pub member: XOnlyPublicKey,
    /// The BIP-340 signature.
    pub signature: schnorr::Signature,
}

/// A covenant member's adaptor signatures over one slashing transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CovenantAdaptorSignatures {
    /// Who signed.
    pub member: XOnlyPublicKey,
    /// One for each finality provider, encrypted to its key, in the order of the stake's providers.
    pub signatures: Vec<AdaptorSignature>,
}

/// Signing was refused.
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
    /// An adaptor signature could not be made.
    #[error(transparent)]
    Adaptor(#[from] AdaptorError),
}
