//! What commands take: value parsers, and groups of arguments that several commands share.

pub(crate) mod argument;
pub(crate) mod delegation;
pub(crate) mod input;
pub(crate) mod money;
pub(crate) mod network;
pub(crate) mod new_file;
pub(crate) mod new_stake;
pub(crate) mod node;
pub(crate) mod possession;
pub(crate) mod psbt;
pub(crate) mod secret;
pub(crate) mod spend;
pub(crate) mod transaction;
