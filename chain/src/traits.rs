//! The traits of a Bitcoin node.

use std::time::{Duration, Instant};

use bitcoin::{Amount, Block, BlockHash, FeeRate, Network, OutPoint, Script, Transaction, Txid};

use crate::{BlockHeight, ChainTip, Coin, FoundHeader, FoundTransaction, NodeError, SpentOutput, Unspent};

/// How often a node without a bell is asked for its tip by whoever waits.
const BETWEEN_TIPS: Duration = Duration::from_millis(100);
/// How often a height is read again because the chain changed meanwhile.
const MAX_REREADS: u32 = 8;

/// A source of blocks and headers, by hash and by height.
///
/// A hash always names the same block; a height names another block after a reorg. Whoever must not miss a
/// reorg reads by hash, as [`Follower`](crate::Follower) does.
pub trait ChainSource {
    /// Returns the network whose chain the node follows.
    fn network(&self) -> Network;

    /// Returns the last block of the best chain.
    fn tip(&self) -> Result<ChainTip, NodeError>;

    /// Returns whether the node knows that it lacks blocks (its first download of the chain is not over, or
    /// it has headers of blocks that it has not connected), so that its tip is not the chain's.
    fn is_syncing(&self) -> Result<bool, NodeError> {
        Ok(false)
    }

    /// Waits until the tip is another than `known`, at most for this time; returns sooner where the node has
    /// no bell. Which block is the tip then, [`tip`](Self::tip) tells: during a reorg it is another at each
    /// moment.
    fn wait_for_block(&self, known: &BlockHash, within: Duration) -> Result<(), NodeError> {
        let begun = Instant::now();
        while self.tip()?.hash == *known {
            let left = within.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            std::thread::sleep(left.min(BETWEEN_TIPS));
        }
        Ok(())
    }

    /// Returns the hash of the block at `height` of the best chain; [`NodeError::NoSuchBlock`] above the tip.
    fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError>;

    /// Returns the hashes of the blocks of the best chain above `height`, in order: at most `count` of them,
    /// and fewer at the tip. A reorg between two of them goes unnoticed: each block has its parent's hash.
    fn hashes_above(&self, height: BlockHeight, count: u32) -> Result<Vec<BlockHash>, NodeError> {
        let mut hashes = Vec::new();
        for above in 1..=count {
            match self.block_hash(height.saturating_add(above)) {
                Err(NodeError::NoSuchBlock { .. }) => break,
                hash => hashes.push(hash?),
            }
        }
        Ok(hashes)
    }

    /// Returns the header of a block, in the best chain or not; [`NodeError::UnknownBlock`] when the node
    /// does not know it.
    fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError>;

    /// Returns a block, in the best chain or not.
    ///
    /// [`NodeError::UnknownBlock`] when the node does not know it, [`NodeError::BlockPruned`] when it has
    /// deleted it, [`NodeError::BlockNotDownloaded`] when it has only its header.
    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError>;

    /// Returns the header at `height` of the best chain; [`NodeError::NoSuchBlock`] above the tip.
    fn header_at(&self, height: BlockHeight) -> Result<FoundHeader, NodeError> {
        at_height(self, height, |hash| self.header(hash))
    }

    /// Returns the block at `height` of the best chain; [`NodeError::NoSuchBlock`] above the tip, and the
    /// errors of [`block`](Self::block).
    fn block_at(&self, height: BlockHeight) -> Result<Block, NodeError> {
        at_height(self, height, |hash| self.block(hash))
    }
}

/// Reads at `height`, and again when a reorg put another block there between the two calls.
fn at_height<S: ChainSource + ?Sized, T>(
    source: &S,
    height: BlockHeight,
    read: impl Fn(&BlockHash) -> Result<T, NodeError>,
) -> Result<T, NodeError> {
    let mut hash = source.block_hash(height)?;
    for _ in 0..MAX_REREADS {
        let found = read(&hash);
        let now = source.block_hash(height)?;
        if now == hash {
            return found;
        }
        hash = now;
    }
    read(&hash)
}

/// A source of transactions and outputs, for which a node may have to search its blocks.
pub trait Lookup {
    /// Returns a transaction by its id, with its block; `None` when it is neither in the best chain nor in
    /// the mempool.
    fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError>;

