//! The daemons on a chain in memory.

#![allow(clippy::arithmetic_side_effects)]

mod faults;
mod provider;
mod world;
