//! A chain's own node, asked which hash is voted for at a height: a caller who can have only that one has
//! nothing to choose.

mod cometbft;
mod error;
mod evm;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use endpoint::{Endpoint, Limits, Url};
use finality::ConsumerHeight;

use self::cometbft::CometBft;
pub use self::error::NodeError;
use self::evm::Evm;

/// How long a question takes at most: a vote waits for it.
const WITHIN: Duration = Duration::from_secs(5);

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
    pub fn node(self, url: Url, chain_id: &str) -> Box<dyn ChainNode> {
        let rpc = |most_bytes| Endpoint::new(url, Limits { within: WITHIN, most_bytes });
        match self {
            Self::CometBft => {
                let rpc = rpc(cometbft::MAX_ANSWER_BYTES);
                Box::new(CometBft { rpc, chain_id: chain_id.to_owned() })
            }
            Self::Evm => Box::new(Evm { rpc: rpc(evm::MAX_ANSWER_BYTES) }),
        }
    }
}

impl FromStr for NodeKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(())
    }
}

/// Returns 32 bytes of hex.
fn hash(digits: &str, what: &'static str) -> Result<VotedHash, NodeError> {
    let mut hash = VotedHash::default();
    hex::decode_to_slice(digits, &mut hash).map_err(|_| NodeError::Answer { what })?;
    Ok(hash)
}
