//! Ethereum's RPC.

use finality::ConsumerHeight;
use serde_json::json;

use super::http::{JsonRpc, text};
use super::{ChainNode, NodeError, VotedHash};

/// A node of Ethereum's kind.
#[derive(Debug)]
pub(super) struct Evm {
    pub(super) rpc: JsonRpc,
}

impl ChainNode for Evm {
    fn voted_hash(&self, height: ConsumerHeight) -> Result<VotedHash, NodeError> {
        let number = format!("{:#x}", height.to_u64());
        let block = self.rpc.call("eth_getBlockByNumber", &json!([number, false]))?;
        if block.is_null() {
            return Err(NodeError::Absent { height });
        }
        let found = read_number(text(&block, "number", "the block has no number")?)?;
        if found != height.to_u64() {
            return Err(NodeError::OtherHeight { found, asked: height });
        }
        let hash = text(&block, "hash", "the block has no hash")?;
        let mut bytes = VotedHash::default();
        let digits = hash.strip_prefix("0x").unwrap_or_default();
        hex::decode_to_slice(digits, &mut bytes)
            .map_err(|_| NodeError::Answer { what: "the block's hash is not 0x and 32 bytes in hex" })?;
        Ok(bytes)
    }

    fn tip(&self) -> Result<ConsumerHeight, NodeError> {
        let number = self.rpc.call("eth_blockNumber", &json!([]))?;
        let number = number.as_str().ok_or(NodeError::Answer { what: "the block number is no text" })?;
        Ok(ConsumerHeight(read_number(number)?))
    }
}

fn read_number(text: &str) -> Result<u64, NodeError> {
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(NodeError::Answer { what: "a number in it is not 0x and hex digits" })
}
