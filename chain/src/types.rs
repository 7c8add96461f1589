//! What a node answers with.

use bitcoin::block::Header;
use bitcoin::{BlockHash, OutPoint, Transaction, TxOut};

/// A height in the Bitcoin chain (the genesis block is 0). Heights of a consumer chain are another type, on
/// purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockHeight(u32);

impl BlockHeight {
    /// The genesis block's height.
    pub const GENESIS: Self = Self(0);

    /// The height with this number.
    pub const fn new(height: u32) -> Self {
        Self(height)
    }

    /// The number of this height.
    pub const fn to_u32(self) -> u32 {
        self.0
    }

    /// The height `blocks` above this one; the highest possible one when that is past the end of the number
    /// range.
    pub const fn saturating_add(self, blocks: u32) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// How many blocks lie from `earlier` up to this height; 0 when `earlier` is not earlier.
    pub const fn blocks_since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::fmt::Display for BlockHeight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A block's height and hash: the last one of a chain, or another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainTip {
    /// Its height.
    pub height: BlockHeight,
    /// Its hash.
    pub hash: BlockHash,
}

/// A confirmed, unspent output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// What it pays, and to which script.
    pub output: TxOut,
    /// The height of the block that holds it.
    pub height: BlockHeight,
}

/// A block's header, with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundHeader {
    /// The header.
    pub header: Header,
    /// The block's height, in the best chain or in a branch of it.
    pub height: BlockHeight,
    /// How many blocks of the best chain confirm it: 1 for the tip, 0 when it is not in the best chain.
    pub confirmations: u32,
}

/// A transaction that a node has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTransaction {
    /// The transaction.
    pub transaction: Transaction,
    /// The block that holds it; `None` while it is in the mempool.
    pub block: Option<ChainTip>,
    /// How many blocks confirm it: 0 while it is in the mempool, 1 in the tip.
    pub confirmations: u32,
}
