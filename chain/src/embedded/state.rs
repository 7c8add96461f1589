//! The engine, with the index and the mempool that belong to it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::{Amount, Block, BlockHash, OutPoint, Script, Transaction, Txid};

use super::block_template::{self, Reward};
use super::engine::{Databases, Engine, Verdict};
use super::index::Index;
use super::mempool::Mempool;
use super::replacement;
use crate::rejection::reason_and_detail;
use crate::{BlockHeight, ChainTip, Coin, FoundHeader, FoundTransaction, NodeError, SpentOutput};

/// The reason that shows that every transaction of a probe is valid.
const ONLY_THE_COINBASE_IS_WRONG: &str = "bad-cb-amount";

pub(super) struct State {
    engine: Engine,
    index: Index,
    mempool: Mempool,
    /// Makes every probe block another one.
    probe: u64,
    /// Makes every block of a branch another one.
    branch_blocks: u64,
}

impl State {
    pub(super) fn open(data_dir: &Path, databases: Databases) -> Result<Self, NodeError> {
        let engine = Engine::open(data_dir, databases)?;
        let mut index = Index::default();
        for height in 0..=engine.tip()?.height.to_u32() {
            connect(&engine, &mut index, BlockHeight::new(height))?;
        }
        // The engine remembers the probes of earlier sessions in the same directory, so the count goes on
        // where none of them was.
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let probe = u64::try_from(since_1970.as_nanos()).unwrap_or_default();
        Ok(Self { engine, index, mempool: Mempool::default(), branch_blocks: 0, probe })
    }

    pub(super) fn tip(&self) -> Result<ChainTip, NodeError> {
        self.index.tip().ok_or_else(|| NodeError::engine("it has no genesis block"))
    }

