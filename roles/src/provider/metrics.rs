//! Metrics for Prometheus.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

use super::alert::Alert;
use super::facts::Facts;

/// The metrics of a daemon.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// What is read of the facts, and where it is shown.
    gauges: Vec<(Read, IntGauge)>,
    alerts: IntGaugeVec,
}

/// The metrics could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be registered")]
pub struct MetricsError(#[from] prometheus::Error);

/// How a metric is read of the facts.
type Read = fn(&Facts) -> u64;
/// A metric: its name, what it is, and how it is read.
type Described = (&'static str, &'static str, Read);

const GAUGES: [Described; 13] = [
    ("btcstake_provider_tip_height", "The chain's last block.", |facts| {
        facts.tip.map_or(0, |height| height.to_u64())
    }),
    ("btcstake_provider_last_final_height", "The last block that is final.", |facts| {
        facts.last_final.map_or(0, |height| height.to_u64())
    }),
    ("btcstake_provider_last_voted_height", "The highest block that was voted for.", |facts| {
        facts.last_voted.map_or(0, |height| height.to_u64())
    }),
    ("btcstake_provider_votes_total", "Votes executed since the start.", |facts| facts.votes),
    ("btcstake_provider_left_out_total", "Heights left out for good since the start.", |facts| {
        facts.left_out
    }),
    ("btcstake_provider_commitments_total", "Commitments executed since the start.", |facts| {
        facts.commitments
    }),
    ("btcstake_provider_committed_ahead", "Heights after the last block that are committed to.", |facts| {
        facts.committed_ahead
    }),
    ("btcstake_provider_timestamped_ahead", "Those of them that have a timestamp.", |facts| {
        facts.timestamped_ahead
    }),
    ("btcstake_provider_missed_votes", "Votes that the chain counts as missed.", |facts| facts.missed),
    ("btcstake_provider_jailed", "1 while the provider is jailed.", |facts| facts.is_jailed.into()),
    ("btcstake_provider_slashed", "1 when the provider was slashed.", |facts| facts.is_slashed.into()),
    ("btcstake_provider_power_satoshis", "The provider's power at the last height asked for.", |facts| {
        facts.power
    }),
    ("btcstake_provider_balance", "What the paying account has, in the chain's smallest unit.", |facts| {
        u64::try_from(facts.balance).unwrap_or(u64::MAX)
    }),
];

impl Metrics {
    /// Returns the metrics of nothing yet.
    ///
    /// # Errors
    /// [`MetricsError`] never, unless a name is not Prometheus'.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let mut gauges = Vec::new();
        for (name, help, read) in GAUGES {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            gauges.push((read, gauge));
        }
        let help = "1 while something is wrong, by what it is.";
        let alerts = IntGaugeVec::new(Opts::new("btcstake_provider_alert", help), &["alert"])?;
        registry.register(Box::new(alerts.clone()))?;
        let metrics = Self { registry, gauges, alerts };
        metrics.set(&Facts::default(), []);
        Ok(metrics)
    }

    /// Shows these facts and alerts.
    pub fn set(&self, facts: &Facts, raised: impl IntoIterator<Item = Alert>) {
        for (read, gauge) in &self.gauges {
            gauge.set(i64::try_from(read(facts)).unwrap_or(i64::MAX));
        }
        let raised: Vec<_> = raised.into_iter().collect();
        for alert in Alert::ALL {
            self.alerts.with_label_values(&[alert.as_str()]).set(raised.contains(&alert).into());
        }
    }

    /// Returns them in Prometheus' text format.
    pub fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}
