//! Tests of the crate.

mod commission;
mod fee;
mod samples;
