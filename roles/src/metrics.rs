//! Metrics for Prometheus: what is known of a daemon, and its alerts.

use prometheus::{IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};

/// The metrics could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the metrics cannot be registered")]
pub struct MetricsError(#[from] prometheus::Error);

/// How a metric is read of what is known.
pub(crate) type Read<F> = fn(&F) -> u64;
/// A metric: its name, what it is, and how it is read.
pub(crate) type Described<F> = (&'static str, &'static str, Read<F>);

/// Metrics that are read of what is known, and of the alerts that are raised.
#[derive(Debug)]
pub(crate) struct Shown<F> {
    registry: Registry,
    gauges: Vec<(Read<F>, IntGauge)>,
    alerts: IntGaugeVec,
    names: Vec<&'static str>,
}

impl<F: Default> Shown<F> {
    pub(crate) fn new(
        gauges: &[Described<F>],
        alert: &str,
        names: impl IntoIterator<Item = &'static str>,
    ) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let mut made = Vec::new();
        for (name, help, read) in gauges {
            let gauge = IntGauge::new(*name, *help)?;
            registry.register(Box::new(gauge.clone()))?;
            made.push((*read, gauge));
        }
        let help = "1 while something is wrong, by what it is.";
        let alerts = IntGaugeVec::new(Opts::new(alert, help), &["alert"])?;
        registry.register(Box::new(alerts.clone()))?;
        let shown = Self { registry, gauges: made, alerts, names: names.into_iter().collect() };
        shown.set(&F::default(), &[]);
        Ok(shown)
    }

    pub(crate) fn set(&self, facts: &F, raised: &[&'static str]) {
        for (read, gauge) in &self.gauges {
            gauge.set(i64::try_from(read(facts)).unwrap_or(i64::MAX));
        }
        for name in &self.names {
            self.alerts.with_label_values(&[*name]).set(raised.contains(name).into());
        }
    }

    pub(crate) fn render(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}
