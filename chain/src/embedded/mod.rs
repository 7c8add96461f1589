//! A regtest chain inside this process.

mod block_template;
mod diagram;
mod engine;
mod engine_log;
mod index;
mod mempool;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod reorg_tests;
mod replacement;
mod startup;
mod state;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bitcoin::{Block, BlockHash, FeeRate, Network, OutPoint, Script, Transaction, Txid};
use tempfile::TempDir;

use self::engine::Databases;
use self::state::State;
use crate::{
    BlockHeight, Broadcast, ChainSource, ChainTip, Coin, FeeEstimate, FoundHeader, FoundTransaction, Lookup,
    Mempool, Mine, NodeError, Spenders, SpentOutput,
};

/// A regtest chain inside this process, whose every block is validated by Bitcoin Core's own engine.
///
/// There is no daemon, no network and no wallet. A block's time follows from its height (a minute each), and
/// a coinbase from its height and script, so the same calls make the same chain: equal block hashes, equal
/// transaction ids.
///
/// # What is modelled
///
/// Consensus, all of it: scripts, signatures, absolute and relative timelocks, amounts, coinbase maturity,
/// block weight and signature operations, and the choice of the chain with the most work.
/// [`Broadcast::broadcast`] asks the engine whether the next block could hold the transaction after those in
/// the mempool.
///
/// Forks: [`mine_on`](EmbeddedRegtest::mine_on) builds a branch from any earlier block; the engine
/// reorganizes when it has more work. As in Bitcoin Core, the transactions of disconnected blocks return to
/// the mempool, and those that were in it stay, where they are still valid: not what conflicts with the new
/// chain, is too early again or spends a coinbase that is gone, nor what descends from such a one. What was
/// dropped does not come back by itself.
///
/// Replacement, by Bitcoin Core 31's rules and words: a transaction that conflicts with some in the mempool
/// replaces them and their descendants when it pays no less than all of them, 0.1 sat/vB more for its own
/// relay, and makes the mempool better at every size of a block (`insufficient fee`, `replacement-failed`);
/// when it conflicts with at most 100 clusters, and spends none of what it replaces. An id that is known is
/// never an error, whatever the witness.
///
/// # Where Bitcoin Core differs
///
/// - Relay policy is *not* modelled: no dust limit, no minimum fee, no standardness, no limit to the size of
///   a cluster (64 transactions), none to the mempool, and no rules for version 3 (TRUC). What this node
///   accepts, and takes back after a reorg, the relay policy of a real one may refuse.
/// - The words for a broken rule of consensus are those for blocks: `bad-txns-nonfinal`,
///   `block-script-verify-flag-failed (…)`, where Bitcoin Core's mempool says `non-final` or
///   `non-BIP68-final`, `mempool-script-verify-flag-failed (…)`. Their
///   [`RejectionClass`](crate::RejectionClass) is the same.
/// - Replacements are judged before the transaction's own rules; a fee below those of what it conflicts with
///   is named even where another rule is broken too. Clusters with more than 14 transactions are judged by
///   each one's fee rate with its ancestors, not by the best order there is.
/// - After a branch with more work whose last block is invalid, the mempool is as before; Bitcoin Core
///   connects the blocks before that one and comes back, so that what they confirmed waits then, and what
///   conflicted with it is gone.
/// - One block must be able to hold the mempool: mine before a block is full.
///
/// The tests hold the first and the last but one against a `bitcoind`, and run the rules above on both nodes.
///
/// # Size
///
/// Made for chains of hundreds of blocks, and good for thousands: on regtest the engine checks its whole
/// block index at every block, so that the time for a chain grows with the square of its length. A node takes
/// about 35 MB of memory, nearly all of it the engine's signature caches.
///
/// # Threads
///
/// All methods take `&self`; calls from several threads are served one after the other.
///
/// ```
/// use bitcoin::ScriptBuf;
/// use chain::{ChainSource, EmbeddedRegtest, Lookup, Mine};
///
/// let node = EmbeddedRegtest::in_memory()?;
/// let anyone_can_spend = ScriptBuf::from_bytes(vec![0x51]);
/// node.mine(101, &anyone_can_spend)?;
/// assert_eq!(node.tip()?.height.to_u32(), 101);
/// // Of 101 rewards two may be spent in the next block: a coinbase matures in 100 blocks.
/// assert_eq!(node.coins(&anyone_can_spend)?.len(), 2);
/// # Ok::<(), chain::NodeError>(())
/// ```
pub struct EmbeddedRegtest {
    state: Mutex<State>,
    // Dropped, and with it deleted, after the engine has closed its files in it.
    _blocks: Option<TempDir>,
}

impl EmbeddedRegtest {
    /// Returns a new chain with only regtest's genesis block. It is deleted when the value is dropped.
    ///
    /// The databases are in memory; the engine writes the blocks into a temporary directory (16 MB, mostly
    /// empty) that is removed on drop.
    ///
    /// # Errors
    ///
    /// [`NodeError::Storage`] when there is no place for the temporary directory, [`NodeError::Engine`] when
    /// the engine does not start.
    pub fn in_memory() -> Result<Self, NodeError> {
        let blocks = tempfile::Builder::new()
            .prefix("chain-regtest-")
            .tempdir()
            .map_err(|source| NodeError::Storage { path: std::env::temp_dir(), source })?;
        let state = State::open(blocks.path(), Databases::InMemory)?;
        Ok(Self { state: Mutex::new(state), _blocks: Some(blocks) })
    }

