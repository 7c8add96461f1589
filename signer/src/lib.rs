#![doc = include_str!("../README.md")]

#[cfg(feature = "grpc")]
pub mod auth;
#[cfg(feature = "grpc")]
pub mod client;
#[cfg(feature = "daemon")]
pub mod grpc;
pub mod import;
pub mod interchange;
#[cfg(feature = "keystore")]
pub mod keystore;
pub mod protection;
#[cfg(feature = "daemon")]
pub mod service;
pub mod session;
#[cfg(feature = "grpc")]
pub mod wire;
