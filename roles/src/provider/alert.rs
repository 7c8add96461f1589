//! What somebody should know of a finality provider that votes.

use std::fmt;

use finality::ConsumerHeight;

use crate::alerts::Tell;

/// Something that is wrong, until it is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProviderAlert {
    /// The chain's node does not answer, or not as it must.
    Node,
    /// The node is still catching up with its chain.
    NodeBehind,
    /// No block comes.
    Halted,
    /// The second node does not answer.
    SecondNode,
    /// Two nodes say different things of one block: nothing is voted for there.
    Disagreement,
    /// The chain does not know the finality provider.
    NotRegistered,
    /// The provider is jailed: it has no power, and no vote is taken.
    Jailed,
    /// The provider was slashed: it never has power again.
    Slashed,
    /// The signer does not answer, or fails.
    Signer,
    /// The signer refuses a vote: another one was signed at that height.
    Refused,
    /// A signer's vote does not verify: it has another key, or another chain's randomness.
    InvalidVote,
    /// Randomness is due, and is not committed to.
    Commitment,
    /// Transactions are not executed.
    Sending,
    /// A vote was executed, and the chain does not count it.
    NotCounted,
    /// Too little randomness is timestamped ahead.
    Coverage,
    /// Votes were missed.
    Missed,
    /// The account that pays has little left.
    Balance,
    /// A commitment would have fewer heights than the chain takes.
    TooFewHeights,
}

impl ProviderAlert {
    /// Every alert.
    pub const ALL: [Self; 18] = [
        Self::Node,
        Self::NodeBehind,
        Self::Halted,
        Self::SecondNode,
        Self::Disagreement,
        Self::NotRegistered,
        Self::Jailed,
        Self::Slashed,
        Self::Signer,
        Self::Refused,
        Self::InvalidVote,
        Self::Commitment,
        Self::Sending,
        Self::NotCounted,
        Self::Coverage,
        Self::Missed,
        Self::Balance,
        Self::TooFewHeights,
    ];

    /// Returns its name, for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::NodeBehind => "node_behind",
            Self::Halted => "halted",
            Self::SecondNode => "second_node",
            Self::Disagreement => "disagreement",
            Self::NotRegistered => "not_registered",
            Self::Jailed => "jailed",
            Self::Slashed => "slashed",
            Self::Signer => "signer",
            Self::Refused => "refused",
            Self::InvalidVote => "invalid_vote",
            Self::Commitment => "commitment",
            Self::Sending => "sending",
            Self::NotCounted => "not_counted",
            Self::Coverage => "coverage",
            Self::Missed => "missed",
            Self::Balance => "balance",
            Self::TooFewHeights => "too_few_heights",
        }
    }
}

impl fmt::Display for ProviderAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProviderEvent {
    /// Something is wrong, from now on.
    Raised {
        /// What.
        alert: ProviderAlert,
        /// What was found.
        reason: String,
    },
    /// It is not wrong any more.
    Cleared(ProviderAlert),
    /// Votes were executed.
    Voted {
        /// The first height.
        first: ConsumerHeight,
        /// The last height.
        last: ConsumerHeight,
        /// How many.
        count: usize,
    },
    /// A commitment was executed.
    Committed {
        /// The first height.
        first: ConsumerHeight,
        /// How many heights.
        count: u64,
    },
    /// A vote is left out for good.
    LeftOut {
        /// The height.
        height: ConsumerHeight,
        /// Why.
        reason: String,
    },
    /// The provider was unjailed.
    Unjailed,
}

/// Who is told of what happens.
pub trait ProviderObserver: fmt::Debug {
    /// Takes note of something.
    fn observe(&self, event: &ProviderEvent);
}

impl Tell<ProviderAlert> for dyn ProviderObserver + '_ {
    fn raised(&self, alert: ProviderAlert, reason: String) {
        self.observe(&ProviderEvent::Raised { alert, reason });
    }

    fn cleared(&self, alert: ProviderAlert) {
        self.observe(&ProviderEvent::Cleared(alert));
    }
}
