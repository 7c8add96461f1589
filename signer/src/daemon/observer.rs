//! What happens, in logs and metrics.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::metrics::Metrics;
use crate::protection::Refusal;
use crate::service::{Event, Observer};

/// Logs and counts.
pub(super) struct DaemonObserver {
    metrics: Arc<Metrics>,
    strangers: Few,
}

/// How many lines a second are about those who have no business here: they must not fill the disk on which
/// votes are recorded. Metrics count all of them.
const MOST_LINES: u32 = 10;

/// What lets few lines of a kind through.
#[derive(Default)]
struct Few(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    since: Option<Instant>,
    logged: u32,
    left_out: u64,
}

impl Few {
    /// Returns how many lines were left out before this one; `None` where it is left out too.
    fn next(&self) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.since.is_none_or(|since| since.elapsed() >= Duration::from_secs(1)) {
            *lines = Lines { since: Some(Instant::now()), logged: 0, left_out: lines.left_out };
        }
        if lines.logged >= MOST_LINES {
            lines.left_out = lines.left_out.saturating_add(1);
            return None;
        }
        lines.logged = lines.logged.saturating_add(1);
        Some(std::mem::take(&mut lines.left_out))
    }
}

/// A path that a stranger has chosen, cut.
fn shown_path(path: &str) -> &str {
    if path.len() <= MOST_PATH {
        return path;
    }
    (0..=MOST_PATH).rev().find_map(|end| path.get(..end)).unwrap_or_default()
}

impl DaemonObserver {
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics, strangers: Few::default() }
    }
}

/// The most bytes of a path in a log.
const MOST_PATH: usize = 64;
/// The most bytes of a message in a log.
const MOST_SHOWN: usize = 256;

/// A message as hex digits, cut where it is long.
fn shown(message: &[u8]) -> String {
    match message.get(..MOST_SHOWN) {
        None => hex::encode(message),
        Some(start) => format!("{}… ({} bytes)", hex::encode(start), message.len()),
    }
}

impl Observer for DaemonObserver {
    fn observe(&self, event: &Event<'_>) {
        let metrics = &self.metrics;
        match event {
            Event::Answered { method, client, code, took } => {
                metrics.request(method, *code, client, *took);
                let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                tracing::debug!(method, client, ?code, micros, "answered");
            }
            Event::Failed { method, client, reason } => {
                tracing::error!(method, client, reason, "failed");
            }
            Event::Denied { method, client, reason } => {
                if let Some(left_out) = self.strangers.next() {
                    tracing::warn!(method, client, reason, left_out, "refused what the client may not do");
                }
            }
            Event::Signed { lane, height, verdict } => {
                metrics.voted(lane, *height, verdict);
                tracing::debug!(%lane, height = height.to_u64(), "signed a vote");
            }
            Event::Refused { client, lane, height, message, refusal } => {
                metrics.refused(refusal.as_str(), lane);
                let (height, asked) = (height.to_u64(), shown(message));
                match refusal {
                    Refusal::DoubleSign { earlier } => {
                        let signed = shown(&earlier.message);
                        tracing::error!(client, %lane, height, asked, signed, "refused a double sign");
                    }
                    refusal => tracing::warn!(client, %lane, height, asked, %refusal, "refused a vote"),
                }
            }
            Event::RuleRefused { client, lane, rule, reason } => {
                metrics.refused(rule, lane);
                tracing::warn!(client, %lane, rule, reason, "refused by a rule");
            }
            Event::Randomness { lane, count, last } => {
                metrics.listed(&lane.public_key, *last, u64::from(*count));
                tracing::info!(%lane, count, last = last.to_u64(), "served randomness");
            }
            Event::Committed { client, lane, first, count } => {
                metrics.schnorr_signed(&lane.public_key);
                tracing::info!(client, %lane, first = first.to_u64(), count, "signed a commitment");
            }
            Event::Possession { client, key, public_key } => {
                metrics.schnorr_signed(public_key);
                tracing::info!(client, key, "signed a proof of possession");
            }
            Event::Unlocked { client, key, public_key } => {
                metrics.set_locked(public_key, false);
                tracing::info!(client, key, "unlocked");
            }
            Event::NotUnlocked { client, key } => tracing::warn!(client, key, "not unlocked"),
            Event::Locked { client, key, public_key } => {
                metrics.set_locked(public_key, true);
                tracing::info!(client, key, "locked");
            }
            Event::BackedUp { client, file } => tracing::info!(client, file, "backed up"),
            Event::NotAuthenticated { path, rule, reason } => {
                metrics.authentication_failed(rule);
                if let Some(left_out) = self.strangers.next() {
                    let path = shown_path(path);
                    tracing::warn!(path, reason, left_out, "refused a request of nobody that is known");
                }
            }
            Event::RateExceeded { client } => {
                metrics.rate_limited(client);
                if let Some(left_out) = self.strangers.next() {
                    tracing::warn!(client, left_out, "refused a request above the client's limit");
                }
            }
            Event::Panicked { path } => tracing::error!(path = shown_path(path), "a handler panicked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Few, shown_path};

    #[test]
    fn lines_about_strangers_are_few_and_counted() {
        let few = Few::default();
        let logged: Vec<_> = (0..1000).filter_map(|_| few.next()).collect();
        assert!((10..=20).contains(&logged.len()), "{}", logged.len());
        std::thread::sleep(std::time::Duration::from_millis(1050));
        assert!(few.next().unwrap() >= 980);
        assert_eq!(shown_path(&"/a".repeat(9000)).len(), 64);
        assert_eq!(shown_path("/a"), "/a");
        assert_eq!(shown_path(""), "");
        assert_eq!(shown_path(&"é".repeat(9000)).len(), 64);
        assert_eq!(shown_path(&"/é".repeat(9000)).len(), 64);
        assert_eq!(shown_path(&format!("/{}", "é".repeat(9000))).len(), 63);
    }
}
