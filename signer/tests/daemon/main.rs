//! The daemon as its clients see it: every answer of the reference's interface and of our own, who may ask,
//! and what happens to those who mean harm.
#![cfg(unix)]
#![cfg(feature = "daemon")]
// Tests may panic: that is how they fail.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod authentication;
mod combination;
mod concurrent;
#[path = "../../src/session/tests/forge.rs"]
mod forge;
mod harness;
mod hostile;
mod interop;
mod node;
mod own;
mod plan;
mod reference;
mod replay;
mod stops;
mod tls;