    #[cfg(test)]
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    pub(super) fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
        let tip = self.tip()?.height;
        self.index.block_hash(height).ok_or(NodeError::NoSuchBlock { height, tip })
    }

    pub(super) fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
        let (header, height) = self.engine.header(hash)?;
        let depth = self.tip()?.height.blocks_since(height);
        let in_best_chain = self.index.block_hash(height) == Some(*hash);
        let confirmations = if in_best_chain { depth.saturating_add(1) } else { 0 };
        Ok(FoundHeader { header, height, confirmations })
    }

    pub(super) fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        self.engine.block(hash)
    }

    pub(super) fn coins(&self, script_pubkey: &Script) -> Vec<Coin> {
        self.index.coins(script_pubkey)
    }

    pub(super) fn spender(&self, coin: &Coin) -> Result<Option<FoundTransaction>, NodeError> {
        let (outpoint, since) = (coin.outpoint, coin.height);
        let gone = NodeError::NoSuchOutput { outpoint, since };
        let Some(txid) = self.mempool.spender(&outpoint).or_else(|| self.index.spender(&outpoint)) else {
            let output = self.mempool.output(&outpoint, &self.index);
            return if output == Some(&coin.output) { Ok(None) } else { Err(gone) };
        };
        let found = self.transaction(&txid)?;
        let found = found.filter(|found| found.block.is_none_or(|block| block.height >= since));
        found.map(Some).ok_or(gone)
    }

    pub(super) fn waiting(&self) -> Vec<Txid> {
        self.mempool.transactions().iter().map(Transaction::compute_txid).collect()
    }

    pub(super) fn spenders(&self, outpoints: &[OutPoint]) -> Vec<SpentOutput> {
        let spent = outpoints.iter().filter_map(|outpoint| {
            let outpoint = *outpoint;
            if let Some(by) = self.mempool.spender(&outpoint) {
                return Some(SpentOutput { outpoint, by, block: None });
            }
            let by = self.index.spender(&outpoint)?;
            let (height, _) = self.index.locate(&by)?;
            Some(SpentOutput { outpoint, by, block: self.index.block_hash(height) })
        });
        spent.collect()
    }

    pub(super) fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        if let Some(transaction) = self.mempool.get(txid) {
            return Ok(Some(FoundTransaction {
                transaction: transaction.clone(),
                block: None,
                confirmations: 0,
            }));
        }
        let Some((height, position)) = self.index.locate(txid) else { return Ok(None) };
        let lost = || NodeError::engine(format!("transaction {txid} is not in the block at height {height}"));
        let hash = self.index.block_hash(height).ok_or_else(lost)?;
        let transaction = self.engine.block(&hash)?.txdata.into_iter().nth(position).ok_or_else(lost)?;
        let confirmations = self.tip()?.height.blocks_since(height).saturating_add(1);
        Ok(Some(FoundTransaction { transaction, block: Some(ChainTip { height, hash }), confirmations }))
    }

    pub(super) fn broadcast(&mut self, transaction: &Transaction) -> Result<Txid, NodeError> {
        let txid = transaction.compute_txid();
        // The id decides, as in Bitcoin Core: with another witness it is the known one, whose witness stays.
        if self.transaction(&txid)?.is_some() {
            return Ok(txid);
        }
        // Without inputs a transaction has no encoding that the engine could read.
        if transaction.input.is_empty() {
            return Err(NodeError::rejected(txid, "bad-txns-vin-empty"));
        }
        let replaced = replacement::replaced(transaction, &self.mempool, &self.index)
            .map_err(|text| NodeError::rejected(txid, &text))?;
        let mut mempool = self.mempool.without(&replaced);
        let tip = self.tip()?;
        probe(&self.engine, tip, &mut self.probe, mempool.transactions().iter().chain([transaction]))?
            .map_err(|text| NodeError::rejected(txid, &text))?;
        mempool.push(txid, transaction.clone());
        self.mempool = mempool;
        Ok(txid)
    }

    pub(super) fn mine_block(&mut self, script_pubkey: &Script) -> Result<BlockHash, NodeError> {
        let tip = self.tip()?;
        let height = tip.height.saturating_add(1);
        let amount = self
            .mempool
            .fees(&self.index)
            .and_then(|fees| fees.checked_add(block_template::subsidy(height)))
            .ok_or_else(|| NodeError::engine("the fees of the mempool cannot be added up"))?;
        let reward = Reward { amount, script_pubkey, extra: None };
        let transactions: Vec<&Transaction> = self.mempool.transactions().iter().collect();
        let block = block_template::build(tip.hash, height, &reward, &transactions)?;
        match self.engine.submit(&block)? {
            Verdict::Connected => {
                self.index.add(&block)?;
                self.mempool = Mempool::default();
                Ok(block.block_hash())
            }
            Verdict::Refused(text) => Err(refused(height, &text)),
            Verdict::Stored => Err(refused(height, "it did not become the tip")),
        }
    }

    /// Mines a block on any block of the tree, and goes with the engine where that has more work.
    pub(super) fn mine_on(
        &mut self,
        parent: &BlockHash,
        script_pubkey: &Script,
        transactions: &[&Transaction],
    ) -> Result<BlockHash, NodeError> {
        let height = self.engine.header(parent)?.1.saturating_add(1);
        let block = loop {
            self.branch_blocks = self.branch_blocks.wrapping_add(1);
            let extra = Some(self.branch_blocks.to_le_bytes());
            let reward = Reward { amount: block_template::subsidy(height), script_pubkey, extra };
            let block = block_template::build(*parent, height, &reward, transactions)?;
            if !self.engine.knows(&block.block_hash()) {
                break block;
            }
        };
        let submitted = self.engine.submit(&block);
        self.go_with_the_engine()?;
        match submitted? {
            Verdict::Connected | Verdict::Stored => Ok(block.block_hash()),
            Verdict::Refused(text) => Err(refused(height, &text)),
        }
    }

    /// Disconnects and connects blocks until the index is at the engine's tip; then fills the mempool again.
    fn go_with_the_engine(&mut self) -> Result<(), NodeError> {
        let tip = self.engine.tip()?;
        if self.index.tip() == Some(tip) {
            return Ok(());
        }
        let mut disconnected = Vec::new();
        while let Some(last) = self.index.tip()
            && self.engine.block_hash(last.height) != Some(last.hash)
        {
            let block = self.engine.block(&last.hash)?;
            self.index.remove(&block)?;
            disconnected.extend(block.txdata.into_iter().skip(1).rev());
        }
        let fork_point = self.tip()?.height.to_u32();
        for height in fork_point.saturating_add(1)..=tip.height.to_u32() {
            connect(&self.engine, &mut self.index, BlockHeight::new(height))?;
        }
        // Parents come before their children: blocks in the chain's order, then what was in the mempool.
        disconnected.reverse();
        disconnected.extend_from_slice(self.mempool.transactions());
        self.fill_mempool(disconnected)
    }

    /// Puts the transactions into an empty mempool, but those that are confirmed or no longer valid.
    fn fill_mempool(&mut self, mut transactions: Vec<Transaction>) -> Result<(), NodeError> {
        self.mempool = Mempool::default();
        transactions.retain(|transaction| self.index.locate(&transaction.compute_txid()).is_none());
        if transactions.is_empty() {
            return Ok(());
        }
        let tip = self.tip()?;
        // One question about all of them mostly does; if not, one about each.
        let all_valid = probe(&self.engine, tip, &mut self.probe, &transactions)?.is_ok();
        for transaction in transactions {
            let is_valid = all_valid || {
                let with_it = self.mempool.transactions().iter().chain([&transaction]);
                probe(&self.engine, tip, &mut self.probe, with_it)?.is_ok()
            };
            if is_valid {
                self.mempool.push(transaction.compute_txid(), transaction);
            }
        }
        Ok(())
    }
}