    /// Opens the chain in `data_dir`, or creates it when there is none.
    ///
    /// The index is rebuilt by reading every block. Transactions that were in the mempool when the node was
    /// closed are forgotten. The engine writes its databases when the value is dropped: what a killed process
    /// had mined since it opened may be lost, and is then mined again by the same calls.
    ///
    /// # Errors
    ///
    /// [`NodeError::Storage`] when the directory cannot be made, [`NodeError::Engine`] when it cannot be
    /// opened: another process has it open, its name is not UTF-8, or it holds something else.
    pub fn open(data_dir: &Path) -> Result<Self, NodeError> {
        let state = State::open(data_dir, Databases::OnDisk)?;
        Ok(Self { state: Mutex::new(state), _blocks: None })
    }

    /// Mines `count` empty blocks on top of the block `parent`, which may be any block of the best chain or
    /// of a branch, and whose rewards pay `script_pubkey`.
    ///
    /// While the branch has no more work than the best chain, the tip stays. With the first block that gives
    /// it more, the engine disconnects the blocks above the fork point and connects the branch. A branch
    /// never holds a block that was there before, so the same script may be paid on both sides.
    ///
    /// # Errors
    ///
    /// [`NodeError::UnknownBlock`] when there is no block `parent`, [`NodeError::Engine`] when the engine
    /// refuses a block.
    pub fn mine_on(
        &self,
        parent: &BlockHash,
        count: u32,
        script_pubkey: &Script,
    ) -> Result<Vec<BlockHash>, NodeError> {
        let (mut state, mut parent) = (self.state(), *parent);
        let mut hashes = Vec::new();
        for _ in 0..count {
            parent = state.mine_on(&parent, script_pubkey, &[])?;
            hashes.push(parent);
        }
        Ok(hashes)
    }

    /// Mines one block on top of the block `parent`, with these transactions, which need not be in the
    /// mempool; otherwise as [`mine_on`](Self::mine_on). Their fees are not claimed.
    ///
    /// # Errors
    ///
    /// As [`mine_on`](Self::mine_on). The transactions of a branch are checked when the branch is connected,
    /// not when it is built: an invalid one fails the call that would have given the branch more work, and
    /// the best chain stays.
    pub fn mine_block_on(
        &self,
        parent: &BlockHash,
        script_pubkey: &Script,
        transactions: &[Transaction],
    ) -> Result<BlockHash, NodeError> {
        let transactions: Vec<&Transaction> = transactions.iter().collect();
        self.state().mine_on(parent, script_pubkey, &transactions)
    }

    // Every change of the state is made after the last call that can fail, so a state whose thread panicked
    // is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for EmbeddedRegtest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedRegtest").field("tip", &self.state().tip().ok()).finish_non_exhaustive()
    }
}

impl ChainSource for EmbeddedRegtest {
    fn network(&self) -> Network {
        Network::Regtest
    }

    fn tip(&self) -> Result<ChainTip, NodeError> {
        self.state().tip()
    }

    fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
        self.state().block_hash(height)
    }

    fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
        self.state().header(hash)
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        self.state().block(hash)
    }
}

impl Lookup for EmbeddedRegtest {
    fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        self.state().transaction(txid)
    }

    /// As [`Lookup::coins`]: what the chain holds. A coin that a transaction in the mempool spends is still
    /// among them.
    fn coins(&self, script_pubkey: &Script) -> Result<Vec<Coin>, NodeError> {
        Ok(self.state().coins(script_pubkey))
    }

    fn spender(&self, coin: &Coin) -> Result<Option<FoundTransaction>, NodeError> {
        self.state().spender(coin)
    }
}

impl Mempool for EmbeddedRegtest {
    fn waiting(&self) -> Result<Vec<Txid>, NodeError> {
        Ok(self.state().waiting())
    }
}

impl Spenders for EmbeddedRegtest {
    fn spenders(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<SpentOutput>>, NodeError> {
        Ok(Some(self.state().spenders(outpoints)))
    }
}

impl Broadcast for EmbeddedRegtest {
    /// As [`Broadcast::broadcast`]; the reason of a rejection is the engine's word for the broken consensus
    /// rule, or Bitcoin Core's for a replacement that it refuses.
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError> {
        self.state().broadcast(transaction)
    }
}

impl FeeEstimate for EmbeddedRegtest {
    /// Always 1 sat/vB: nobody competes for these blocks.
    fn fee_rate(&self, _blocks: u16) -> Result<FeeRate, NodeError> {
        Ok(FeeRate::BROADCAST_MIN)
    }
}

impl Mine for EmbeddedRegtest {
    /// As [`Mine::mine`]; the first block holds the whole mempool, in the order in which it came.
    fn mine(&self, count: u32, script_pubkey: &Script) -> Result<Vec<BlockHash>, NodeError> {
        let mut state = self.state();
        (0..count).map(|_| state.mine_block(script_pubkey)).collect()
    }

    fn mine_branch(
        &self,
        fork_height: BlockHeight,
        count: u32,
        script_pubkey: &Script,
    ) -> Result<Vec<BlockHash>, NodeError> {
        let fork_point = self.block_hash(fork_height)?;
        self.mine_on(&fork_point, count, script_pubkey)
    }
}
