//! Slashing protection: at most one message is signed for each key, chain and height.
//!
//! The signing call *is* the check: [`Store::check_and_record`] looks for another message, has the signature
//! made, records both and releases the signature once the record is durable, in one exclusive transaction.
//! Nothing else in this crate makes a signature with a committed randomness.

#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(dead_code, reason = "only stores that last have a guard")
)]
mod guard;
#[cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    allow(dead_code, reason = "only stores that last are locked")
)]
mod lock;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;
mod steps;
mod store;
mod types;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
#[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "only a file is copied in parts"))]
mod worker;

#[cfg(test)]
mod tests;

pub use self::guard::GuardError;
#[cfg(feature = "grpc")]
pub(crate) use self::lock::with_ending;
pub use self::memory::MemoryStore;
#[cfg(feature = "postgres")]
pub use self::postgres::{
    PostgresConnection, PostgresError, PostgresFailure, PostgresMode, PostgresOptions, PostgresStore,
};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{OpenError, SqlitePaths, SqliteStore, UnpublishedBackup};
pub use self::store::{ChangeKind, Changed, LaneChange, Reply, Store, StoreError, check_highest_vote};
pub(crate) use self::types::SignVote;
pub use self::types::{
    FirstHeight, HeightRange, Lane, LaneState, Outcome, Refusal, SigningRecord, Verdict, VoteRequest,
    Watermarks,
};
