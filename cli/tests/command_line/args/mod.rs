//! Arguments that commands share: bytes, texts, files, nodes.

mod argument;
mod delegation;
mod input;
mod node;
mod psbt;
mod secret;
