//! What the engine does not answer: transactions by id, and unspent outputs by script.

use std::collections::{BTreeMap, HashMap};

use bitcoin::{Amount, Block, BlockHash, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid};

use crate::{BlockHeight, ChainTip, Coin, NodeError};

/// How many blocks a coinbase waits before it may be spent.
const COINBASE_MATURITY: u32 = 100;
/// Consensus never lets a longer script be spent.
const MAX_SCRIPT_SIZE: usize = 10_000;

/// Height, position of the transaction in its block, number of the output: the order in which coins came into
/// being.
type Age = (BlockHeight, usize, u32);

struct Unspent {
    output: TxOut,
    age: Age,
    coinbase: bool,
}

/// The best chain's transactions and unspent outputs. Blocks are only ever added: the embedded node is the
/// only miner of its chain, so the chain never forks.
#[derive(Default)]
pub(super) struct Index {
    blocks: Vec<BlockHash>,
    transactions: HashMap<Txid, (BlockHeight, usize)>,
    unspent: HashMap<OutPoint, Unspent>,
    by_script: HashMap<ScriptBuf, BTreeMap<Age, OutPoint>>,
    spenders: HashMap<OutPoint, Txid>,
}

impl Index {
    /// The last block; `None` before the genesis block was added.
    pub(super) fn tip(&self) -> Option<ChainTip> {
        let height = u32::try_from(self.blocks.len().checked_sub(1)?).ok()?;
        Some(ChainTip { height: BlockHeight::new(height), hash: *self.blocks.last()? })
    }

    pub(super) fn block_hash(&self, height: BlockHeight) -> Option<BlockHash> {
        self.blocks.get(usize::try_from(height.to_u32()).ok()?).copied()
    }

    /// The block that holds a transaction, and the transaction's position in it.
    pub(super) fn locate(&self, txid: &Txid) -> Option<(BlockHeight, usize)> {
        self.transactions.get(txid).copied()
    }

    /// The confirmed transaction that spends an output.
    pub(super) fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spenders.get(outpoint).copied()
    }

    pub(super) fn output(&self, outpoint: &OutPoint) -> Option<&TxOut> {
        self.unspent.get(outpoint).map(|unspent| &unspent.output)
    }

    /// The unspent outputs of one script, oldest first, without those that the next block may not spend yet.
    pub(super) fn coins(&self, script_pubkey: &Script) -> Vec<Coin> {
        let Some(tip) = self.tip() else { return Vec::new() };
        let next = tip.height.saturating_add(1);
        let Some(outpoints) = self.by_script.get(script_pubkey) else { return Vec::new() };
        outpoints
            .values()
            .filter_map(|outpoint| Some((outpoint, self.unspent.get(outpoint)?)))
            .filter(|(_, unspent)| !unspent.coinbase || next.blocks_since(unspent.age.0) >= COINBASE_MATURITY)
            .map(|(outpoint, unspent)| Coin {
                outpoint: *outpoint,
                output: unspent.output.clone(),
                height: unspent.age.0,
            })
            .collect()
    }

    /// Adds the block on top of the tip; the engine has accepted it.
    pub(super) fn add(&mut self, block: &Block) -> Result<(), NodeError> {
        let height = match self.tip() {
            Some(tip) if tip.hash == block.header.prev_blockhash => tip.height.saturating_add(1),
            None => BlockHeight::GENESIS,
            Some(tip) => {
                return Err(NodeError::engine(format!(
                    "block {} does not follow the tip {} at height {}",
                    block.block_hash(),
                    tip.hash,
                    tip.height
                )));
            }
        };
        self.blocks.push(block.block_hash());
        for (position, transaction) in block.txdata.iter().enumerate() {
            self.add_transaction(transaction, height, position);
        }
        Ok(())
    }

    fn add_transaction(&mut self, transaction: &Transaction, height: BlockHeight, position: usize) {
        let txid = transaction.compute_txid();
        self.transactions.insert(txid, (height, position));
        let coinbase = transaction.is_coinbase();
        if !coinbase {
            for input in &transaction.input {
                self.spend(&input.previous_output);
                self.spenders.insert(input.previous_output, txid);
            }
        }
        // The genesis block's output is no coin: Bitcoin Core never adds it to its set of unspent outputs.
        if height == BlockHeight::GENESIS {
            return;
        }
        for (vout, output) in (0_u32..).zip(&transaction.output) {
            if output.script_pubkey.is_op_return() || output.script_pubkey.len() > MAX_SCRIPT_SIZE {
                continue;
            }
            let outpoint = OutPoint { txid, vout };
            let age = (height, position, vout);
            self.by_script.entry(output.script_pubkey.clone()).or_default().insert(age, outpoint);
            self.unspent.insert(outpoint, Unspent { output: output.clone(), age, coinbase });
        }
    }

    fn spend(&mut self, outpoint: &OutPoint) {
        let Some(spent) = self.unspent.remove(outpoint) else { return };
        let script = spent.output.script_pubkey;
        if let Some(outpoints) = self.by_script.get_mut(&script) {
            outpoints.remove(&spent.age);
            if outpoints.is_empty() {
                self.by_script.remove(&script);
            }
        }
    }
}

/// Transactions that the next block will hold, in the order in which they came. Each one spends confirmed
/// outputs or outputs of those before it.
#[derive(Default)]
pub(super) struct Waiting {
    transactions: Vec<Transaction>,
    positions: HashMap<Txid, usize>,
    spent: HashMap<OutPoint, Txid>,
}

impl Waiting {
    pub(super) fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    pub(super) fn get(&self, txid: &Txid) -> Option<&Transaction> {
        self.transactions.get(*self.positions.get(txid)?)
    }

    /// Whether a waiting transaction already spends an input of this one.
    pub(super) fn conflicts_with(&self, transaction: &Transaction) -> bool {
        transaction.input.iter().any(|input| self.spent.contains_key(&input.previous_output))
    }

    /// The waiting transaction that spends an output.
    pub(super) fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spent.get(outpoint).copied()
    }

    pub(super) fn push(&mut self, txid: Txid, transaction: Transaction) {
        self.spent.extend(transaction.input.iter().map(|input| (input.previous_output, txid)));
        self.positions.insert(txid, self.transactions.len());
        self.transactions.push(transaction);
    }

    /// What all of them leave to the miner; `None` when an input is known neither to `confirmed` nor here.
    pub(super) fn fees(&self, confirmed: &Index) -> Option<Amount> {
        let (mut paid_in, mut paid_out) = (Amount::ZERO, Amount::ZERO);
        for transaction in &self.transactions {
            for input in &transaction.input {
                let outpoint = &input.previous_output;
                let output = match self.get(&outpoint.txid) {
                    Some(parent) => parent.output.get(usize::try_from(outpoint.vout).ok()?)?,
                    None => confirmed.output(outpoint)?,
                };
                paid_in = paid_in.checked_add(output.value)?;
            }
            for output in &transaction.output {
                paid_out = paid_out.checked_add(output.value)?;
            }
        }
        paid_in.checked_sub(paid_out)
    }
}
