//! What is known of a daemon, and what may be wrong.

use std::fmt;

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

/// Something that is wrong, and may end by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchFault {
    /// The Bitcoin node does not answer, or not as it must.
    Node,
    /// The Bitcoin node is below the last block that was judged: nothing is undone, and nothing is new.
    NodeBehind,
    /// The store cannot be opened, read or written.
    Store,
    /// Another watchtower leads with the store: this one does nothing.
    StandsBy,
    /// The secured chain's node does not answer, or not as it must.
    Chain,
    /// A followed file cannot be read.
    Files,
}

impl WatchFault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Node, Self::NodeBehind, Self::Store, Self::StandsBy, Self::Chain, Self::Files];

    /// Returns its name, for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::NodeBehind => "node_behind",
            Self::Store => "store",
            Self::StandsBy => "stands_by",
            Self::Chain => "chain",
            Self::Files => "files",
        }
    }
}

impl fmt::Display for WatchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WatchFacts {
    /// The height of the last block that was judged.
    pub height: u32,
    /// That of the node's tip.
    pub node_height: u32,
    /// How many stakes are tracked.
    pub stakes: usize,
    /// How many of them are active.
    pub active_stakes: u64,
    /// And how much they are, in satoshis.
    pub active_sat: u64,
    /// Of how many providers the key is known.
    pub slashed_providers: usize,
    /// How many stakes are being slashed: their slashing transactions are not deep enough yet.
    pub slashes_under_way: usize,
}

impl WatchFacts {
    /// Returns how many blocks are still to be judged.
    pub const fn blocks_behind(&self) -> u32 {
        self.node_height.saturating_sub(self.height)
    }
}

type Read = fn(&WatchFacts) -> u64;

const GAUGES: [(&str, &str, Read); 7] = [
    ("btcstake_watch_height", "The last block that was judged.", |facts| facts.height.into()),
    ("btcstake_watch_blocks_behind", "Blocks of the node that are still to be judged.", |facts| {
        facts.blocks_behind().into()
    }),
    ("btcstake_watch_stakes", "Stakes that are tracked.", |facts| wide(facts.stakes)),
    ("btcstake_watch_active_stakes", "Stakes that are active.", |facts| facts.active_stakes),
    ("btcstake_watch_active_sat", "What is staked actively, in satoshis.", |facts| facts.active_sat),
    ("btcstake_watch_slashed_providers", "Finality providers whose key is known.", |facts| {
        wide(facts.slashed_providers)
    }),
    ("btcstake_watch_slashes_under_way", "Stakes whose slashing is not deep enough yet.", |facts| {
        wide(facts.slashes_under_way)
    }),
];

fn wide(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// The metrics of a daemon, for Prometheus.
#[derive(Debug)]
pub struct WatchMetrics {
    registry: Registry,
    gauges: Vec<(Read, IntGauge)>,
    faults: IntGaugeVec,
    alerts: IntCounterVec,
    sent: IntCounterVec,
}

impl WatchMetrics {
    /// Returns the metrics of nothing yet.
    ///
    /// # Errors
    /// Never, unless a name is not Prometheus'.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let mut gauges = Vec::new();
        for (name, help, read) in GAUGES {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            gauges.push((read, gauge));
        }
        let faults = Opts::new("btcstake_watch_fault", "1 while something is wrong, by what it is.");
        let faults = IntGaugeVec::new(faults, &["fault"])?;
        let alerts = Opts::new("btcstake_watch_alerts_total", "Alerts since the start, by their kind.");
        let alerts = IntCounterVec::new(alerts, &["kind"])?;
        let sent = "Slashing transactions handed to the node since the start, by what it said.";
        let sent = IntCounterVec::new(Opts::new("btcstake_watch_sent_total", sent), &["verdict"])?;
        registry.register(Box::new(faults.clone()))?;
        registry.register(Box::new(alerts.clone()))?;
        registry.register(Box::new(sent.clone()))?;
        for verdict in ["taken", "refused", "unanswered"] {
            sent.with_label_values(&[verdict]).inc_by(0);
        }
        let metrics = Self { registry, gauges, faults, alerts, sent };
        metrics.set(&WatchFacts::default(), &[]);
        Ok(metrics)
    }

    /// Shows these facts and faults.
    pub fn set(&self, facts: &WatchFacts, raised: &[WatchFault]) {
        for (read, gauge) in &self.gauges {
            gauge.set(i64::try_from(read(facts)).unwrap_or(i64::MAX));
        }
        for fault in WatchFault::ALL {
            self.faults.with_label_values(&[fault.as_str()]).set(raised.contains(&fault).into());
        }
    }

    /// Counts an alert.
    pub fn alert(&self, kind: &str) {
        self.alerts.with_label_values(&[kind]).inc();
    }

    /// Counts a transaction that was handed to the node: "taken", "refused" or "unanswered".
    pub fn sent(&self, verdict: &str) {
        self.sent.with_label_values(&[verdict]).inc();
    }

    /// Returns them in Prometheus' text format.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}
