//! Bitcoin Core's engine, with the calls that the embedded node needs of it.

use std::path::Path;

use bitcoin::block::Header;
use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::hashes::Hash as _;
use bitcoin::{Block, BlockHash};
use bitcoinkernel::prelude::{BlockHashExt as _, BlockHeaderExt as _};
use bitcoinkernel::{BlockTreeEntry, ChainType, ChainstateManager, Context, ContextBuilder};

use super::{engine_log, startup};
use crate::error::Cause;
use crate::{BlockHeight, ChainTip, NodeError};

/// The place of the engine's databases.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Databases {
    InMemory,
    OnDisk,
}

/// The engine's result for a block.
pub(super) enum Verdict {
    /// The block is the tip now.
    Connected,
    /// The block is refused, for the reason that the engine logged: `reason` or `reason, detail`.
    Refused(String),
    /// The block is stored on a branch; the best chain has at least as much work. Its transactions are not
    /// checked.
    Stored,
}

pub(super) struct Engine {
    chain: ChainstateManager,
    // The chain uses it as long as it lives; fields are dropped in this order.
    _context: Context,
}

impl Engine {
    pub(super) fn open(data_dir: &Path, databases: Databases) -> Result<Self, NodeError> {
        startup::link();
        engine_log::install();
        let blocks_dir = data_dir.join("blocks");
        for directory in [data_dir, &blocks_dir] {
            std::fs::create_dir_all(directory)
                .map_err(|source| NodeError::Storage { path: directory.to_path_buf(), source })?;
        }
        let in_memory = databases == Databases::InMemory;
        let (opened, lines) = engine_log::capturing(|| {
            let context = ContextBuilder::new().chain_type(ChainType::Regtest).build()?;
            let chain = ChainstateManager::builder(&context, path_text(data_dir)?, path_text(&blocks_dir)?)?
                // Scripts are checked on the calling thread: the log listener depends on it.
                .worker_threads(0)
                .block_tree_db_in_memory(in_memory)
                .chainstate_db_in_memory(in_memory)
                .build()?;
            chain.import_blocks()?;
            Ok::<_, Cause>(Self { chain, _context: context })
        });
        opened.map_err(|error| {
            // The log says why; the library's error only says which call it was.
            let cause = engine_log::summary(&lines).map_or(error, Cause::from);
            NodeError::engine_by(format!("cannot open the chain in {}", data_dir.display()), cause)
        })
    }

    pub(super) fn tip(&self) -> Result<ChainTip, NodeError> {
        let tip = self.chain.active_chain().tip();
        let height = u32::try_from(tip.height()).map_err(|_| NodeError::engine("it has no tip"))?;
        Ok(ChainTip { height: BlockHeight::new(height), hash: hash_of(&tip) })
    }

    /// The block's place in the tree of all blocks that were ever submitted; `None` when it was not.
    fn entry(&self, hash: &BlockHash) -> Option<BlockTreeEntry<'_>> {
        self.chain.get_block_tree_entry(&bitcoinkernel::BlockHash::from(hash.to_byte_array()))
    }

    /// Returns whether a block with this hash was ever submitted.
    pub(super) fn knows(&self, hash: &BlockHash) -> bool {
        self.entry(hash).is_some()
    }

    /// Returns the hash of the block at `height` of the best chain.
    pub(super) fn block_hash(&self, height: BlockHeight) -> Option<BlockHash> {
        let index = usize::try_from(height.to_u32()).ok()?;
        self.chain.active_chain().at_height(index).map(|entry| hash_of(&entry))
    }

    /// Returns a block's header and height, in the best chain or in a branch.
    pub(super) fn header(&self, hash: &BlockHash) -> Result<(Header, BlockHeight), NodeError> {
        let entry = self.entry(hash).ok_or(NodeError::UnknownBlock { hash: *hash })?;
        let failed = |cause: Cause| NodeError::engine_by(format!("header of block {hash}"), cause);
        let bytes = entry.header().consensus_encode().map_err(|error| failed(error.into()))?;
        let header = deserialize(&bytes).map_err(|error| failed(error.into()))?;
        let height = u32::try_from(entry.height()).map_err(|_| failed("its height is negative".into()))?;
        Ok((header, BlockHeight::new(height)))
    }

    /// Reads a block from the engine's files, in the best chain or in a branch.
    pub(super) fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        let entry = self.entry(hash).ok_or(NodeError::UnknownBlock { hash: *hash })?;
        let failed = |cause: Cause| NodeError::engine_by(format!("cannot read the block {hash}"), cause);
        let bytes = self
            .chain
            .read_block_data(&entry)
            .and_then(|block| block.consensus_encode())
            .map_err(|error| failed(error.into()))?;
        deserialize(&bytes).map_err(|error| failed(error.into()))
    }

    /// Submits a block and returns the engine's result.
    pub(super) fn submit(&self, block: &Block) -> Result<Verdict, NodeError> {
        let hash = block.block_hash();
        let raw = match bitcoinkernel::Block::new(&serialize(block)) {
            Ok(raw) => raw,
            Err(error) => return Ok(Verdict::Refused(format!("block-decode-failed, {error}"))),
        };
        let (processed, lines) = engine_log::capturing(|| self.chain.process_block(&raw));
        if self.tip()?.hash == hash {
            return Ok(Verdict::Connected);
        }
        if let Some(text) = engine_log::refusal(&lines, &hash.to_string()) {
            return Ok(Verdict::Refused(text));
        }
        if processed.is_new_block() && lines.is_empty() {
            return Ok(Verdict::Stored);
        }
        // Without the reason nothing is known about the transactions inside, so this is no verdict.
        let said = engine_log::summary(&lines).unwrap_or_else(|| "it logged no reason".to_owned());
        Err(NodeError::engine(format!("block {hash} did not become the tip: {said}")))
    }
}

fn hash_of(entry: &BlockTreeEntry<'_>) -> BlockHash {
    BlockHash::from_byte_array(entry.block_hash().to_bytes())
}

/// The engine takes paths as text.
fn path_text(path: &Path) -> Result<&str, &'static str> {
    path.to_str().ok_or("its name is not UTF-8")
}
