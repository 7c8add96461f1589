//! The core on a Bitcoin that does what a test says.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

mod aims;
mod driver;
mod properties;
mod slashing;
mod stakes;
mod tower;
mod world;
