//! Ethereum's RPC.

use endpoint::Endpoint;
use finality::ConsumerHeight;
use serde::Deserialize;
use serde_json::json;

use super::{ChainNode, NodeError, VotedHash, hash};

/// The most bytes of an answer: a block lists the ids of its transactions, here of 15 000.
pub(super) const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// A node of Ethereum's kind.
#[derive(Debug)]
pub(super) struct Evm {
    pub(super) rpc: Endpoint,
}

#[derive(Deserialize)]
struct Block {
    number: String,
    hash: String,
}

impl ChainNode for Evm {
    fn voted_hash(&self, height: ConsumerHeight) -> Result<VotedHash, NodeError> {
        let number = format!("{:#x}", height.to_u64());
        let block: Option<Block> = self.rpc.call("eth_getBlockByNumber", &json!([number, false]))?;
        let Block { number, hash: digits } = block.ok_or(NodeError::Absent { height })?;
        let found = read_number(&number)?;
        if found != height.to_u64() {
            return Err(NodeError::OtherHeight { found, asked: height });
        }
        let digits = digits.strip_prefix("0x").unwrap_or_default();
        hash(digits, "the block's hash is not 0x and 32 bytes in hex")
    }

    fn tip(&self) -> Result<ConsumerHeight, NodeError> {
        let number: String = self.rpc.call("eth_blockNumber", &json!([]))?;
        Ok(ConsumerHeight(read_number(&number)?))
    }
}

fn read_number(text: &str) -> Result<u64, NodeError> {
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'));
    digits
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(NodeError::Answer { what: "a number in it is not 0x and hex digits" })
}
