//! Unit tests. Spends are verified by Bitcoin Core's engine in the `tests` package; here they are compared
//! with scripts written byte by byte, and with the signature checks of libsecp256k1.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod coins;
mod delegation;
mod explain;
mod outputs;
mod parameters;
mod phase1;
mod psbt;
mod transactions;
