//! The outputs and their parts.

mod committee;
mod descriptor;
mod leaf;
mod op_return;
mod output;
mod providers;
mod timelock;
