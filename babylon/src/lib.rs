#![doc = include_str!("../README.md")]

pub mod message;
mod proto;
pub mod transaction;

#[cfg(test)]
mod tests;

pub use bitcoin;
pub use eots;
pub use finality;
pub use spv;
pub use staking_scripts;

pub use self::message::Message;
pub use self::transaction::{AccountKey, AccountState, Fee, GasPrice, SignedTransaction, Transaction};
