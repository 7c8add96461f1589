//! CometBFT's RPC.

use endpoint::{Endpoint, EndpointError};
use finality::ConsumerHeight;
use serde::Deserialize;
use serde_json::json;

use super::{ChainNode, NodeError, VotedHash, hash};

/// The most bytes of an answer: a header has about a thousand.
pub(super) const MAX_ANSWER_BYTES: u64 = 64 << 10;

/// A node of CometBFT.
#[derive(Debug)]
pub(super) struct CometBft {
    pub(super) rpc: Endpoint,
    pub(super) chain_id: String,
}

#[derive(Deserialize)]
struct HeaderAnswer {
    header: Option<Header>,
}

#[derive(Deserialize)]
struct Header {
    chain_id: String,
    height: String,
    app_hash: String,
}

#[derive(Deserialize)]
struct Status {
    node_info: NodeInfo,
    sync_info: SyncInfo,
}

#[derive(Deserialize)]
struct NodeInfo {
    network: String,
}

#[derive(Deserialize)]
struct SyncInfo {
    latest_block_height: String,
}

impl CometBft {
    fn check_chain(&self, found: &str) -> Result<(), NodeError> {
        if found == self.chain_id {
            return Ok(());
        }
        // As long as the node likes.
        let found = found.chars().take(128).collect();
        Err(NodeError::OtherChain { found, expected: self.chain_id.clone() })
    }
}

impl ChainNode for CometBft {
    fn voted_hash(&self, height: ConsumerHeight) -> Result<VotedHash, NodeError> {
        let params = json!({ "height": height.to_u64().to_string() });
        let answer: HeaderAnswer = match self.rpc.call("header", &params) {
            // What it says of a height that is still to come is a text alone; its tip says it too.
            Err(refused @ EndpointError::Refused { .. }) => {
                let is_to_come = self.tip().is_ok_and(|tip| height > tip);
                return Err(if is_to_come { NodeError::Absent { height } } else { refused.into() });
            }
            answer => answer?,
        };
        let header = answer.header.ok_or(NodeError::Answer { what: "there is no header in it" })?;
        self.check_chain(&header.chain_id)?;
        let found = read_height(&header.height)?;
        if found != height.to_u64() {
            return Err(NodeError::OtherHeight { found, asked: height });
        }
        hash(&header.app_hash, "app_hash is not 32 bytes in hex")
    }

    fn tip(&self) -> Result<ConsumerHeight, NodeError> {
        let Status { node_info, sync_info } = self.rpc.call("status", &json!({}))?;
        self.check_chain(&node_info.network)?;
        Ok(ConsumerHeight(read_height(&sync_info.latest_block_height)?))
    }
}

fn read_height(text: &str) -> Result<u64, NodeError> {
    text.parse().map_err(|_| NodeError::Answer { what: "a height in it is no number" })
}
