//! The command line as a person or a script meets it: processes, their output and their exit codes.
//!
//! The files are those of the program: what tests `src/commands/tx/stake.rs` is in `tx/stake.rs`, and what
//! tests the arguments that commands share, `src/args/`, is in `args/`. `fixtures/` is what the tests share.

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

mod adaptor;
mod anchor;
mod args;
mod broadcast;
mod checkpoint;
mod completions;
mod covenant;
mod demo;
mod descriptor;
mod eots;
mod evidence;
mod fixtures;
mod help;
mod key;
mod node_answer;
mod outputs;
mod params;
mod pop;
mod provider;
mod psbt;
mod readme;
mod risk;
mod script;
mod signer;
mod stake;
mod status;
mod tx;
mod view;
mod wallets;
mod watch;
