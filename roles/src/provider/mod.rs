//! A finality provider's daemon.

mod alert;
mod coverage;
mod daemon;
mod facts;
mod look;
mod metrics;
mod policy;
mod refusals;
mod settled;
mod votes;

pub use self::alert::{Alert, Event, Observer};
pub use self::daemon::{Daemon, Parts, Step};
pub use self::facts::Facts;
pub use self::metrics::{Metrics, MetricsError};
pub use self::policy::{InvalidPolicy, Policy};
