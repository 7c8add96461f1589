//! Blocks and headers of a `bitcoind`.

use std::time::Duration;

use bitcoin::block::{Header, Version};
use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::hashes::Hash as _;
use bitcoin::{Block, BlockHash, CompactTarget, Network, TxMerkleNode};
use corepc_types::v28::GetBlockchainInfo;
use serde_json::json;

use super::transport::malformed;
use super::{BitcoinCore, INVALID_PARAMETER};
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

    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        const METHOD: &str = "getblock";
        let hex: String =
            self.call(METHOD, &[json!(hash), json!(0)]).map_err(|error| no_block(error, hash))?;
        let block: Block = deserialize_hex(&hex).map_err(|error| malformed(METHOD, error))?;
        if block.block_hash() != *hash {
            return Err(malformed(METHOD, "it holds another block"));
        }
        // The hash commits to the header alone; the header, to the transactions and their witnesses.
        if !block.check_merkle_root() || !block.check_witness_commitment() {
            return Err(malformed(METHOD, "it holds transactions that its header does not commit to"));
        }
        Ok(block)
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
