//! A regtest chain inside this process.

mod block_template;
mod engine;
mod engine_log;
mod index;
mod startup;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::{Amount, Block, BlockHash, FeeRate, Network, OutPoint, Script, Transaction, Txid};
use tempfile::TempDir;

use self::block_template::Reward;
use self::engine::{Databases, Engine, Verdict};
use self::index::{Index, Waiting};
use crate::error::reason_and_detail;
use crate::{BlockHeight, ChainTip, Coin, FoundTransaction, Node, NodeError};

/// The reason that shows that every transaction of a probe is valid.
const ONLY_THE_COINBASE_IS_WRONG: &str = "bad-cb-amount";

/// A regtest chain inside this process, whose every block is validated by Bitcoin Core's own engine.
///
/// There is no daemon, no network and no wallet. A block's time follows from its height (a minute each), and
/// a coinbase from its height and script, so the same calls make the same chain: equal block hashes, equal
/// transaction ids.
///
/// # What is modelled
///
/// Consensus, all of it: scripts, signatures, absolute and relative lock times, amounts, coinbase maturity,
/// block weight and signature operations. [`Node::broadcast`] asks the engine whether the next block could
/// hold the transaction after those already waiting.
///
/// Relay policy is *not* modelled: no dust limit, no minimum fee, no standardness, no replacement (a
/// transaction that conflicts with a waiting one is rejected as `txn-mempool-conflict` whatever it pays), and
/// no limit to the length of a chain of waiting transactions. A transaction that this node takes may be
/// refused by the relay rules of a real one. One block must be able to hold everything that waits: mine
/// before a block is full.
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
/// use chain::{EmbeddedRegtest, Node};
///
/// let node = EmbeddedRegtest::in_memory()?;
/// let anyone_can_spend = ScriptBuf::from_bytes(vec![0x51]);
/// node.mine(101, &anyone_can_spend)?;
/// assert_eq!(node.tip()?.height.to_u32(), 101);
/// // Of 101 rewards two may be spent in the next block: a coinbase waits 100 blocks.
/// assert_eq!(node.coins(&anyone_can_spend)?.len(), 2);
/// # Ok::<(), chain::NodeError>(())
/// ```
pub struct EmbeddedRegtest {
    state: Mutex<State>,
    // Dropped, and with it deleted, after the engine has closed its files in it.
    _blocks: Option<TempDir>,
}

struct State {
    engine: Engine,
    index: Index,
    waiting: Waiting,
    /// Makes every probe block another one.
    probe: u64,
}

impl EmbeddedRegtest {
    /// A new chain with nothing but regtest's genesis block. It is gone when the value is dropped.
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

    /// The chain in `data_dir`, which is made when there is none; reopening continues it.
    ///
    /// The index is rebuilt by reading every block. Transactions that waited for a block when the node was
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

    // Every change of the state is made after the last call that can fail, so a state whose thread panicked
    // is still whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for EmbeddedRegtest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmbeddedRegtest").field("tip", &self.state().index.tip()).finish_non_exhaustive()
    }
}

impl Node for EmbeddedRegtest {
    fn network(&self) -> Network {
        Network::Regtest
    }

    fn tip(&self) -> Result<ChainTip, NodeError> {
        self.state().tip()
    }

    fn block(&self, height: BlockHeight) -> Result<Block, NodeError> {
        self.state().block(height)
    }

    fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        self.state().transaction(txid)
    }

    /// As [`Node::coins`]: what the chain holds. A coin that a waiting transaction spends is still among
    /// them.
    fn coins(&self, script_pubkey: &Script) -> Result<Vec<Coin>, NodeError> {
        Ok(self.state().index.coins(script_pubkey))
    }

    fn spender(
        &self,
        outpoint: &OutPoint,
        since: BlockHeight,
    ) -> Result<Option<FoundTransaction>, NodeError> {
        let state = self.state();
        let Some(txid) = state.waiting.spender(outpoint).or_else(|| state.index.spender(outpoint)) else {
            return Ok(None);
        };
        let found = state.transaction(&txid)?;
        Ok(found.filter(|found| found.block.is_none_or(|block| block.height >= since)))
    }

    /// As [`Node::broadcast`]; the reason of a rejection is the engine's word for the broken consensus rule.
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, NodeError> {
        self.state().broadcast(transaction)
    }

    /// Always 1 sat/vB: nobody competes for these blocks.
    fn fee_rate(&self, _blocks: u16) -> Result<FeeRate, NodeError> {
        Ok(FeeRate::BROADCAST_MIN)
    }

    /// As [`Node::mine`]; the first block holds everything that waits, in the order in which it came.
    fn mine(&self, count: u32, script_pubkey: &Script) -> Result<Vec<BlockHash>, NodeError> {
        let mut state = self.state();
        (0..count).map(|_| state.mine_block(script_pubkey)).collect()
    }
}

