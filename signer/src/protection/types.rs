//! What slashing protection is about: lanes, records, watermarks, and the answers to a request.

use std::fmt;
use std::sync::Arc;

use eots::{SignError, Signature, XOnlyPublicKey};
use finality::ConsumerHeight;

/// A finality provider's key on one chain. The randomness of a height is derived from key, chain id and
/// height alone, so that two messages for one height of a lane reveal the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The finality provider's public key.
    pub public_key: XOnlyPublicKey,
    /// The id of the chain, any bytes.
    pub chain_id: Vec<u8>,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.public_key, self.chain_id.escape_ascii())
    }
}

/// What an explicit initialisation says of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstHeight {
    /// The lane.
    pub lane: Lane,
    /// The first height that may be signed: nothing below it is.
    pub height: ConsumerHeight,
}

/// The record that a message was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRecord {
    /// The height of the block that is voted on.
    pub height: ConsumerHeight,
    /// The message, with the signing context before it on a consumer chain.
    pub message: Vec<u8>,
    /// The signature; `None` where an import did not have it.
    pub signature: Option<Signature>,
}

/// The heights between which a lane signs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// Nothing at or below it is signed anew. It is never lowered.
    pub low: Option<ConsumerHeight>,
    /// Nothing above it is signed, for a migration to another signer.
    pub high: Option<ConsumerHeight>,
}

/// Consecutive heights, the first and the last one included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeightRange {
    /// The first height.
    pub first: ConsumerHeight,
    /// The last height.
    pub last: ConsumerHeight,
}

impl HeightRange {
    /// Returns whether the range has this height.
    pub fn contains(&self, height: ConsumerHeight) -> bool {
        (self.first..=self.last).contains(&height)
    }
}

/// What is known of a lane.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LaneState {
    /// The watermarks.
    pub watermarks: Watermarks,
    /// The highest height with a record, or that an import, a pruning or the start said was signed.
    pub highest: Option<ConsumerHeight>,
    /// The heights whose randomness is committed, here or elsewhere, ascending.
    pub committed: Vec<HeightRange>,
}

/// Who makes the signature of a vote that the store lets pass.
pub(crate) trait SignVote: Send + Sync {
    /// Signs a message with the randomness of its height. It is called once the store has found no other
    /// message, and the signature leaves when it is recorded.
    ///
    /// # Errors
    /// [`SignError`] when a signature could not be made.
    fn sign_vote(&self, height: ConsumerHeight, message: &[u8]) -> Result<Signature, SignError>;
}

/// A vote that is to be signed. [`ProtectedSigner`](crate::session::ProtectedSigner) alone makes it, so that
/// the lane of the record is always the lane of the key that signs: under the lane of another key, a key
/// could be made to sign two messages at one height, each beside a record of its own.
///
/// ```compile_fail,E0451
/// # use signer::protection::{Lane, VoteRequest};
/// # fn forged(lane: std::sync::Arc<Lane>, other: VoteRequest) -> VoteRequest {
/// VoteRequest { lane, ..other }
/// # }
/// ```
///
/// What it asks for can be read:
///
/// ```
/// # use signer::protection::{Lane, VoteRequest};
/// # fn read(other: VoteRequest) -> Lane {
/// other.lane().clone()
/// # }
/// ```
#[derive(Clone)]
pub struct VoteRequest {
    /// The lane.
    pub(crate) lane: Arc<Lane>,
    /// The height whose randomness signs.
    pub(crate) height: ConsumerHeight,
    /// The message.
    pub(crate) message: Vec<u8>,
    /// Who signs it: the key of the lane.
    pub(crate) signer: Arc<dyn SignVote>,
}

impl VoteRequest {
    /// Returns the lane.
    pub fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Returns the height whose randomness signs.
    pub const fn height(&self) -> ConsumerHeight {
        self.height
    }

    /// Returns the message.
    pub fn message(&self) -> &[u8] {
        &self.message
    }
}

impl fmt::Debug for VoteRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lane, height, message, .. } = self;
        write!(f, "VoteRequest({lane}, {}, {} bytes)", height.to_u64(), message.len())
    }
}

/// A signature, and whether it was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The message was recorded and signed.
    New(Signature),
    /// The same message was signed before, with this signature.
    Again(Signature),
}

impl Verdict {
    /// Returns the signature.
    pub const fn signature(&self) -> &Signature {
        match self {
            Self::New(signature) | Self::Again(signature) => signature,
        }
    }
}

/// Why a vote is not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The store does not know the lane: nobody said from which height on it is signed here.
    #[error("{0} is unknown to this store; must be registered with its first height")]
    UnknownLane(Box<Lane>),
    /// Another message was signed at this height: a second signature would reveal the key.
    #[error("double sign: another message was signed at height {}", .earlier.height.to_u64())]
    DoubleSign {
        /// The record of the other message.
        earlier: SigningRecord,
    },
    /// The height is at or below the low watermark.
    #[error("the height is {}; must be above {}, the low watermark", .height.to_u64(), .low.to_u64())]
    BelowLowWatermark {
        /// The height asked for.
        height: ConsumerHeight,
        /// The low watermark.
        low: ConsumerHeight,
    },
    /// The height is above the high watermark.
    #[error("the height is {}; must be at most {}, the high watermark", .height.to_u64(), .high.to_u64())]
    AboveHighWatermark {
        /// The height asked for.
        height: ConsumerHeight,
        /// The high watermark.
        high: ConsumerHeight,
    },
}

impl Refusal {
    /// Returns the refusal's name, for logs, JSON and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::UnknownLane(_) => "unknown_lane",
            Self::DoubleSign { .. } => "double_sign",
            Self::BelowLowWatermark { .. } => "below_low_watermark",
            Self::AboveHighWatermark { .. } => "above_high_watermark",
        }
    }
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is signed, and recorded durably.
    Signed(Verdict),
    /// It is refused.
    Refused(Refusal),
    /// Signing failed; nothing is recorded.
    Failed(SignError),
}
