//! The outputs and what they are made of.

mod committee;
mod descriptor;
mod leaf;
mod op_return;
mod output;
mod providers;
mod timelock;
