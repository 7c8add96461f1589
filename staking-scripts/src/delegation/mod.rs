//! The aggregate [`Delegation`]: a stake and all that is known of it, with its checks, signatures, status,
//! explanation and spends.
//!
//! A delegation is read from its own JSON ([`Delegation::from_json`]; `data/delegation.schema.json` is its
//! schema), or built by a staker ([`Delegation::new`]). [`Delegation::check`] lists every rule that it
//! breaks, or returns a [`CheckedDelegation`], the only thing that a covenant member signs. The steps that
//! end a stake need less: see [`Stake`], [`Delegation::unbonding`], [`Delegation::unbond`] and
//! [`Delegation::slash`].

mod build;
mod check;
mod checked;
mod covenant;
mod data;
mod differences;
mod error;
#[cfg(feature = "wire")]
mod from_chain;
mod included;
mod json;
mod phase1;
mod presigned;
mod ready;
mod record;
mod relation;
mod role;
mod rule_names;
mod rules;
mod seen;
mod stake;
pub(crate) mod status;
#[cfg(feature = "wire")]
mod to_chain;

pub use self::build::{NewDelegation, NewExtendedDelegation, PresignedTransactions};
pub use self::check::{CheckRules, InForce};
pub use self::checked::{CheckedDelegation, CheckedStake, StakeTransactions};
pub use self::covenant::{CovenantQuorum, CovenantSignatures, CovenantSignaturesError, CovenantSigningError};
pub use self::data::{
    Delegation, ParametersAt, PresignedSlashing, PreviousStake, RunningStake, SlashedOutput,
};
pub use self::differences::DraftDifference;
pub use self::error::DelegationError;
#[cfg(feature = "wire")]
pub use self::from_chain::ChainMessage;
pub use self::included::{ChainRules, StakeInclusion};
pub use self::json::possession_from_json;
pub use self::ready::{InvalidReadySlashing, ReadySlashing};
pub use self::record::{CovenantRecord, MemoryCovenantRecord, RecordVerdict, SignedStake};
pub use self::relation::DelegationRelation;
pub use self::role::StakeTransaction;
pub use self::rules::StakeViolation;
pub use self::seen::broken_rules;
pub use self::stake::{Stake, WithdrawnOutput};
pub use self::status::{Spending, StakeOnChain, StakeState, StakeStatus, StakeTimes};
#[cfg(feature = "wire")]
pub use self::to_chain::RegistrationMessage;
