//! CometBFT's RPC.

use finality::ConsumerHeight;
use serde_json::{Value, json};

use super::http::{JsonRpc, text};
use super::{ChainNode, NodeError, VotedHash};

/// A node of CometBFT.
#[derive(Debug)]
pub(super) struct CometBft {
    pub(super) rpc: JsonRpc,
    pub(super) chain_id: String,
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
        let result = match self.rpc.call("header", &params) {
            // What it says of a height that is still to come is a text alone; its tip says it too.
            Err(refused @ NodeError::Refused(_)) => {
                let is_to_come = self.tip().is_ok_and(|tip| height > tip);
                return Err(if is_to_come { NodeError::Absent { height } } else { refused });
            }
            result => result?,
        };
        let header = result
            .get("header")
            .filter(|header| header.is_object())
            .ok_or(NodeError::Answer { what: "there is no header in it" })?;
        self.check_chain(text(header, "chain_id", "the header has no chain_id")?)?;
        let found = read_height(text(header, "height", "the header has no height")?)?;
        if found != height.to_u64() {
            return Err(NodeError::OtherHeight { found, asked: height });
        }
        let mut hash = VotedHash::default();
        let app_hash = text(header, "app_hash", "the header has no app_hash")?;
        hex::decode_to_slice(app_hash, &mut hash)
            .map_err(|_| NodeError::Answer { what: "app_hash is not 32 bytes in hex" })?;
        Ok(hash)
    }

    fn tip(&self) -> Result<ConsumerHeight, NodeError> {
        let result = self.rpc.call("status", &json!({}))?;
        let part = |key: &str| result.get(key).unwrap_or(&Value::Null);
        self.check_chain(text(part("node_info"), "network", "there is no node_info.network in it")?)?;
        let tip = text(part("sync_info"), "latest_block_height", "there is no latest_block_height in it")?;
        Ok(ConsumerHeight(read_height(tip)?))
    }
}

fn read_height(text: &str) -> Result<u64, NodeError> {
    text.parse().map_err(|_| NodeError::Answer { what: "a height in it is no number" })
}
