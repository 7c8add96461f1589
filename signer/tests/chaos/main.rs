//! Trying to be slashed: signers are killed, starved and lied to while clients ask for conflicting votes.
//! Afterwards every pair of signatures that was released for one key, chain and height is given to `extract`.
//!
//! The short form runs with all tests. With the environment variable `CHAOS` (`make chaos`) each load has
//! 100 000 requests, or as many as `CHAOS_REQUESTS` says; `CHAOS_SEED` repeats what is random here.
#![cfg(unix)]
#![cfg(all(feature = "daemon", feature = "testing"))]
// Tests may panic: that is how they fail.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod authenticated;
mod clock;
mod control;
mod disk;
#[path = "../daemon/replay.rs"]
mod exchange;
// The tests of the daemon use more of it.
#[allow(dead_code)]
#[path = "../daemon/harness.rs"]
mod harness;
mod large;
mod load;
mod memory;
mod postgres;
mod process;
mod random;
mod released;
mod reordered;
mod restarts;
mod soak;
mod sqlite;
mod trouble;

/// Whether the long form of the tests is wanted, which takes minutes.
fn is_long() -> bool {
    std::env::var_os("CHAOS").is_some()
}

/// The requests of a load.
fn requests(short: u64) -> u64 {
    let said = std::env::var("CHAOS_REQUESTS").ok().map(|text| text.parse().unwrap());
    if is_long() { said.unwrap_or(100_000) } else { short }
}
