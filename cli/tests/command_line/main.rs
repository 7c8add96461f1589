//! The command line as a person or a script meets it: processes, their output and their exit codes.

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
mod bad_input;
mod chain_json;
mod covenant;
mod delegation;
mod demo;
mod demo_report;
mod descriptor;
mod eots;
mod explain_delegation;
mod help;
mod key;
mod node;
mod node_answer;
mod outputs;
mod params;
mod pop;
mod process;
mod psbts;
mod readme;
mod scene;
mod schema;
mod script;
mod texts;
mod tx_explain;
mod wallets;
