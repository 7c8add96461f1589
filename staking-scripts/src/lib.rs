//! The Taproot outputs of Bitcoin staking, every transaction that makes or spends them, and the one road that
//! a stake travels: [`Delegation`].
//!
//! A staker locks bitcoin in a [`StakingOutput`] that opens in three ways: after the staking time by the
//! staker alone, at any time by the staker with a quorum of the covenant committee (which the committee
//! grants only towards an [`UnbondingOutput`]), and by the finality provider's key with staker and quorum,
//! which only happens when that key has leaked, because staker and committee pre-signed the one
//! [`SlashingTransaction`] for it. What slashing leaves returns through a
//! [`SlashingRefundOutput`](outputs::SlashingRefundOutput).
//!
//! A [`Delegation`] is a stake and all that is known of it, from its own JSON, from a node of the chain that
//! keeps the stakes, or from the message that registered it (feature `wire`). It is checked, signed,
//! explained and spent through one type; a step asks for what it needs, and no more.
//!
//! Rooms, from the bottom: [`outputs`], [`coins`], [`transactions`], [`parameters`]; beside them
//! [`explain`](mod@explain), [`phase1`], [`possession`] and [`psbt`]; on top [`delegation`].
//!
//! Everything is a pure function of its arguments: no network, no clock, no files. Transactions travel as
//! PSBTs, and a finalized one is read again and every promise about it checked before it is returned.
//!
//! A call that fails returns an error that is named after what failed, often one for a whole room:
//! [`InvalidParties`](outputs::InvalidParties), [`BuildError`](transactions::BuildError),
//! [`ReturnedPsbtError`](transactions::ReturnedPsbtError). An error prints its cause or has it as its source,
//! never both. [`StakeViolation`] and [`ParametersRule`](parameters::ParametersRule) are no failures of a
//! call but tables of rules: a check returns all that are broken, and each has a stable name for machines.
//!
//! Amounts are [`Amount`](bitcoin::Amount), lengths of time [`Timelock`], rates
//! [`SlashingRate`](transactions::SlashingRate); keys are BIP-340 x-only.

pub mod coins;
pub mod delegation;
pub mod explain;
pub mod outputs;
pub mod parameters;
pub mod phase1;
pub mod possession;
pub mod psbt;
#[cfg(any(test, feature = "test-utils"))]
pub mod testing;
pub mod transactions;
#[cfg(feature = "wire")]
mod wire;

pub use bitcoin;
pub use eots;
pub use spv;

pub use self::coins::FundingCoin;
pub use self::delegation::{
    ChainRules, CheckRules, CheckedDelegation, CovenantRecord, CovenantSignatures, Delegation,
    DelegationError, InForce, ParametersAt, SlashedOutput, Stake, StakeStatus, StakeTransaction,
    StakeViolation,
};
pub use self::explain::{Explanation, TransactionKind, explain};
pub use self::outputs::{
    CovenantCommittee, Parties, SpendPath, StakedTo, StakingOutput, Timelock, UnbondingOutput,
};
pub use self::parameters::{Parameters, ParametersHistory, Phase1Parameters};
pub use self::possession::ProofOfPossession;
pub use self::transactions::{
    ExtensionTransaction, Funded, LeafTransaction, SlashingTransaction, StakingTransaction,
    UnbondingTransaction, WithdrawalTransaction,
};

#[cfg(test)]
mod tests;
