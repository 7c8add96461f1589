//! A chain's own node, asked which hash is voted for at a height: a caller who can have only that one has
//! nothing to choose.

mod cometbft;
mod error;
mod evm;
mod http;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use finality::ConsumerHeight;

use self::cometbft::CometBft;
pub use self::error::NodeError;
use self::evm::Evm;
use self::http::JsonRpc;
pub use self::http::{InvalidNodeUrl, NodeUrl};

/// The hash that is voted for at a height.
pub type VotedHash = [u8; 32];

/// A node of the chain that votes are for. Its calls block.
pub trait ChainNode: fmt::Debug + Send + Sync {
    /// Returns the hash that is voted for at this height.
    ///
    /// # Errors
    /// [`NodeError::Absent`] when the node has no block there yet; others when it does not say.
    fn voted_hash(&self, height: ConsumerHeight) -> Result<VotedHash, NodeError>;

    /// Returns the height of the node's last block.
    ///
    /// # Errors
    /// [`NodeError`]: [`NodeError::OtherChain`] when it is of another chain.
    fn tip(&self) -> Result<ConsumerHeight, NodeError>;
}

/// What a node speaks, which decides what is voted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// CometBFT's RPC: votes are for the AppHash in the header of the block.
    CometBft,
    /// Ethereum's RPC, as rollups have it: votes are for the hash of the block.
    Evm,
}

impl NodeKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::CometBft, Self::Evm];

    /// Returns its name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CometBft => "cometbft",
            Self::Evm => "evm",
        }
    }

    /// Returns the node at an address. Nothing is asked yet.
    ///
    /// A node of Ethereum's kind does not know the chain's id as votes have it: there it is not compared.
    pub fn node(self, url: NodeUrl, chain_id: &str) -> Box<dyn ChainNode> {
        match self {
            Self::CometBft => {
                let rpc = JsonRpc::new(url, cometbft::MAX_ANSWER_BYTES);
                Box::new(CometBft { rpc, chain_id: chain_id.to_owned() })
            }
            Self::Evm => Box::new(Evm { rpc: JsonRpc::new(url, evm::MAX_ANSWER_BYTES) }),
        }
    }
}

impl FromStr for NodeKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}
