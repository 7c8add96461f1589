//! Arguments that commands share: addresses, bytes, texts, files, nodes.

#[cfg(unix)]
mod account;
mod address;
mod argument;
mod delegation;
mod input;
#[cfg(unix)]
mod keystore;
mod mainnet;
mod node;
mod psbt;
mod secret;
mod secured_chain;
