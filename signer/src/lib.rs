#![doc = include_str!("../README.md")]

#[cfg(feature = "daemon")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod http;
pub mod import;
pub mod interchange;
#[cfg(feature = "keystore")]
pub mod keystore;
#[cfg(feature = "daemon")]
pub mod metrics;
pub mod protection;
pub mod session;
