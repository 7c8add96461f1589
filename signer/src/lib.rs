#![doc = include_str!("../README.md")]

#[cfg(feature = "grpc")]
pub mod auth;
#[cfg(feature = "daemon")]
mod causes;
#[cfg(feature = "grpc")]
pub mod client;
#[cfg(feature = "daemon")]
pub mod config;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "daemon")]
pub mod grpc;
#[cfg(feature = "daemon")]
pub mod http;
pub mod import;
pub mod interchange;
#[cfg(feature = "keystore")]
pub mod keystore;
#[cfg(feature = "daemon")]
pub mod metrics;
#[cfg(feature = "daemon")]
pub mod node;
pub mod protection;
#[cfg(feature = "daemon")]
pub mod service;
pub mod session;
#[cfg(all(unix, feature = "testing"))]
pub mod testing;
#[cfg(feature = "grpc")]
pub mod wire;
