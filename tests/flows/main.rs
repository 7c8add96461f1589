//! Flows that cross crates, judged by Bitcoin Core: the engine embedded here, and a real bitcoind where there
//! is one.

// Tests may panic: that is how they fail.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs
)]

mod bitcoind;
mod core_wallet;
mod demo;
mod extensions;
mod near_misses;
mod scripts;
mod spends;
mod vectors;
mod watch;
mod world;
