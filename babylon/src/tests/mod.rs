//! Tests of the crate.

mod client;
mod commission;
mod contract;
mod fee;
mod messages;
mod queries;
mod samples;
mod several;
mod voted;
