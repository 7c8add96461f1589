//! ProviderMetrics for Prometheus.

use super::alert::ProviderAlert;
use super::facts::ProviderFacts;
use crate::metrics::{Described, MetricsError, Shown};

/// The metrics of a daemon.
#[derive(Debug)]
pub struct ProviderMetrics(Shown<ProviderFacts>);

const GAUGES: [Described<ProviderFacts>; 13] = [
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

impl ProviderMetrics {
    /// Returns the metrics of nothing yet.
    ///
    /// # Errors
    /// [`MetricsError`] never, unless a name is not Prometheus'.
    pub fn new() -> Result<Self, MetricsError> {
        Ok(Self(Shown::new(
            &GAUGES,
            "btcstake_provider_alert",
            ProviderAlert::ALL.map(ProviderAlert::as_str),
        )?))
    }

    /// Shows these facts and alerts.
    pub fn set(&self, facts: &ProviderFacts, raised: impl IntoIterator<Item = ProviderAlert>) {
        let raised: Vec<_> = raised.into_iter().map(ProviderAlert::as_str).collect();
        self.0.set(facts, &raised);
    }

    /// Returns them in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
