//! The metrics that there are: what is counted, and what the documentation shows.

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// A metric with its labels.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
}

const KEY: &str = "fp_btc_pk_hex";
const CHAIN: &str = "chain_id";
const OF_KEY: &[&str] = &[KEY];
const OF_LANE: &[&str] = &[KEY, CHAIN];

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

/// Upper bounds in seconds: a vote takes about a millisecond, a list of 50 000 heights about a second.
const BUCKETS: [f64; 17] = [
    0.0001, 0.00025, 0.0005, 0.001, 0.0015, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
];

// The reference's, under its names and with its label.
pub(super) const CREATED_KEYS: Family =
    counter("eots_created_keys_counter", &[], "Keys created over the interface: always 0, as none is.");
pub(super) const LISTED: Family = counter(
    "eots_fp_total_generated_randomness_counter",
    OF_KEY,
    "Heights whose public randomness was listed.",
);
pub(super) const LAST_LISTED: Family = gauge(
    "eots_fp_last_generated_randomness_height",
    OF_KEY,
    "Last height of the last list of public randomness.",
);
pub(super) const EOTS_SIGNED: Family =
    counter("eots_fp_total_eots_sign_counter", OF_KEY, "EOTS signatures returned, repeated ones among them.");
pub(super) const LAST_EOTS_SIGNED: Family =
    gauge("eots_fp_last_eots_sign_height", OF_KEY, "Height of the last EOTS signature returned.");
pub(super) const SCHNORR_SIGNED: Family = counter(
    "eots_fp_total_schnorr_sign_counter",
    OF_KEY,
    "BIP-340 signatures returned: commitments and proofs of possession.",
);

pub(super) const REQUESTS: Family = counter(
    "btcstake_signer_requests_total",
    &["method", "code", "client"],
    "Requests answered, by gRPC method, gRPC code and client.",
);
pub(super) const SECONDS: Family = Family {
    name: "btcstake_signer_request_seconds",
    kind: Kind::Histogram,
    labels: &["method"],
    help: "Time from a request that is in and authenticated to its answer, in seconds.",
};
pub(super) const VOTES: Family = counter(
    "btcstake_signer_votes_total",
    &[KEY, CHAIN, "verdict"],
    "Votes signed: `new`, or `again` for the same message with the same signature.",
);
pub(super) const REFUSALS: Family = counter(
    "btcstake_signer_refusals_total",
    &["rule", KEY, CHAIN],
    "Votes and digests that were not signed, by the rule that refused them.",
);
pub(super) const DOUBLE_SIGNS: Family = counter(
    "btcstake_signer_double_sign_refusals_total",
    OF_LANE,
    "Refusals because another message was signed at the height. Any increase asks for a look at who asked.",
);
pub(super) const LOW: Family = gauge(
    "btcstake_signer_low_watermark",
    OF_LANE,
    "Low watermark: nothing at or below it is signed anew. Absent while there is none.",
);
pub(super) const HIGH: Family = gauge(
    "btcstake_signer_high_watermark",
    OF_LANE,
    "High watermark: nothing above it is signed. Absent while there is none.",
);
pub(super) const HIGHEST: Family = gauge(
    "btcstake_signer_highest_height",
    OF_LANE,
    "Highest height known to be signed. Absent while there is none.",
);
pub(super) const COMMITTED: Family = gauge(
    "btcstake_signer_randomness_committed_until_height",
    OF_LANE,
    "Randomness coverage: the last height whose randomness is committed. Absent while there is none.",
);
pub(super) const STORE_BYTES: Family =
    gauge("btcstake_signer_store_size_bytes", &[], "Size of the signing database, in bytes.");
pub(super) const GENERATION: Family = gauge(
    "btcstake_signer_store_generation",
    &[],
    "Generation of the signing database: it rises with every write.",
);
pub(super) const RATE_LIMITED: Family = counter(
    "btcstake_signer_rate_limited_total",
    &["client"],
    "Requests refused by the client's rate limit.",
);
pub(super) const UNAUTHENTICATED: Family = counter(
    "btcstake_signer_authentication_failures_total",
    &["reason"],
    "Requests of nobody that is known, by what was wrong.",
);
pub(super) const LOCKED: Family =
    gauge("btcstake_signer_key_locked", OF_KEY, "1 while a key is locked, 0 while it signs.");
pub(super) const STARTED: Family =
    gauge("btcstake_signer_start_time_seconds", &[], "When the daemon started, in seconds since 1970.");
pub(super) const BUILD: Family =
    gauge("btcstake_signer_build_info", &["version"], "1, with the version as a label.");

/// Every metric.
pub(super) const ALL: [&Family; 22] = [
    &CREATED_KEYS,
    &LISTED,
    &LAST_LISTED,
    &EOTS_SIGNED,
    &LAST_EOTS_SIGNED,
    &SCHNORR_SIGNED,
    &REQUESTS,
    &SECONDS,
    &VOTES,
    &REFUSALS,
    &DOUBLE_SIGNS,
    &LOW,
    &HIGH,
    &HIGHEST,
    &COMMITTED,
    &STORE_BYTES,
    &GENERATION,
    &RATE_LIMITED,
    &UNAUTHENTICATED,
    &LOCKED,
    &STARTED,
    &BUILD,
];

impl Family {
    pub(super) fn counters(&self, registry: &Registry) -> prometheus::Result<IntCounterVec> {
        let made = IntCounterVec::new(Opts::new(self.name, self.help), self.labels)?;
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn gauges(&self, registry: &Registry) -> prometheus::Result<IntGaugeVec> {
        let made = IntGaugeVec::new(Opts::new(self.name, self.help), self.labels)?;
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    pub(super) fn histograms(&self, registry: &Registry) -> prometheus::Result<HistogramVec> {
        let options = HistogramOpts::new(self.name, self.help).buckets(BUCKETS.to_vec());
        let made = HistogramVec::new(options, self.labels)?;
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }
}

/// Returns the metrics as a table in Markdown.
pub(super) fn reference() -> String {
    let mut text = "| metric | type | labels | meaning |\n|---|---|---|---|\n".to_owned();
    for Family { name, kind, labels, help } in ALL {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        text.push_str(&format!("| `{name}` | {kind} | {labels} | {help} |\n"));
    }
    text
}
