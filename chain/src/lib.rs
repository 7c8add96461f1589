//! A Bitcoin node to talk to.
//!
//! [`Node`] is the small set of questions that staking asks of a Bitcoin chain. Two kinds of node answer
//! them:
//!
//! - [`EmbeddedRegtest`]: a regtest chain inside this process, every block validated by Bitcoin Core's own
//!   engine;
//! - [`BitcoinCore`]: a running `bitcoind`, version 28 or later, over JSON-RPC, without a wallet.
//!
//! This crate knows nothing of staking.

mod core_rpc;
mod embedded;
mod error;
pub mod testing;
mod types;

pub use bitcoin;
pub use core_rpc::{BitcoinCore, Credentials};
pub use embedded::EmbeddedRegtest;
pub use error::NodeError;
pub use types::{BlockHeight, ChainTip, Coin, FoundTransaction};

use bitcoin::{Block, BlockHash, FeeRate, Network, OutPoint, Script, Transaction, Txid};

/// A Bitcoin node.
///
/// Every method may fail with a [`NodeError`]; [`NodeError::is_retryable`] separates what may succeed when
/// tried again (the node is starting, the connection broke) from what will not (a transaction that breaks a
/// rule).
pub trait Node {
    /// The network whose chain this node follows.
    fn network(&self) -> Network;

    /// The last block of the best chain.
    fn tip(&self) -> Result<ChainTip, NodeError>;

    /// The block at `height` of the best chain; [`NodeError::NoSuchBlock`] above the tip.
    fn block(&self, height: BlockHeight) -> Result<Block, NodeError>;

    /// A transaction by its id, with where it was confirmed; `None` when the node has it neither in its chain
    /// nor waiting.
    fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError>;

    /// The confirmed, unspent outputs that pay exactly `script_pubkey`, oldest first. Coinbase outputs are
    /// included only once mature.
    fn coins(&self, script_pubkey: &Script) -> Result<Vec<Coin>, NodeError>;

    /// What spends an output that is in the block at `since`, or waits for one from then on; `None` while
    /// nothing does. No earlier block is looked at.
    fn spender(&self, outpoint: &OutPoint, since: BlockHeight)
    -> Result<Option<FoundTransaction>, NodeError>;

    /// Hands a transaction to the node. It waits for a block then.
    ///
    /// A transaction that breaks a rule is [`NodeError::Rejected`] with the node's own reason. One that the
    /// node already has, waiting or confirmed, is no error: broadcasting is idempotent.
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError>;

    /// The fee rate at which a transaction is expected to confirm within `blocks` blocks.
    fn fee_rate(&self, blocks: u16) -> Result<FeeRate, NodeError>;

    /// Mines `count` blocks whose rewards pay `script_pubkey`; on regtest only, else
    /// [`NodeError::NotRegtest`].
    fn mine(&self, count: u32, script_pubkey: &Script) -> Result<Vec<BlockHash>, NodeError>;
}
