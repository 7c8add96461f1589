//! Metrics for Prometheus: those of the reference daemon under its names, so that its dashboards work, and
//! more.
//!
//! Labels have the values of the configuration alone: whatever else a request names is `other`, so that
//! nobody fills the memory with names. Prometheus' numbers are 64-bit floats: heights above 2^53 are rounded,
//! and those above 2^63 − 1 are that.

mod families;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use eots::XOnlyPublicKey;
use finality::ConsumerHeight;
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, Registry, TextEncoder};

use crate::protection::{Lane, LaneState, Verdict};

/// Whatever is not configured.
const OTHER: &str = "other";
/// The rule that is counted on its own as well.
const DOUBLE_SIGN: &str = "double_sign";

/// The metrics could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be registered")]
pub struct MetricsError(#[from] prometheus::Error);

/// The values that labels may have.
#[derive(Debug, Clone, Default)]
pub struct MetricLabels {
    /// The public keys.
    pub keys: Vec<XOnlyPublicKey>,
    /// The ids of chains.
    pub chain_ids: Vec<String>,
    /// The names of clients.
    pub clients: Vec<String>,
    /// The names of methods.
    pub methods: Vec<String>,
}

/// Everything that is counted and measured.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    keys: BTreeSet<XOnlyPublicKey>,
    chain_ids: BTreeSet<String>,
    clients: BTreeSet<String>,
    methods: BTreeSet<String>,
    created_keys: IntCounterVec,
    listed: IntCounterVec,
    last_listed: IntGaugeVec,
    eots_signed: IntCounterVec,
    last_eots_signed: IntGaugeVec,
    schnorr_signed: IntCounterVec,
    requests: IntCounterVec,
    seconds: HistogramVec,
    votes: IntCounterVec,
    refusals: IntCounterVec,
    double_signs: IntCounterVec,
    low: IntGaugeVec,
    high: IntGaugeVec,
    highest: IntGaugeVec,
    committed: IntGaugeVec,
    store_bytes: IntGaugeVec,
    generation: IntGaugeVec,
    rate_limited: IntCounterVec,
    unauthenticated: IntCounterVec,
    locked: IntGaugeVec,
}