impl State {
    fn open(data_dir: &Path, databases: Databases) -> Result<Self, NodeError> {
        let engine = Engine::open(data_dir, databases)?;
        let mut index = Index::default();
        for height in 0..=engine.tip()?.height.to_u32() {
            index.add(&engine.block(BlockHeight::new(height))?)?;
        }
        // The engine remembers the probes of earlier sessions in the same directory, so the count goes on
        // where none of them was.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let probe = u64::try_from(since_1970.as_nanos()).unwrap_or_default();
        Ok(Self { engine, index, waiting: Waiting::default(), probe })
    }

    fn tip(&self) -> Result<ChainTip, NodeError> {
        self.index.tip().ok_or_else(|| NodeError::engine("it has no genesis block"))
    }

    fn block(&self, height: BlockHeight) -> Result<Block, NodeError> {
        let tip = self.tip()?.height;
        if height > tip { Err(NodeError::NoSuchBlock { height, tip }) } else { self.engine.block(height) }
    }

    fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        if let Some(transaction) = self.waiting.get(txid) {
            return Ok(Some(FoundTransaction {
                transaction: transaction.clone(),
                block: None,
                confirmations: 0,
            }));
        }
        let Some((height, position)) = self.index.locate(txid) else { return Ok(None) };
        let lost = || NodeError::Engine {
            reason: format!("transaction {txid} is not in the block at height {height}"),
        };
        let hash = self.index.block_hash(height).ok_or_else(lost)?;
        let transaction = self.engine.block(height)?.txdata.into_iter().nth(position).ok_or_else(lost)?;
        let confirmations = self.tip()?.height.blocks_since(height).saturating_add(1);
        Ok(Some(FoundTransaction { transaction, block: Some(ChainTip { height, hash }), confirmations }))
    }

    fn broadcast(&mut self, transaction: &Transaction) -> Result<Txid, NodeError> {
        let txid = transaction.compute_txid();
        if let Some(known) = self.transaction(&txid)? {
            // The id does not commit to the witness: a twin with another one is another transaction, and
            // never valid beside the first.
            let same = known.transaction.compute_wtxid() == transaction.compute_wtxid();
            return if same {
                Ok(txid)
            } else {
                Err(NodeError::rejected(txid, "txn-same-nonwitness-data-in-mempool"))
            };
        }
        // Without inputs a transaction has no encoding that the engine could read.
        if transaction.input.is_empty() {
            return Err(NodeError::rejected(txid, "bad-txns-vin-empty"));
        }
        if self.waiting.conflicts_with(transaction) {
            return Err(NodeError::rejected(txid, "txn-mempool-conflict"));
        }
        self.probe(txid, transaction)?;
        self.waiting.push(txid, transaction.clone());
        Ok(txid)
    }

    /// Asks the engine about a transaction with a block that cannot become part of the chain.
    ///
    /// The block holds what waits, then the transaction, and its coinbase pays more than there is. The engine
    /// checks a block's transactions first (inputs, lock times, signature operations, scripts) and its
    /// coinbase's amount last. So when it complains of the amount, the transactions are valid; any other
    /// complaint is about the transaction. The engine keeps the probe in its files as an invalid block, which
    /// harms nothing.
    fn probe(&mut self, txid: Txid, transaction: &Transaction) -> Result<(), NodeError> {
        let tip = self.tip()?;
        self.probe = self.probe.wrapping_add(1);
        let reward = Reward {
            amount: Amount::MAX_MONEY,
            script_pubkey: Script::new(),
            extra: Some(self.probe.to_le_bytes()),
        };
        let transactions: Vec<&Transaction> =
            self.waiting.transactions().iter().chain([transaction]).collect();
        let block = block_template::build(tip.hash, tip.height.saturating_add(1), &reward, &transactions)?;
        match self.engine.submit(&block)? {
            Verdict::Refused(text) if reason_and_detail(&text).0 == ONLY_THE_COINBASE_IS_WRONG => Ok(()),
            Verdict::Refused(text) => Err(NodeError::rejected(txid, &text)),
            Verdict::Connected => {
                Err(NodeError::engine("it accepted a coinbase that pays more than there is"))
            }
        }
    }

    fn mine_block(&mut self, script_pubkey: &Script) -> Result<BlockHash, NodeError> {
        let tip = self.tip()?;
        let height = tip.height.saturating_add(1);
        let amount = self
            .waiting
            .fees(&self.index)
            .and_then(|fees| fees.checked_add(block_template::subsidy(height)))
            .ok_or_else(|| NodeError::engine("the fees of the waiting transactions cannot be added up"))?;
        let reward = Reward { amount, script_pubkey, extra: None };
        let transactions: Vec<&Transaction> = self.waiting.transactions().iter().collect();
        let block = block_template::build(tip.hash, height, &reward, &transactions)?;
        match self.engine.submit(&block)? {
            Verdict::Connected => {
                self.index.add(&block)?;
                self.waiting = Waiting::default();
                Ok(block.block_hash())
            }
            Verdict::Refused(text) => {
                Err(NodeError::Engine { reason: format!("it refused the block at height {height}: {text}") })
            }
        }
    }
}
