//! Headers and Merkle proofs, on blocks made here and on mainnet's first ones.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

mod anchors;
mod block;
mod headers;
mod inclusion;