/// Asks the engine about transactions with a block that cannot become part of the chain; the inner error is
/// the engine's reason against one of them.
///
/// The block holds the transactions, and its coinbase pays more than there is. The engine checks a block's
/// transactions first (inputs, timelocks, signature operations, scripts) and its coinbase's amount last. So
/// when it complains of the amount, the transactions are valid; any other complaint is about one of them. The
/// engine keeps the probe in its files as an invalid block, which harms nothing.
fn probe<'a>(
    engine: &Engine,
    tip: ChainTip,
    number: &mut u64,
    transactions: impl IntoIterator<Item = &'a Transaction>,
) -> Result<Result<(), String>, NodeError> {
    *number = number.wrapping_add(1);
    let extra = Some(number.to_le_bytes());
    let reward = Reward { amount: Amount::MAX_MONEY, script_pubkey: Script::new(), extra };
    let transactions: Vec<&Transaction> = transactions.into_iter().collect();
    let block = block_template::build(tip.hash, tip.height.saturating_add(1), &reward, &transactions)?;
    match engine.submit(&block)? {
        Verdict::Refused(text) if reason_and_detail(&text).0 == ONLY_THE_COINBASE_IS_WRONG => Ok(Ok(())),
        Verdict::Refused(text) => Ok(Err(text)),
        Verdict::Connected | Verdict::Stored => {
            Err(NodeError::engine("it accepted a coinbase that pays more than there is"))
        }
    }
}

/// Reads the block at `height` of the engine's best chain into the index.
fn connect(engine: &Engine, index: &mut Index, height: BlockHeight) -> Result<(), NodeError> {
    let hash = engine
        .block_hash(height)
        .ok_or_else(|| NodeError::engine(format!("there is no block at height {height}")))?;
    index.add(&engine.block(&hash)?)
}

fn refused(height: BlockHeight, text: &str) -> NodeError {
    NodeError::engine(format!("it refused the block at height {height}: {text}"))
}
