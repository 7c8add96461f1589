//! A limit of requests per time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A limit: so many per second over time, and as many as a burst at once. Behind a limit, nothing queues.
#[derive(Debug)]
pub struct RateLimit {
    /// What one request costs.
    each: Duration,
    /// How many there may be at once.
    burst: u32,
    /// When everything so far is paid.
    paid_at: Mutex<Duration>,
}

/// More was asked for than the limit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateExceeded {
    /// So much is to be had again later.
    #[error("more than the limit; must wait {} ms", .wait.as_nanos().div_ceil(1_000_000))]
    ForNow {
        /// How long until then.
        wait: Duration,
    },
    /// So much is never to be had at once.
    #[error("{count} at once; must be at most {most}")]
    AtOnce {
        /// What was asked for.
        count: u32,
        /// The most at once.
        most: u32,
    },
}

impl RateLimit {
    /// Returns a limit of `count` in each `per`, and of `burst` at once. A count of 0 lets nothing pass.
    pub fn new(count: u32, per: Duration, burst: u32) -> Self {
        let each = per.checked_div(count).unwrap_or(Duration::MAX);
        Self { each, burst, paid_at: Mutex::default() }
    }

    /// Takes `count` at this time.
    ///
    /// # Errors
    /// [`RateExceeded`]: nothing is taken.
    pub fn take(&self, count: u32, now: Duration) -> Result<(), RateExceeded> {
        if count > self.burst {
            return Err(RateExceeded::AtOnce { count, most: self.burst });
        }
        let most = self.each.saturating_mul(self.burst);
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        let after = (*paid_at).max(now).saturating_add(self.each.saturating_mul(count));
        let owed = after.saturating_sub(now);
        if owed > most {
            return Err(RateExceeded::ForNow { wait: owed.saturating_sub(most) });
        }
        *paid_at = after;
        Ok(())
    }

    /// Gives back what was taken for nothing.
    pub fn give_back(&self, count: u32) {
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        *paid_at = paid_at.saturating_sub(self.each.saturating_mul(count));
    }
}
