//! The Taproot outputs of Bitcoin staking, the transactions that create and spend them, and the aggregate of
//! all that is known of a stake: [`Delegation`].
//!
//! A staker locks bitcoin in a [`StakingOutput`], which has three spend paths: the timelock path, by the
//! staker alone after the staking time; the unbonding path, by the staker with a quorum of the covenant
//! committee, which signs only an unbonding transaction, to an [`UnbondingOutput`], or an extension; and the
//! slashing path, by the finality provider, the staker and a quorum. Staker and committee pre-sign only the
//! [`SlashingTransaction`] for the last, so it is spent only once the provider's key is extracted. What
//! slashing leaves returns to the staker through a [`SlashingRefundOutput`](outputs::SlashingRefundOutput).
//!
//! A [`Delegation`] is a stake and all that is known of it, from its own JSON, from a node of Babylon
//! Genesis, or from the message that registered it (feature `wire`). It is checked, signed, explained and
//! spent through one type; each step needs only what it uses.
//!
//! Modules, from the bottom: [`outputs`], [`coins`], [`transactions`], [`parameters`]; beside them
//! [`explain`](mod@explain), [`phase1`], [`possession`] and [`psbt`]; on top [`delegation`].
//!
//! Everything is a pure function of its arguments: no network, no clock, no files. Transactions are passed to
//! signers as PSBTs, and a finalized transaction is checked again, field by field, before it is returned.
//!
//! A call that fails returns an error that is named after what failed, often one for a whole module:
//! [`InvalidParties`](outputs::InvalidParties), [`BuildError`](transactions::BuildError),
//! [`ReturnedPsbtError`](transactions::ReturnedPsbtError). An error prints its cause or has it as its source,
//! never both. [`StakeViolation`] and [`ParametersRule`](parameters::ParametersRule) are tables of rules: a
//! check returns every rule that is broken, and each has a stable machine name.
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
