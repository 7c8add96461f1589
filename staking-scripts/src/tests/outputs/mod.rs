//! The outputs and their parts.

mod address;
mod committee;
mod descriptor;
mod descriptor_keys;
mod leaf;
mod op_return;
mod output;
mod place;
mod providers;
mod relay;
mod timelock;
