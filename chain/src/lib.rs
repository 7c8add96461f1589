#![doc = include_str!("../README.md")]

#[cfg(feature = "rpc")]
mod core_rpc;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod follow;
mod inputs;
#[cfg(test)]
#[cfg(all(feature = "embedded", feature = "testing"))]
mod node_tests;
mod rejection;
#[cfg(feature = "testing")]
pub mod testing;
mod traits;
mod types;

pub use bitcoin;
#[cfg(feature = "rpc")]
pub use core_rpc::{BitcoinCore, Credentials, Deadline};
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedRegtest;
pub use error::NodeError;
pub use follow::{ChainEvent, FollowError, Follower, Listen, Step};
pub use inputs::{MissingInput, first_valid_height, missing_input};
pub use rejection::RejectionClass;
pub use traits::{Broadcast, ChainSource, FeeEstimate, Lookup, Mempool, Mine, Node, Spenders};
pub use types::{BlockHeight, ChainTip, Coin, FoundHeader, FoundTransaction, SpentOutput, Unspent};
