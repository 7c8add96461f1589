//! A stake request: what a staker asks the covenant committee to sign, and all that must hold of it.
//!
//! [`StakeRequest::check`] lists everything that is wrong. What it returns when nothing is, an
//! [`AcceptedStake`], is the only thing that a covenant member's answer is made from. The transactions' own
//! `sign_as_covenant_member_unchecked` are for those who built them.

mod advance;
mod answer;
mod check;
mod draft;
mod fields;
mod file;
mod included;
mod rules;
mod seen;

use bitcoin::secp256k1::schnorr;
use bitcoin::{Amount, Transaction, TxOut, XOnlyPublicKey};

pub use self::answer::{AnswerError, CovenantAnswer};
pub use self::check::AcceptedStake;
pub use self::draft::{PlanError, PlannedTransactions};
pub use self::fields::{
    AnswerField, ConsumerField, PossessionField, PossessionKind, ProvidersField, RunningField, StakerField,
};
pub use self::file::{DelegationError, DelegationFile};
pub use self::included::{ChainRules, InclusionField, StakeInclusion};
pub use self::rules::{Part, StakeViolation};
use crate::outputs::providers::StakedTo;
use crate::pop::{Claim, ProofOfPossession};

/// What a staker asks for, as it arrived. Nothing about it is certain yet but that its parts could be read.
#[derive(Debug, Clone, PartialEq)]
pub struct StakeRequest {
    /// Who stakes.
    pub staker: XOnlyPublicKey,
    /// Whom the stake is delegated to.
    pub staked_to: StakedTo,
    /// For how many blocks.
    pub staking_time_blocks: u32,
    /// How much.
    pub staking_amount: Amount,
    /// How long an unbonding stake waits.
    pub unbonding_time_blocks: u32,
    /// What makes the stake. Its witnesses do not matter.
    pub staking_transaction: Transaction,
    /// What spends the stake early.
    pub unbonding_transaction: Transaction,
    /// What slashes the stake, and the staker's signature over it.
    pub slashing: SignedSlashing,
    /// What slashes the unbonding stake, and the staker's signature over it.
    pub unbonding_slashing: SignedSlashing,
    /// That the staker's account on the secured chain is of who holds the key.
    pub possession: (Claim, ProofOfPossession),
    /// The running stake that this one extends.
    pub extends: Option<RunningStake>,
    /// That the staking transaction is in a block; absent for a stake that is registered before.
    pub inclusion: Option<StakeInclusion>,
}

/// A slashing transaction with the staker's signature.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedSlashing {
    /// The transaction.
    pub transaction: Transaction,
    /// The staker's signature over it.
    pub staker: schnorr::Signature,
}

/// A running stake that is to be extended.
#[derive(Debug, Clone, PartialEq)]
pub struct RunningStake {
    /// What made it.
    pub staking_transaction: Transaction,
    /// Whom it is delegated to.
    pub staked_to: StakedTo,
    /// For how many blocks.
    pub staking_time_blocks: u32,
    /// The output that the extension's second input spends.
    pub funding: TxOut,
}
