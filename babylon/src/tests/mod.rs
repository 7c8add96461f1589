//! Tests of the crate.

mod client;
mod commission;
mod contract;
mod events;
mod fee;
mod history;
mod messages;
mod queries;
mod samples;
mod several;
mod voted;
