//! Support for tests and demos: a `bitcoind` of one's own on regtest, and a chain that does what a test says.

mod daemon;
mod lookup;
mod scripted;

pub use daemon::RegtestDaemon;
pub use scripted::ScriptedChain;
