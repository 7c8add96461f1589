//! Why a signer did not sign.

use eots::SignError;
use finality::{ConsumerHeight, InvalidCommitment, SignerError, SigningContext};

use crate::protection::{Refusal, StoreError};

/// A signer refused a request, or failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store refused the vote.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The vote is for another chain.
    #[error("the vote's signing context is {found}; must be {expected}")]
    OtherContext {
        /// The vote's signing context.
        found: SigningContext,
        /// The signer's.
        expected: SigningContext,
    },
    /// No committed range has the height.
    #[error("the randomness of height {} is not committed; must be in a committed range", .height.to_u64())]
    NotCommitted {
        /// The height asked for.
        height: ConsumerHeight,
    },
    /// The commitment that a vote is to be proven by has not its height.
    #[error("the commitment has no height {}", .height.to_u64())]
    NotInCommitment {
        /// The height asked for.
        height: ConsumerHeight,
    },
    /// The height is far above the highest one.
    #[error(
        "the height is {}; must be at most {most_above} above {}, the highest one",
        .height.to_u64(), .highest.to_u64()
    )]
    TooFarAbove {
        /// The height asked for.
        height: ConsumerHeight,
        /// The highest height that was signed, or the first committed one.
        highest: ConsumerHeight,
        /// How far above it votes are signed.
        most_above: u64,
    },
    /// A commitment would end above the last height.
    #[error("the range ends above the last height, 2^64 - 1")]
    PastTheLastHeight,
    /// The chain would not accept a commitment to the range.
    #[error(transparent)]
    Commitment(#[from] InvalidCommitment),
    /// The store failed: nothing was signed for anybody.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The store gave no answer to a request.
    #[error("the store gave no answer; must give one for each request")]
    NoAnswer,
}

impl SignerError for SessionError {
    /// What is committed, how far the chain is, and high watermarks may change.
    fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused(Refusal::DoubleSign { .. } | Refusal::BelowLowWatermark { .. })
                | Self::OtherContext { .. }
                | Self::NotInCommitment { .. }
                | Self::PastTheLastHeight
                | Self::Commitment(_)
        )
    }
}
