//! Why a node does not say what is voted for.

use endpoint::EndpointError;
use finality::ConsumerHeight;

/// A node does not say which hash is voted for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// It has no block there yet.
    #[error("the chain's node has no block at height {height} yet")]
    Absent {
        /// The height.
        height: ConsumerHeight,
    },
    /// It does not answer, or with an error.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Its answer cannot be read.
    #[error("the answer of the chain's node is not understood: {what}")]
    Answer {
        /// What is wrong with it.
        what: &'static str,
    },
    /// It is of another chain.
    #[error("the node is of the chain {found:?}; must be of {expected:?}")]
    OtherChain {
        /// Its chain.
        found: String,
        /// The chain it must be of.
        expected: String,
    },
    /// It answers for another height.
    #[error("the chain's node answers for height {found}; was asked for {asked}")]
    OtherHeight {
        /// The height of its answer.
        found: u64,
        /// The height it was asked for.
        asked: ConsumerHeight,
    },
}
