#![doc = include_str!("../README.md")]

pub mod import;
pub mod interchange;
#[cfg(feature = "keystore")]
pub mod keystore;
pub mod protection;
pub mod session;
#[cfg(all(unix, feature = "testing"))]
pub mod testing;