impl Metrics {
    /// Returns metrics of a daemon that started at this time. The counters of what is configured begin at 0.
    ///
    /// # Errors
    /// [`MetricsError`] never, unless a name is not Prometheus'.
    pub fn new(labels: MetricLabels, started: SystemTime) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let of = &registry;
        let metrics = Self {
            keys: labels.keys.into_iter().collect(),
            chain_ids: labels.chain_ids.into_iter().collect(),
            clients: labels.clients.into_iter().collect(),
            methods: labels.methods.into_iter().collect(),
            created_keys: families::CREATED_KEYS.counters(of)?,
            listed: families::LISTED.counters(of)?,
            last_listed: families::LAST_LISTED.gauges(of)?,
            eots_signed: families::EOTS_SIGNED.counters(of)?,
            last_eots_signed: families::LAST_EOTS_SIGNED.gauges(of)?,
            schnorr_signed: families::SCHNORR_SIGNED.counters(of)?,
            requests: families::REQUESTS.counters(of)?,
            seconds: families::SECONDS.histograms(of)?,
            votes: families::VOTES.counters(of)?,
            refusals: families::REFUSALS.counters(of)?,
            double_signs: families::DOUBLE_SIGNS.counters(of)?,
            low: families::LOW.gauges(of)?,
            high: families::HIGH.gauges(of)?,
            highest: families::HIGHEST.gauges(of)?,
            committed: families::COMMITTED.gauges(of)?,
            store_bytes: families::STORE_BYTES.gauges(of)?,
            generation: families::GENERATION.gauges(of)?,
            rate_limited: families::RATE_LIMITED.counters(of)?,
            unauthenticated: families::UNAUTHENTICATED.counters(of)?,
            locked: families::LOCKED.gauges(of)?,
            registry,
        };
        let started = started.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        set(&families::STARTED.gauges(&metrics.registry)?, &[], started.as_secs());
        set(&families::BUILD.gauges(&metrics.registry)?, &[env!("CARGO_PKG_VERSION")], 1);
        metrics.begin_at_zero();
        Ok(metrics)
    }

    /// A rate of a counter that is not there yet misses its first increase.
    fn begin_at_zero(&self) {
        add(&self.created_keys, &[], 0);
        for key in self.keys.iter().map(ToString::to_string) {
            for counters in [&self.listed, &self.eots_signed, &self.schnorr_signed] {
                add(counters, &[&key], 0);
            }
            for chain_id in &self.chain_ids {
                add(&self.double_signs, &[&key, chain_id], 0);
                add(&self.votes, &[&key, chain_id, "new"], 0);
            }
        }
        for client in &self.clients {
            add(&self.rate_limited, &[client], 0);
        }
    }

    fn key(&self, key: &XOnlyPublicKey) -> String {
        if self.keys.contains(key) { key.to_string() } else { OTHER.to_owned() }
    }

    fn chain_id(&self, chain_id: &[u8]) -> &str {
        let text = std::str::from_utf8(chain_id).ok();
        text.and_then(|text| known(&self.chain_ids, text)).unwrap_or(OTHER)
    }

    fn client(&self, name: &str) -> &str {
        known(&self.clients, name).unwrap_or(OTHER)
    }

    /// Counts a request that was answered, and how long that took.
    pub fn request(&self, method: &str, code: tonic::Code, client: &str, took: Duration) {
        let method = known(&self.methods, method).unwrap_or(OTHER);
        add(&self.requests, &[method, code_name(code), self.client(client)], 1);
        if let Ok(seconds) = self.seconds.get_metric_with_label_values(&[method]) {
            seconds.observe(took.as_secs_f64());
        }
    }

    /// Counts a vote that was signed.
    pub fn voted(&self, lane: &Lane, height: ConsumerHeight, verdict: &Verdict) {
        let (key, chain_id) = (self.key(&lane.public_key), self.chain_id(&lane.chain_id));
        let verdict = match verdict {
            Verdict::New(_) => "new",
            Verdict::Again(_) => "again",
        };
        add(&self.votes, &[&key, chain_id, verdict], 1);
        add(&self.eots_signed, &[&key], 1);
        set(&self.last_eots_signed, &[&key], height.to_u64());
    }

    /// Counts a refusal under a rule's name, such as [`Refusal::as_str`](crate::protection::Refusal::as_str).
    pub fn refused(&self, rule: &'static str, lane: &Lane) {
        let (key, chain_id) = (self.key(&lane.public_key), self.chain_id(&lane.chain_id));
        add(&self.refusals, &[rule, &key, chain_id], 1);
        if rule == DOUBLE_SIGN {
            add(&self.double_signs, &[&key, chain_id], 1);
        }
    }

    /// Counts the heights of a list of public randomness, up to its last one.
    pub fn listed(&self, key: &XOnlyPublicKey, last: ConsumerHeight, count: u64) {
        let key = self.key(key);
        add(&self.listed, &[&key], count);
        set(&self.last_listed, &[&key], last.to_u64());
    }

    /// Counts a BIP-340 signature: a commitment's, or a proof of possession.
    pub fn schnorr_signed(&self, key: &XOnlyPublicKey) {
        add(&self.schnorr_signed, &[&self.key(key)], 1);
    }

    /// Counts a request that its client's rate limit refused.
    pub fn rate_limited(&self, client: &str) {
        add(&self.rate_limited, &[self.client(client)], 1);
    }

    /// Counts a request of nobody that is known. The reasons are ours to name, and few.
    pub fn authentication_failed(&self, reason: &'static str) {
        add(&self.unauthenticated, &[reason], 1);
    }

    /// Shows whether a key is locked.
    pub fn set_locked(&self, key: &XOnlyPublicKey, is_locked: bool) {
        set(&self.locked, &[&self.key(key)], u64::from(is_locked));
    }

    /// Shows what the store knows of a lane.
    pub fn set_lane(&self, lane: &Lane, state: &LaneState) {
        let (key, chain_id) = (self.key(&lane.public_key), self.chain_id(&lane.chain_id));
        let labels = [key.as_str(), chain_id];
        let committed = state.committed.last().map(|range| range.last);
        for (gauges, height) in [
            (&self.low, state.watermarks.low),
            (&self.high, state.watermarks.high),
            (&self.highest, state.highest),
            (&self.committed, committed),
        ] {
            match height {
                Some(height) => set(gauges, &labels, height.to_u64()),
                // It is an error where there was none before.
                None => drop(gauges.remove_label_values(&labels)),
            }
        }
    }

    /// Shows the size of the store and its generation.
    pub fn set_store(&self, size_bytes: u64, generation: u64) {
        set(&self.store_bytes, &[], size_bytes);
        set(&self.generation, &[], generation);
    }

    /// Returns everything in Prometheus' text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // It is an error to write a metric without a value, and none is gathered.
        let families = self.registry.gather();
        if TextEncoder::new().encode_utf8(&families, &mut text).is_err() {
            text.clear();
        }
        text
    }

    /// Returns every metric with its type, labels and meaning, as a table in Markdown.
    pub fn reference() -> String {
        families::reference()
    }
}

fn known<'a>(all: &'a BTreeSet<String>, one: &str) -> Option<&'a str> {
    all.get(one).map(String::as_str)
}

/// Labels and metrics are from one table, so that these never fail.
fn add(counters: &IntCounterVec, labels: &[&str], count: u64) {
    if let Ok(counter) = counters.get_metric_with_label_values(labels) {
        counter.inc_by(count);
    }
}

fn set(gauges: &IntGaugeVec, labels: &[&str], value: u64) {
    if let Ok(gauge) = gauges.get_metric_with_label_values(labels) {
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    }
}

/// The names that other gRPC servers give the codes.
const fn code_name(code: tonic::Code) -> &'static str {
    use tonic::Code;

    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
