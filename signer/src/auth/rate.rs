//! A limit of requests per time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A limit: so many per second over time, and as many as a burst at once. Behind a limit, nothing queues.
#[derive(Debug)]
pub struct RateLimit {
    /// What one request costs.
    each: Duration,
    /// What may be owed at most.
    most: Duration,
    /// When everything so far is paid.
    paid_at: Mutex<Duration>,
}

/// More was asked for than the limit has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more requests than the limit of this client; must wait {} ms", .wait.as_millis())]
#[non_exhaustive]
pub struct RateExceeded {
    /// How long until as much is to be had again.
    pub wait: Duration,
}

impl RateLimit {
    /// Returns a limit of `count` in each `per`, and of `burst` at once. A count of 0 lets nothing pass.
    pub fn new(count: u32, per: Duration, burst: u32) -> Self {
        let each = per.checked_div(count).unwrap_or(Duration::MAX);
        Self { each, most: each.saturating_mul(burst), paid_at: Mutex::default() }
    }

    /// Takes `count` at this time.
    ///
    /// # Errors
    /// [`RateExceeded`]: nothing is taken.
    pub fn take(&self, count: u32, now: Duration) -> Result<(), RateExceeded> {
        let mut paid_at = self.paid_at.lock().unwrap_or_else(PoisonError::into_inner);
        let after = (*paid_at).max(now).saturating_add(self.each.saturating_mul(count));
        let owed = after.saturating_sub(now);
        if owed > self.most {
            return Err(RateExceeded { wait: owed.saturating_sub(self.most) });
        }
        *paid_at = after;
        Ok(())
    }
}
