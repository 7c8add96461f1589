//! Voting power by Bitcoin height: one table of all providers, and what a chain makes of it.
//!
//! A [`PowerTable`] has the satoshis that are actively delegated to each finality provider at one height of
//! Bitcoin; [`PowerTables`] keeps one for each height at which something changed. A chain takes the whole
//! table ([`ChainSecurity::Replicated`]), a subset shaped by its own rules ([`ChainSecurity::OptIn`]), or
//! those that registered for it ([`ChainSecurity::Registered`]). Which of them vote at a height of the chain
//! is then up to its
//! [`rules`](crate::rules).

mod recorded;
mod shaping;
mod stakes;
mod table;

pub use self::recorded::{CommitmentRecords, RecordError, RecordedCommitment, TimestampMark};
pub use self::shaping::{InvalidShaping, Limits, PowerShaping, Shaped};
pub use self::stakes::{ActiveWhen, StakeFacts};
pub use self::table::{
    BitcoinHeight, ChainSecurity, DuplicateProvider, PowerTable, PowerTables, Provider, ProviderPower,
};
