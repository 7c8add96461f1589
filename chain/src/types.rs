//! What a node answers with.

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

/// The last block of a chain.
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

/// A transaction that a node has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundTransaction {
    /// The transaction.
    pub transaction: Transaction,
    /// The block that holds it; `None` while it waits for one.
    pub block: Option<ChainTip>,
    /// How many blocks deep it is: 0 while it waits, 1 in the tip.
    pub confirmations: u32,
}
