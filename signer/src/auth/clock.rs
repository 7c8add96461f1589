//! The clock, which tests set.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// Returns the seconds since 1970. It may jump either way.
    fn unix_seconds(&self) -> u64;

    /// Returns the time since some beginning. It never goes back.
    fn monotonic(&self) -> Duration;
}

/// The system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn unix_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}
