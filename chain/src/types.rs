//! The types of a node's results.

use bitcoin::block::Header;
use bitcoin::{BlockHash, OutPoint, Transaction, TxOut, Txid};

/// A height of the Bitcoin chain; the genesis block's is 0. Heights of a consumer chain have another type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockHeight(u32);

impl BlockHeight {
    /// The genesis block's height.
    pub const GENESIS: Self = Self(0);

    /// Returns the height with this number.
    pub const fn new(height: u32) -> Self {
        Self(height)
    }

    /// Returns the number.
    pub const fn to_u32(self) -> u32 {
        self.0
    }

    /// Returns the height `blocks` above this one, or 2^32 − 1 on overflow.
    pub const fn saturating_add(self, blocks: u32) -> Self {
        Self(self.0.saturating_add(blocks))
    }

    /// Returns how many blocks this height is after `earlier`; 0 when it is not after it.
    pub const fn blocks_since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl std::fmt::Display for BlockHeight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The height and hash of a block: of a chain's tip, or of another block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainTip {
    /// The block's height.
    pub height: BlockHeight,
    /// The block's hash.
    pub hash: BlockHash,
}

/// A confirmed output; what [`Lookup::coins`](crate::Lookup::coins) returns is unspent too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// The outpoint.
    pub outpoint: OutPoint,
    /// The output's amount and script pubkey.
    pub output: TxOut,
    /// The height of its block.
    pub height: BlockHeight,
}

impl Coin {
    /// Returns the output `vout` of a confirmed transaction; `None` when the transaction is in no block or
    /// has no such output.
    pub fn of(found: &FoundTransaction, vout: u32) -> Option<Self> {
        let height = found.block?.height;
        let output = found.transaction.output.get(usize::try_from(vout).ok()?)?.clone();
        Some(Self { outpoint: OutPoint { txid: found.transaction.compute_txid(), vout }, output, height })
    }
}

/// A block's header, with its height and confirmations.
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
    /// The transaction's block; `None` while it is in the mempool.
    pub block: Option<ChainTip>,
    /// How many blocks confirm it: 0 while it is in the mempool, 1 in the tip.
    pub confirmations: u32,
}

/// An output that is unspent in the best chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unspent {
    /// The output.
    pub outpoint: OutPoint,
    /// The height of its transaction's block.
    pub height: BlockHeight,
}

/// An output that is spent, as an index of spenders has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpentOutput {
    /// The output.
    pub outpoint: OutPoint,
    /// The transaction that spends it.
    pub by: Txid,
    /// The hash of that transaction's block, in the best chain; `None` while it waits in the mempool.
    pub block: Option<BlockHash>,
}
