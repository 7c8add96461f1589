#![doc = include_str!("../README.md")]

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
pub use finality;
pub use miniscript;
pub use spv;

pub use self::coins::FundingCoin;
pub use self::delegation::{
    ChainRules, CheckRules, CheckedDelegation, CovenantRecord, CovenantSignatures, Delegation,
    DelegationError, InForce, ParametersAt, SlashedOutput, StakeStatus, StakeViolation, WithdrawnOutput,
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
