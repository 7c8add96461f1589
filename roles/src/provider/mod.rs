//! A finality provider's daemon.

mod alert;
mod coverage;
mod daemon;
mod facts;
mod look;
mod metrics;
mod policy;
mod second;
mod settled;
mod verdict;
mod votes;

pub use self::alert::{ProviderAlert, ProviderEvent, ProviderObserver};
pub use self::daemon::{ProviderDaemon, ProviderParts, ProviderStep};
pub use self::facts::ProviderFacts;
pub use self::metrics::ProviderMetrics;
pub use self::policy::{InvalidPolicy, ProviderPolicy};
