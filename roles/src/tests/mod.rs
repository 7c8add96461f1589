//! The daemons on a chain in memory.

#![allow(clippy::arithmetic_side_effects)]

mod alerts;
mod covenant;
mod faults;
mod headers;
mod provider;
mod several;
mod world;
