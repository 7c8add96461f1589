//! Tests of the crate.

mod client;
mod commission;
mod fee;
mod queries;
mod samples;
mod voted;