    /// Returns the confirmed, unspent outputs that pay exactly `script_pubkey`, oldest first. Coinbase
    /// outputs are included only once mature.
    fn coins(&self, script_pubkey: &Script) -> Result<Vec<Coin>, NodeError>;

    /// Returns what spends a confirmed output, confirmed or in the mempool; `None` while nothing does.
    ///
    /// `coin` is the output as the caller knows it from its transaction: a node whose output of this outpoint
    /// has another amount or script is not believed. No block below the coin's is searched.
    ///
    /// [`NodeError::NoSuchOutput`] when the output is neither unspent nor spent: its transaction has left the
    /// chain, or is in an earlier block.
    fn spender(&self, coin: &Coin) -> Result<Option<FoundTransaction>, NodeError>;
}

/// A node that broadcasts transactions.
pub trait Broadcast {
    /// Broadcasts a transaction, so that it is in the node's mempool.
    ///
    /// A transaction that breaks a rule is [`NodeError::Rejected`] with the node's own reason. One that the
    /// node already has, confirmed or in the mempool, is not an error: broadcasting is idempotent. The id
    /// alone decides: a transaction with the same id and another witness, even an invalid one, is the known
    /// one, whose witness stays.
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError>;

    /// Broadcasts a transaction with its parent, which may pay too little alone: the node judges by what both
    /// pay. Otherwise as [`broadcast`](Self::broadcast) of the child.
    fn broadcast_with_parent(&self, parent: &Transaction, child: &Transaction) -> Result<Txid, NodeError> {
        self.broadcast(parent)?;
        self.broadcast(child)
    }

    /// Has the node treat a transaction as if it paid so much more, when it chooses what waits and what it
    /// mines. Other nodes hear nothing of it. It adds up.
    fn prioritise(&self, txid: &Txid, more: Amount) -> Result<(), NodeError> {
        let _ = (txid, more);
        Ok(())
    }

    /// Returns whether the node keeps what it is given out of its own mempool, and hands it to others alone:
    /// it cannot tell then what becomes of it.
    fn broadcasts_in_private(&self) -> Result<bool, NodeError> {
        Ok(false)
    }
}

/// A source of fee rates.
pub trait FeeEstimate {
    /// Returns the fee rate at which a transaction is expected to confirm within `blocks` blocks.
    fn fee_rate(&self, blocks: u16) -> Result<FeeRate, NodeError>;
}

/// A mempool, for whoever follows many transactions.
pub trait Mempool {
    /// Returns the ids of the transactions that wait, in any order.
    fn waiting(&self) -> Result<Vec<Txid>, NodeError>;
}

