//! Blocks and headers of a `bitcoind`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bitcoin::block::{Header, Version};
use bitcoin::consensus::encode::{deserialize, deserialize_hex};
use bitcoin::hashes::Hash as _;
use bitcoin::{Block, BlockHash, CompactTarget, Network, TxMerkleNode};
use corepc_types::v28::GetBlockchainInfo;
use serde_json::json;

use super::transport::malformed;
use super::{BitcoinCore, INVALID_PARAMETER, TIMEOUT};
use crate::{BlockHeight, ChainSource, ChainTip, FoundHeader, NodeError};

/// Bitcoin Core's RPC_INVALID_ADDRESS_OR_KEY: no such transaction, or no such block.
pub(super) const NOT_FOUND: i32 = -5;
/// RPC_MISC_ERROR: among others, the block is pruned.
pub(super) const MISC: i32 = -1;

/// The fields of a block's header that are needed, as `getblockheader` and `getblock` name them.
#[derive(serde::Deserialize)]
pub(super) struct VerboseHeader {
    confirmations: i64,
    height: u32,
    version: i32,
    merkleroot: TxMerkleNode,
    time: u32,
    nonce: u32,
    bits: String,
    previousblockhash: Option<BlockHash>,
}

impl VerboseHeader {
    /// Returns the header, which must have this hash.
    pub(super) fn header(&self, method: &str, hash: &BlockHash) -> Result<Header, NodeError> {
        let bits = CompactTarget::from_unprefixed_hex(&self.bits)
            .map_err(|_| malformed(method, "its bits are no compact target"))?;
        let header = Header {
            version: Version::from_consensus(self.version),
            prev_blockhash: self.previousblockhash.unwrap_or_else(BlockHash::all_zeros),
            merkle_root: self.merkleroot,
            time: self.time,
            bits,
            nonce: self.nonce,
        };
        if header.block_hash() != *hash {
            return Err(malformed(method, "it is the header of another block"));
        }
        Ok(header)
    }
}

impl ChainSource for BitcoinCore {
    fn network(&self) -> Network {
        self.network
    }

    fn tip(&self) -> Result<ChainTip, NodeError> {
        const METHOD: &str = "getblockchaininfo";
        let info: GetBlockchainInfo = self.call(METHOD, &[])?;
        let height = u32::try_from(info.blocks).map_err(|_| malformed(METHOD, "its height is no height"))?;
        let hash =
            info.best_block_hash.parse().map_err(|_| malformed(METHOD, "its best block hash is no hash"))?;
        Ok(ChainTip { height: BlockHeight::new(height), hash })
    }

    fn is_syncing(&self) -> Result<bool, NodeError> {
        /// The newest block is connected a moment after its header is there.
        const MOST_BEHIND: i64 = 2;
        let info: GetBlockchainInfo = self.call("getblockchaininfo", &[])?;
        let behind = info.headers.saturating_sub(info.blocks);
        Ok(info.initial_block_download || behind > MOST_BEHIND)
    }

    /// As [`ChainSource::wait_for_block`], at most 30 seconds. A version that does not take the known block
    /// waits for the next one.
    fn wait_for_block(&self, known: &BlockHash, within: Duration) -> Result<(), NodeError> {
        self.wait_for_bell(known, within)
    }

    fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
        let out_of_range = || self.tip().map(|tip| NodeError::NoSuchBlock { height, tip: tip.height });
        // Bitcoin Core reads heights as 32-bit numbers with a sign.
        if i32::try_from(height.to_u32()).is_err() {
            return Err(out_of_range()?);
        }
        match self.call::<BlockHash>("getblockhash", &[json!(height.to_u32())]) {
            Err(NodeError::Rpc { code: INVALID_PARAMETER, .. }) => Err(out_of_range()?),
            hash => hash,
        }
    }

    fn hashes_above(&self, height: BlockHeight, count: u32) -> Result<Vec<BlockHash>, NodeError> {
        let first = height.to_u32().saturating_add(1);
        // Bitcoin Core reads heights as 32-bit numbers with a sign.
        let most = u32::try_from(i32::MAX).unwrap_or(u32::MAX);
        let last = height.to_u32().saturating_add(count).min(most);
        let questions: Vec<_> = (first..=last).map(|height| json!([height])).collect();
        let mut hashes = Vec::with_capacity(questions.len());
        for answer in self.rpc.call_each::<BlockHash>("getblockhash", &questions, TIMEOUT)? {
            match answer {
                Err(NodeError::Rpc { code: INVALID_PARAMETER, .. }) => break,
                hash => hashes.push(hash?),
            }
        }
        Ok(hashes)
    }

    fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
        const METHOD: &str = "getblockheader";
        let found: VerboseHeader = match self.call(METHOD, &[json!(hash), json!(true)]) {
            Err(NodeError::Rpc { code: NOT_FOUND, .. }) => {
                return Err(NodeError::UnknownBlock { hash: *hash });
            }
            answer => answer?,
        };
        let header = found.header(METHOD, hash)?;
        // -1: the block is not in the best chain.
        let confirmations = u32::try_from(found.confirmations).unwrap_or(0);
        Ok(FoundHeader { header, height: BlockHeight::new(found.height), confirmations })
    }

    /// As [`ChainSource::block`]: over its REST interface, where it has one (`-rest=1`), in a fifth of the
    /// time.
    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        if let Some(block) = self.rest_block(hash) {
            return Ok(block);
        }
        let hex: String =
            self.call("getblock", &[json!(hash), json!(0)]).map_err(|error| no_block(error, hash))?;
        let block = deserialize_hex(&hex).map_err(|error| malformed("getblock", error))?;
        check_block(&block, hash).map_err(|reason| malformed("getblock", reason))?;
        Ok(block)
    }
}

impl BitcoinCore {
    #[cfg(test)]
    pub(super) fn has_rest(&self) -> bool {
        !self.lacks_rest.load(Ordering::Relaxed)
    }

    /// Returns a block from the REST interface; `None` where there is none, or not this block: the other call
    /// says why.
    fn rest_block(&self, hash: &BlockHash) -> Option<Block> {
        if self.lacks_rest.load(Ordering::Relaxed) {
            return None;
        }
        let found = self.rpc.get(&format!("rest/block/{hash}.bin"), TIMEOUT);
        let block = found.as_ref().and_then(|bytes| deserialize(bytes).ok());
        let block = block.filter(|block| check_block(block, hash).is_ok());
        // One that has the interface may lack the block.
        if block.is_none() && (found.is_some() || self.rpc.get("rest/chaininfo.json", TIMEOUT).is_none()) {
            self.lacks_rest.store(true, Ordering::Relaxed);
        }
        block
    }
}

/// Refuses another block than the one of this hash, which commits to its header alone; the header commits to
/// the transactions and their witnesses.
fn check_block(block: &Block, hash: &BlockHash) -> Result<(), &'static str> {
    if block.block_hash() != *hash {
        Err("it holds another block")
    } else if !block.check_merkle_root() || !block.check_witness_commitment() {
        Err("it holds transactions that its header does not commit to")
    } else {
        Ok(())
    }
}

/// Returns why `getblock` returned no block.
pub(super) fn no_block(error: NodeError, hash: &BlockHash) -> NodeError {
    match error {
        NodeError::Rpc { code: NOT_FOUND, .. } => NodeError::UnknownBlock { hash: *hash },
        NodeError::Rpc { code: MISC, message, .. } if message.contains("pruned") => {
            NodeError::BlockPruned { hash: *hash }
        }
        NodeError::Rpc { code: MISC, message, .. } if message.contains("not fully downloaded") => {
            NodeError::BlockNotDownloaded { hash: *hash }
        }
        error => error,
    }
}
