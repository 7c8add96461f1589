//! A node of the chain: its blocks, what it answers to questions, and transactions that are handed to it.
//!
//! [`CometBft`] asks over the RPC of CometBFT, [`Gateway`] over the REST gateway, [`Several`] the first of
//! several that answers. Their calls block.

mod comet;
mod error;
mod gateway;
pub(crate) mod json;
mod new_blocks;
mod search;
mod several;

use std::fmt;

use finality::ConsumerHeight;
use time::OffsetDateTime;

pub use self::comet::CometBft;
pub use self::error::{NodeError, Refusal, RefusalKind};
pub use self::gateway::Gateway;
pub use self::new_blocks::NewBlocks;
pub use self::search::{FoundPage, FoundTransaction, InvalidSearch, PAGE_TRANSACTIONS, Search};
pub use self::several::Several;

/// The most bytes of an answer: a page of delegations.
const MOST_BYTES: u64 = 32 << 20;

/// A node of the chain.
pub trait ChainNode: fmt::Debug + Send + Sync {
    /// Returns what chain it is of, and how far it is.
    ///
    /// # Errors
    /// [`NodeError`].
    fn status(&self) -> Result<NodeStatus, NodeError>;

    /// Returns the header of a block; `None` where the node does not have it: the chain is not so far, or it
    /// was pruned.
    ///
    /// # Errors
    /// [`NodeError`].
    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError>;

    /// Answers a question by the state after the last block.
    ///
    /// # Errors
    /// [`NodeError`]; [`NodeError::Refused`] of what is not there.
    fn query(&self, query: &Query) -> Result<Answer, NodeError>;

    /// Hands a transaction to the node. What it returns says that the transaction waits in the node's
    /// mempool, and nothing of whether it will be executed: see [`executed`](Self::executed).
    ///
    /// # Errors
    /// [`NodeError::Refused`] when it does not enter the mempool.
    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError>;

    /// Returns what became of a transaction, by its hash; `None` where no block has it, as far as the node
    /// knows.
    ///
    /// # Errors
    /// [`NodeError`].
    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError>;

    /// Looks for transactions in the node's index, page after page; the first is 1. What was pruned is not
    /// found. [`query::transactions`](crate::query::transactions) asks for all pages.
    ///
    /// # Errors
    /// [`NodeError`]; [`NodeError::NotOffered`] of a node that keeps no history.
    fn search(&self, search: &Search, page: u32) -> Result<FoundPage, NodeError> {
        let _ = (search, page);
        Err(NodeError::NotOffered { what: "what transactions there were" })
    }

    /// Returns what happened in a block: in its transactions, and at its beginning and end; `None` where the
    /// node does not have it.
    ///
    /// # Errors
    /// [`NodeError`]; [`NodeError::NotOffered`] of a gateway, which does not tell.
    fn block_events(&self, height: ConsumerHeight) -> Result<Option<Vec<Event>>, NodeError> {
        let _ = height;
        Err(NodeError::NotOffered { what: "what happened in a block" })
    }
}

/// How far a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// The chain's id.
    pub chain_id: String,
    /// The height of its last block.
    pub height: ConsumerHeight,
    /// When that block was made, by its own word.
    pub time: OffsetDateTime,
    /// Whether it is still catching up with the chain.
    pub is_catching_up: bool,
}

/// What a block's header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHeader {
    /// The chain's id.
    pub chain_id: String,
    /// The height.
    pub height: ConsumerHeight,
    /// When it was made, by its own word.
    pub time: OffsetDateTime,
    /// The AppHash: what finality votes on Babylon Genesis are over.
    pub app_hash: [u8; 32],
}

/// A question to the chain's state. A node's RPC takes it as protobuf, its gateway as a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The gRPC method, such as `/babylon.btcstaking.v1.Query/BTCDelegation`.
    pub method: &'static str,
    /// The request in protobuf.
    pub request: Vec<u8>,
    /// The path below the gateway's address, with the request in it.
    pub path: String,
    /// What is posted to the gateway, where it is not got.
    pub post: Option<serde_json::Value>,
}

/// The answer to a question, as the node has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Protobuf, as the RPC answers.
    Protobuf(Vec<u8>),
    /// JSON, as the gateway answers.
    Json(String),
}

/// A transaction in a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// The height of the block.
    pub height: ConsumerHeight,
    /// Why it had no effect but for its fee; `None` where it was executed.
    pub refusal: Option<Refusal>,
    /// The gas that was allowed.
    pub gas_wanted: u64,
    /// The gas that it took.
    pub gas_used: u64,
    /// What happened in it.
    pub events: Vec<Event>,
}

/// Something that happened in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type, such as `babylon.btcstaking.v1.EventBTCDelegationCreated`.
    pub kind: String,
    /// Its attributes, by name; the chain writes most values as JSON within text.
    pub attributes: Vec<(String, String)>,
}

impl Event {
    /// Returns an attribute, out of its JSON where it is a text in it.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let (_, value) = self.attributes.iter().find(|(found, _)| found == name)?;
        Some(serde_json::from_str(value).unwrap_or_else(|_| value.clone()))
    }
}