/// A node with an index of what spends each output, for whoever follows many outputs.
pub trait Spenders {
    /// Returns which of these outputs are spent, each with what spends it, in any order; `None` where the
    /// node has no such index, or has not built it yet. An output that does not exist is not spent.
    ///
    /// The chain may change meanwhile: whoever needs one state of it compares the tip before and after.
    fn spenders(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<SpentOutput>>, NodeError>;

    /// Returns which of these outputs are unspent in the best chain, in any order; `None` where the node
    /// cannot tell. The chain may change meanwhile, as above.
    fn unspent(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<Unspent>>, NodeError> {
        let _ = outpoints;
        Ok(None)
    }
}

/// A node that mines blocks on request.
pub trait Mine {
    /// Mines `count` blocks whose rewards pay `script_pubkey`; on regtest only, else
    /// [`NodeError::NotRegtest`].
    fn mine(&self, count: u32, script_pubkey: &Script) -> Result<Vec<BlockHash>, NodeError>;

    /// Mines `count` blocks above the block at `fork_height` of the best chain, in place of those that are
    /// there, which must be fewer: a reorg. What was in those waits in the mempool again. On regtest only;
    /// pay another script than before.
    fn mine_branch(
        &self,
        fork_height: BlockHeight,
        count: u32,
        script_pubkey: &Script,
    ) -> Result<Vec<BlockHash>, NodeError>;
}

/// A full node: every trait of this crate.
///
/// It has no methods of its own: whatever has the traits is a `Node`. Require the smaller traits where
/// they suffice. Mining fails with [`NodeError::NotRegtest`] on every other network.
///
/// Every method may fail with a [`NodeError`]; [`NodeError::is_retryable`] separates what may succeed when
/// tried again (the node is starting, the connection broke) from what will not (a transaction that breaks a
/// rule).
pub trait Node: ChainSource + Lookup + Broadcast + FeeEstimate + Mempool + Spenders + Mine {}

impl<T: ChainSource + Lookup + Broadcast + FeeEstimate + Mempool + Spenders + Mine + ?Sized> Node for T {}

/// Implements the traits for a pointer to a node.
macro_rules! forward {
    ($pointer:ty) => {
        impl<T: ChainSource + ?Sized> ChainSource for $pointer {
            fn network(&self) -> Network {
                (**self).network()
            }
            fn tip(&self) -> Result<ChainTip, NodeError> {
                (**self).tip()
            }
            fn is_syncing(&self) -> Result<bool, NodeError> {
                (**self).is_syncing()
            }
            fn wait_for_block(&self, known: &BlockHash, within: Duration) -> Result<(), NodeError> {
                (**self).wait_for_block(known, within)
            }
            fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
                (**self).block_hash(height)
            }
            fn hashes_above(&self, height: BlockHeight, count: u32) -> Result<Vec<BlockHash>, NodeError> {
                (**self).hashes_above(height, count)
            }
            fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
                (**self).header(hash)
            }
            fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
                (**self).block(hash)
            }
            fn header_at(&self, height: BlockHeight) -> Result<FoundHeader, NodeError> {
                (**self).header_at(height)
            }
            fn block_at(&self, height: BlockHeight) -> Result<Block, NodeError> {
                (**self).block_at(height)
            }
        }
        impl<T: Lookup + ?Sized> Lookup for $pointer {
            fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
                (**self).transaction(txid)
            }
            fn coins(&self, script_pubkey: &Script) -> Result<Vec<Coin>, NodeError> {
                (**self).coins(script_pubkey)
            }
            fn spender(&self, coin: &Coin) -> Result<Option<FoundTransaction>, NodeError> {
                (**self).spender(coin)
            }
        }
        impl<T: Broadcast + ?Sized> Broadcast for $pointer {
            fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError> {
                (**self).broadcast(transaction)
            }
            fn broadcast_with_parent(
                &self,
                parent: &Transaction,
                child: &Transaction,
            ) -> Result<Txid, NodeError> {
                (**self).broadcast_with_parent(parent, child)
            }
            fn prioritise(&self, txid: &Txid, more: Amount) -> Result<(), NodeError> {
                (**self).prioritise(txid, more)
            }
            fn broadcasts_in_private(&self) -> Result<bool, NodeError> {
                (**self).broadcasts_in_private()
            }
        }
        impl<T: FeeEstimate + ?Sized> FeeEstimate for $pointer {
            fn fee_rate(&self, blocks: u16) -> Result<FeeRate, NodeError> {
                (**self).fee_rate(blocks)
            }
        }
        impl<T: Mempool + ?Sized> Mempool for $pointer {
            fn waiting(&self) -> Result<Vec<Txid>, NodeError> {
                (**self).waiting()
            }
        }
        impl<T: Spenders + ?Sized> Spenders for $pointer {
            fn spenders(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<SpentOutput>>, NodeError> {
                (**self).spenders(outpoints)
            }
            fn unspent(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<Unspent>>, NodeError> {
                (**self).unspent(outpoints)
            }
        }
        impl<T: Mine + ?Sized> Mine for $pointer {
            fn mine(&self, count: u32, script_pubkey: &Script) -> Result<Vec<BlockHash>, NodeError> {
                (**self).mine(count, script_pubkey)
            }
            fn mine_branch(
                &self,
                fork_height: BlockHeight,
                count: u32,
                script_pubkey: &Script,
            ) -> Result<Vec<BlockHash>, NodeError> {
                (**self).mine_branch(fork_height, count, script_pubkey)
            }
        }
    };
}

forward!(&T);
forward!(Box<T>);
