//! What commands take: value parsers, and groups of arguments that several commands share.

pub(crate) mod argument;
pub(crate) mod chain;
pub(crate) mod delegation;
pub(crate) mod input;
#[cfg(feature = "signer")]
pub(crate) mod keystore;
pub(crate) mod mainnet;
pub(crate) mod money;
pub(crate) mod network;
pub(crate) mod new_file;
pub(crate) mod new_stake;
pub(crate) mod node;
pub(crate) mod own_node;
pub(crate) mod parameters;
pub(crate) mod phase1;
pub(crate) mod possession;
#[cfg(feature = "signer")]
pub(crate) mod protection;
pub(crate) mod psbt;
#[cfg(feature = "signer")]
pub(crate) mod remote;
pub(crate) mod secret;
pub(crate) mod spend;
pub(crate) mod stake;
pub(crate) mod transaction;
