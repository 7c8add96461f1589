#![doc = include_str!("../README.md")]

mod alerts;
pub mod covenant;
pub mod headers;
mod metrics;
pub mod provider;
mod refusals;

pub use self::metrics::MetricsError;

#[cfg(test)]
mod tests;
