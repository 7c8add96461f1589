#![doc = include_str!("../README.md")]

pub mod client;
pub mod contract;
pub mod event;
pub mod message;
pub mod node;
mod proto;
pub mod query;
#[cfg(feature = "testing")]
pub mod testing;
pub mod transaction;
mod voted;

#[cfg(test)]
mod tests;

pub use bitcoin;
pub use endpoint::{Trust, with_causes};
pub use eots;
pub use finality;
pub use spv;
pub use staking_scripts;

pub use self::client::Account;
pub use self::message::Message;
pub use self::transaction::{AccountKey, AccountState, Fee, GasPrice, SignedTransaction, Transaction};
pub use self::voted::{InvalidBlock, VotedBlock};
