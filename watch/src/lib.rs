#![doc = include_str!("../README.md")]

mod alert;
mod complete;
pub mod daemon;
mod driver;
mod event;
mod facts;
mod report;
mod reporter;
mod rows;
mod slasher;
pub mod sources;
mod stake;
mod stored;
#[cfg(feature = "testing")]
pub mod testing;
mod told;
mod tracker;
mod watch;

#[cfg(test)]
mod tests;

pub use babylon::query::DelegationStatus;

pub use self::alert::{Alert, output_name};
pub use self::complete::{Candidates, ReadyStake};
pub use self::driver::{Driver, DriverError, WatchedNode};
pub use self::event::{Action, Event, Verdict};
pub use self::facts::{LeafMark, LeafMarks, StakeFacts};
pub use self::report::{Post, PostError, ReadyReport, Report};
pub use self::rows::{RowError, SCHEMA, stored_delegations, stored_slashing};
pub use self::stake::{ProviderId, Spend, StakeId, StakeOutput, TrackedStake};
pub use self::stored::{Stored, stored_evidence};
pub use self::told::{Observer, Told};
pub use self::tracker::{Learned, ProviderStatistics, StakeChange, Statistics, Tracker};
pub use self::watch::{OnSelective, Output, Settings, Watch};
