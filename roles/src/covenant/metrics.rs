//! CovenantMetrics for Prometheus.

use super::alert::{CovenantAlert, CovenantFacts};
use crate::metrics::{Described, MetricsError, Shown};

/// The metrics of a daemon.
#[derive(Debug)]
pub struct CovenantMetrics(Shown<CovenantFacts>);

const GAUGES: [Described<CovenantFacts>; 6] = [
    ("btcstake_covenant_pending", "Stakes that wait for the committee.", |facts| facts.pending),
    ("btcstake_covenant_refused", "Those of them that are refused.", |facts| facts.refused),
    ("btcstake_covenant_submitted_total", "Stakes signed and submitted since the start.", |facts| {
        facts.submitted
    }),
    ("btcstake_covenant_bitcoin_height", "The tip of the Bitcoin node.", |facts| facts.bitcoin_height.into()),
    ("btcstake_covenant_light_client_height", "The Bitcoin block that the chain knows last.", |facts| {
        facts.light_client_height.into()
    }),
    ("btcstake_covenant_balance", "What the paying account has, in the chain's smallest unit.", |facts| {
        u64::try_from(facts.balance).unwrap_or(u64::MAX)
    }),
];

impl CovenantMetrics {
    /// Returns the metrics of nothing yet.
    ///
    /// # Errors
    /// [`MetricsError`] never, unless a name is not Prometheus'.
    pub fn new() -> Result<Self, MetricsError> {
        Ok(Self(Shown::new(
            &GAUGES,
            "btcstake_covenant_alert",
            CovenantAlert::ALL.map(CovenantAlert::as_str),
        )?))
    }

    /// Shows these facts and alerts.
    pub fn set(&self, facts: &CovenantFacts, raised: impl IntoIterator<Item = CovenantAlert>) {
        let raised: Vec<_> = raised.into_iter().map(CovenantAlert::as_str).collect();
        self.0.set(facts, &raised);
    }

    /// Returns them in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
