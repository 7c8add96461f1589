//! What the chain in memory knows of Bitcoin, and what it takes on the strength of that.

use bitcoin::BlockHash;
use bitcoin::block::Header;
use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash as _;
use prost::Message as _;

use super::ScriptedChain;
use super::asked::AskedBlock;
use super::finality::refused;
use crate::node::Refusal;
use crate::proto::{
    InclusionProof, MsgAddBtcDelegationInclusionProof, MsgBtcUndelegate, MsgInsertBtcSpvProof,
    MsgInsertHeaders,
};
use crate::query::answers as say;

/// The Bitcoin blocks that the chain knows, from a first one on; none where no test tells it of one. What is
/// in Bitcoin is believed then.
#[derive(Debug, Clone, Default)]
pub(super) struct LightClient {
    first: u32,
    blocks: Vec<BlockHash>,
}

fn bad(log: &str) -> Refusal {
    refused("btclightclient", 1100, log)
}

fn header_of(bytes: &[u8]) -> Result<Header, Refusal> {
    deserialize(bytes).map_err(|_| bad("not a header"))
}

fn block_of(proof: Option<InclusionProof>) -> Result<BlockHash, Refusal> {
    let key = proof.and_then(|proof| proof.key).ok_or_else(|| bad("no proof"))?;
    BlockHash::from_slice(&key.hash).map_err(|_| bad("not a hash"))
}

impl LightClient {
    /// Executes a message about Bitcoin; every other one is taken.
    pub(super) fn execute(&mut self, kind: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let unread = |_| bad("no message");
        match kind {
            "/babylon.btclightclient.v1.MsgInsertHeaders" => {
                let message = MsgInsertHeaders::decode(bytes).map_err(unread)?;
                let headers: Result<Vec<_>, _> =
                    message.headers.iter().map(|header| header_of(header)).collect();
                self.insert(&headers?)
            }
            "/babylon.btccheckpoint.v1.MsgInsertBTCSpvProof" => {
                let message = MsgInsertBtcSpvProof::decode(bytes).map_err(unread)?;
                message.proofs.iter().try_for_each(|proof| {
                    self.must_know(header_of(&proof.confirming_btc_header)?.block_hash())
                })
            }
            "/babylon.btcstaking.v1.MsgAddBTCDelegationInclusionProof" => {
                let message = MsgAddBtcDelegationInclusionProof::decode(bytes).map_err(unread)?;
                self.must_know(block_of(message.staking_tx_inclusion_proof)?)
            }
            "/babylon.btcstaking.v1.MsgBTCUndelegate" => {
                let message = MsgBtcUndelegate::decode(bytes).map_err(unread)?;
                self.must_know(block_of(message.stake_spending_tx_inclusion_proof)?)
            }
            _ => Ok(()),
        }
    }

    /// Takes headers that lead further than those that are known.
    fn insert(&mut self, headers: &[Header]) -> Result<(), Refusal> {
        let mut blocks = self.blocks.clone();
        let [first, ..] = headers else { return Err(bad("empty headers list")) };
        let fork = blocks.iter().position(|known| *known == first.prev_blockhash);
        blocks.truncate(fork.map_or(0, |fork| fork.saturating_add(1)));
        for header in headers {
            if blocks.last() != Some(&header.prev_blockhash) {
                return Err(bad("header parent does not exist"));
            }
            blocks.push(header.block_hash());
        }
        if blocks.len() <= self.blocks.len() {
            return Err(bad("new chain work is not better than current tip work"));
        }
        self.blocks = blocks;
        Ok(())
    }

    fn must_know(&self, block: BlockHash) -> Result<(), Refusal> {
        if self.blocks.is_empty() || self.blocks.contains(&block) {
            return Ok(());
        }
        Err(bad(&format!(
            "header {block} is not found in BTC light client state: no header with provided hash"
        )))
    }

    /// Answers what is asked of Bitcoin; `None` of another question, or where it knows nothing.
    pub(super) fn answer(&self, method: &str, request: &[u8]) -> Option<Result<Vec<u8>, Refusal>> {
        let above = u32::try_from(self.blocks.len()).ok()?.checked_sub(1)?;
        match method {
            "/babylon.btclightclient.v1.Query/Tip" => {
                let hash_hex = self.blocks.last()?.to_string();
                let height = self.first.saturating_add(above);
                let header = Some(say::HeaderInfo { header_hex: String::new(), hash_hex, height });
                Some(Ok(say::TipResponse { header }.encode_to_vec()))
            }
            "/babylon.btclightclient.v1.Query/HeaderDepth" => {
                let asked = AskedBlock::decode(request).unwrap_or_default().hash;
                let found = self.blocks.iter().rev().position(|block| block.to_string() == asked);
                let depth = found.and_then(|depth| u32::try_from(depth).ok());
                let depth = depth.ok_or_else(|| bad("no header with provided hash"));
                Some(depth.map(|depth| say::DepthResponse { depth }.encode_to_vec()))
            }
            _ => None,
        }
    }
}

impl ScriptedChain {
    /// Lets the chain know Bitcoin up to this block, which has this height; the next ones, somebody tells it.
    pub fn know_bitcoin(&self, height: u32, block: BlockHash) {
        self.state().finality.light_client = LightClient { first: height, blocks: vec![block] };
    }

    /// Returns the last block of Bitcoin that the chain knows; `None` where it knows nothing.
    pub fn known_bitcoin(&self) -> Option<BlockHash> {
        self.state().finality.light_client.blocks.last().copied()
    }
}
