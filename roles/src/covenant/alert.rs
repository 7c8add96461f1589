//! What somebody should know of a covenant member's daemon.

use std::fmt;

use bitcoin::Txid;

use crate::alerts::Tell;

/// Something that is wrong, until it is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CovenantAlert {
    /// The chain's node does not answer, or not as it must.
    Node,
    /// The Bitcoin node does not answer, or not as it must.
    BitcoinNode,
    /// A node is behind its chain, or its chain stands still: nothing is signed.
    Stale,
    /// The chain's view of Bitcoin and the Bitcoin node differ: nothing is signed.
    Differing,
    /// The chain's parameters are not those of mainnet that are built in: nothing is signed.
    Parameters,
    /// The signing record cannot be written: nothing is signed.
    Record,
    /// Signatures are not taken, or not known to be.
    Sending,
    /// The key is in no committee that must sign.
    NotAMember,
    /// The account that pays has little left.
    Balance,
}

impl CovenantAlert {
    /// Every alert.
    pub const ALL: [Self; 9] = [
        Self::Node,
        Self::BitcoinNode,
        Self::Stale,
        Self::Differing,
        Self::Parameters,
        Self::Record,
        Self::Sending,
        Self::NotAMember,
        Self::Balance,
    ];

    /// Returns its name, for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::BitcoinNode => "bitcoin_node",
            Self::Stale => "stale",
            Self::Differing => "differing",
            Self::Parameters => "parameters",
            Self::Record => "record",
            Self::Sending => "sending",
            Self::NotAMember => "not_a_member",
            Self::Balance => "balance",
        }
    }
}

impl fmt::Display for CovenantAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CovenantEvent {
    /// Something is wrong, from now on.
    Raised {
        /// What.
        alert: CovenantAlert,
        /// What was found.
        reason: String,
    },
    /// It is not wrong any more.
    Cleared(CovenantAlert),
    /// The chain has this member's signatures for a stake.
    Submitted(Txid),
    /// A stake is not signed.
    Refused {
        /// Its staking transaction.
        stake: Txid,
        /// Every rule that it breaks.
        reason: String,
    },
    /// An entry of the chain's list is no stake that can be read.
    Unreadable {
        /// Why.
        reason: String,
    },
}

/// What is known of a daemon now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CovenantFacts {
    /// How many stakes wait for signatures of the committee.
    pub pending: u64,
    /// How many of them are refused.
    pub refused: u64,
    /// How many stakes were signed and submitted since the start.
    pub submitted: u64,
    /// The tip of the Bitcoin node.
    pub bitcoin_height: u32,
    /// The Bitcoin block that the chain knows last.
    pub light_client_height: u32,
    /// What the account has.
    pub balance: u128,
}

/// Who is told of what happens.
pub trait CovenantObserver: fmt::Debug {
    /// Takes note of something.
    fn observe(&self, event: &CovenantEvent);
}

impl Tell<CovenantAlert> for dyn CovenantObserver + '_ {
    fn raised(&self, alert: CovenantAlert, reason: String) {
        self.observe(&CovenantEvent::Raised { alert, reason });
    }

    fn cleared(&self, alert: CovenantAlert) {
        self.observe(&CovenantEvent::Cleared(alert));
    }
}
