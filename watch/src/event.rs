//! What the core is told, and what it wants done.

use babylon::query::DelegationStatus;
use bitcoin::{Block, Transaction, Txid};
use chain::{ChainTip, RejectionClass};
use finality::Evidence;
use staking_scripts::Delegation;
use staking_scripts::delegation::SlashedOutput;

use crate::alert::Alert;
use crate::complete::ReadyStake;
use crate::report::Report;

/// What the core is told.
#[derive(Debug)]
pub enum Event<'a> {
    /// A block was connected on top of the last one.
    Connected {
        /// The block.
        block: &'a Block,
        /// Its height and hash.
        at: ChainTip,
    },
    /// Every block above this one, which is the last one now, was disconnected.
    Disconnected {
        /// The last block that both branches have in common.
        fork_point: ChainTip,
    },
    /// Every block above this one is to be told again.
    Rewound {
        /// The block.
        to: ChainTip,
    },
    /// The blocks up to this one were not told: what they have of every stake is looked for by other ways,
    /// which [`Action::LookBackAll`] asks for.
    Leapt {
        /// The block.
        to: ChainTip,
    },
    /// What [`Action::LookBackAll`] asked for was told.
    AllLookedBack,
    /// A block of the chain, at or below the last one, is looked at again, for stakes that were learned late.
    LookedBack {
        /// The block.
        block: &'a Block,
        /// Its height.
        height: u32,
    },
    /// How many blocks the node has above the last one that was told.
    Behind {
        /// The blocks.
        blocks: u32,
    },
    /// Blocks are to be told again for a stake that is known, where it is in none of those that were:
    /// somebody said another height of it before.
    LookAgain {
        /// The stake.
        stake: Txid,
        /// Nothing of it is in a block below this height.
        since: u32,
    },
    /// All blocks that [`Action::LookBack`] asked for were told.
    LookBackDone {
        /// The stakes.
        stakes: &'a [Txid],
    },
    /// The transactions that wait in the node's mempool, in place of those that were told before.
    Waiting {
        /// Their ids.
        txids: &'a [Txid],
    },
    /// A delegation, new or known.
    Delegation {
        /// The delegation.
        delegation: &'a Delegation,
        /// Its staking transaction is in no block below this height.
        since: u32,
    },
    /// Evidence of equivocation, new or known.
    Evidence {
        /// The evidence.
        evidence: &'a Evidence,
    },
    /// What [`Action::Load`] asked for.
    Ready {
        /// What is ready to be completed, by stake.
        ready: &'a [(Txid, ReadyStake)],
        /// The stakes of which nothing is.
        others: &'a [Txid],
    },
    /// Stored delegations that [`Action::LoadDelegations`] asked for.
    Loaded {
        /// The delegations.
        delegations: &'a [Delegation],
    },
    /// A stored delegation and the stored transaction that slashes it, which [`Action::Recover`] asked for.
    Slashing {
        /// The delegation.
        delegation: &'a Delegation,
        /// The slashing transaction, with its witnesses.
        transaction: &'a Transaction,
    },
    /// What the secured chain has of a stake, new or known. Of a stake that is not known it is not noted:
    /// the delegation is told first.
    Registered {
        /// The stake.
        stake: Txid,
        /// What the chain has of it.
        status: DelegationStatus,
    },
    /// A report that was due was handed over, or could not be.
    Reported {
        /// The report.
        report: Report,
        /// Why it was not taken; `None` where it was.
        failure: Option<String>,
    },
    /// What the node says of a transaction that it was handed.
    Verdict {
        /// The stake.
        stake: Txid,
        /// Which output the transaction slashes.
        output: SlashedOutput,
        /// What the node says.
        verdict: Verdict,
    },
    /// The time, in seconds since the process began.
    Tick {
        /// The seconds.
        seconds: u64,
    },
}

/// What a node says of a transaction that it was handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It has it: waiting, or in a block.
    Taken,
    /// It refuses it.
    Refused {
        /// What its reason means.
        class: RejectionClass,
        /// The reason.
        reason: String,
    },
    /// It did not answer.
    Unanswered,
}

/// What the core wants done, after its changes are stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Hand a slashing transaction to the node, and tell what it says.
    Broadcast {
        /// The stake.
        stake: Txid,
        /// Which output the transaction slashes.
        output: SlashedOutput,
        /// The transaction.
        transaction: Transaction,
    },
    /// Read what is stored of the slashing transactions of these stakes, and tell it.
    Load {
        /// The stakes.
        stakes: Vec<Txid>,
    },
    /// Read the stored delegations of these stakes, and tell them.
    LoadDelegations {
        /// The stakes.
        stakes: Vec<Txid>,
    },
    /// Read the stored delegation of this stake and the stored transaction that slashes it, and tell them.
    /// Where one of them is not there, nothing is told.
    Recover {
        /// The stake.
        stake: Txid,
    },
    /// Look at the blocks of the chain again, for these stakes: they were learned after the first of them.
    /// Each of these blocks is told in order, up to the last one that the core knows.
    LookBack {
        /// The stakes, each with the height below which nothing of it is.
        stakes: Vec<(Txid, u32)>,
    },
    /// Look at the blocks from this height on again, for all stakes.
    LookBackAll {
        /// The height.
        since: u32,
    },
    /// Tell somebody.
    Alert(Alert),
}
