//! A covenant member's daemon.

mod alert;
mod daemon;
mod foreign;
mod metrics;
mod sending;
mod tips;

pub use self::alert::{CovenantAlert, CovenantEvent, CovenantFacts, CovenantObserver};
pub use self::daemon::{CovenantDaemon, CovenantParts, CovenantPolicy, CovenantStep};
pub use self::metrics::CovenantMetrics;
