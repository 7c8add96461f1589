//! What the outputs and transactions promise. Spends are judged by Bitcoin Core's engine in the `tests`
//! package; here the judges are scripts written down byte by byte, and the signature checks of libsecp256k1.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod coins;
mod delegation;
mod explain;
mod outputs;
mod parameters;
mod phase1;
mod psbt;
mod transactions;
