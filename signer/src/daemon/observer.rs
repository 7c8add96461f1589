//! What happens, in logs and metrics.

use std::sync::Arc;

use crate::metrics::Metrics;
use crate::protection::Refusal;
use crate::service::{Event, Observer};

/// Logs and counts.
pub(super) struct DaemonObserver {
    metrics: Arc<Metrics>,
}

impl DaemonObserver {
    pub(super) const fn new(metrics: Arc<Metrics>) -> Self {
        Self { metrics }
    }
}

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
            Event::Committed { lane, first, count } => {
                metrics.schnorr_signed(&lane.public_key);
                tracing::info!(%lane, first = first.to_u64(), count, "signed a commitment");
            }
            Event::Possession { key, public_key } => {
                metrics.schnorr_signed(public_key);
                tracing::info!(key, "signed a proof of possession");
            }
            Event::Unlocked { key, public_key } => {
                metrics.set_locked(public_key, false);
                tracing::info!(key, "unlocked");
            }
            Event::NotUnlocked { client, key } => tracing::warn!(client, key, "not unlocked"),
            Event::Locked { key, public_key } => {
                metrics.set_locked(public_key, true);
                tracing::info!(key, "locked");
            }
            Event::BackedUp { client, file } => tracing::info!(client, file, "backed up"),
            Event::NotAuthenticated { path, rule, reason } => {
                metrics.authentication_failed(rule);
                tracing::warn!(path, reason, "refused a request of nobody that is known");
            }
            Event::RateExceeded { client } => {
                metrics.rate_limited(client);
                tracing::warn!(client, "refused a request above the client's limit");
            }
            Event::Panicked { path } => tracing::error!(path, "a handler panicked"),
        }
    }
}
