//! Transactions by id and unspent outputs by script, which the engine has no index of.

use std::collections::{BTreeMap, HashMap};

use bitcoin::{Block, BlockHash, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid};

use crate::{BlockHeight, ChainTip, Coin, NodeError};

/// A coinbase may be spent in a block this far above its own.
const COINBASE_MATURITY: u32 = 100;
/// Consensus never lets a longer script be spent.
const MAX_SCRIPT_SIZE: usize = 10_000;

/// The height, the transaction's position in its block, and the output's index: the order in which coins were
/// created.
type Age = (BlockHeight, usize, u32);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Unspent {
    output: TxOut,
    age: Age,
    coinbase: bool,
}

/// A block of the best chain, and the outputs that it spent, in the order in which it spent them.
#[derive(Debug, PartialEq, Eq)]
struct Connected {
    hash: BlockHash,
    spent: Vec<(OutPoint, Unspent)>,
}

/// The best chain's transactions and unspent outputs. Blocks are connected at its end and disconnected from
/// it, and disconnecting restores exactly what was there before.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Index {
    blocks: Vec<Connected>,
    transactions: HashMap<Txid, (BlockHeight, usize)>,
    unspent: HashMap<OutPoint, Unspent>,
    by_script: HashMap<ScriptBuf, BTreeMap<Age, OutPoint>>,
    spenders: HashMap<OutPoint, Txid>,
}

impl Index {
    /// Returns the last block; `None` before the genesis block is added.
    pub(super) fn tip(&self) -> Option<ChainTip> {
        let height = u32::try_from(self.blocks.len().checked_sub(1)?).ok()?;
        Some(ChainTip { height: BlockHeight::new(height), hash: self.blocks.last()?.hash })
    }

    pub(super) fn block_hash(&self, height: BlockHeight) -> Option<BlockHash> {
        self.blocks.get(usize::try_from(height.to_u32()).ok()?).map(|block| block.hash)
    }

    /// Returns the height of a transaction's block, and the transaction's position in it.
    pub(super) fn locate(&self, txid: &Txid) -> Option<(BlockHeight, usize)> {
        self.transactions.get(txid).copied()
    }

    /// Returns the confirmed transaction that spends an output.
    pub(super) fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spenders.get(outpoint).copied()
    }

    pub(super) fn output(&self, outpoint: &OutPoint) -> Option<&TxOut> {
        self.unspent.get(outpoint).map(|unspent| &unspent.output)
    }

    /// Returns the unspent outputs of one script, oldest first, without immature coinbases.
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
        let mut spent = Vec::new();
        for (position, transaction) in block.txdata.iter().enumerate() {
            self.add_transaction(transaction, height, position, &mut spent);
        }
        self.blocks.push(Connected { hash: block.block_hash(), spent });
        Ok(())
    }

    /// Disconnects the tip, which is this block.
    pub(super) fn remove(&mut self, block: &Block) -> Result<(), NodeError> {
        if self.tip().is_none_or(|tip| tip.hash != block.block_hash()) {
            return Err(NodeError::engine(format!("block {} is not the tip", block.block_hash())));
        }
        let Some(Connected { mut spent, .. }) = self.blocks.pop() else { return Ok(()) };
        // Backwards: what a transaction spends may have been made by one before it in the same block.
        for transaction in block.txdata.iter().rev() {
            let txid = transaction.compute_txid();
            self.transactions.remove(&txid);
            for (vout, _) in (0_u32..).zip(&transaction.output) {
                self.spend(&OutPoint { txid, vout });
            }
            for input in transaction.input.iter().rev() {
                self.spenders.remove(&input.previous_output);
                if let Some((outpoint, unspent)) =
                    spent.pop_if(|(outpoint, _)| *outpoint == input.previous_output)
                {
                    self.insert(outpoint, unspent);
                }
            }
        }
        Ok(())
    }

    fn add_transaction(
        &mut self,
        transaction: &Transaction,
        height: BlockHeight,
        position: usize,
        spent: &mut Vec<(OutPoint, Unspent)>,
    ) {
        let txid = transaction.compute_txid();
        self.transactions.insert(txid, (height, position));
        let coinbase = transaction.is_coinbase();
        if !coinbase {
            for input in &transaction.input {
                let outpoint = input.previous_output;
                spent.extend(self.spend(&outpoint).map(|unspent| (outpoint, unspent)));
                self.spenders.insert(outpoint, txid);
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
            self.insert(outpoint, Unspent { output: output.clone(), age, coinbase });
        }
    }

    fn insert(&mut self, outpoint: OutPoint, unspent: Unspent) {
        let script = unspent.output.script_pubkey.clone();
        self.by_script.entry(script).or_default().insert(unspent.age, outpoint);
        self.unspent.insert(outpoint, unspent);
    }

    fn spend(&mut self, outpoint: &OutPoint) -> Option<Unspent> {
        let spent = self.unspent.remove(outpoint)?;
        let script = &spent.output.script_pubkey;
        if let Some(outpoints) = self.by_script.get_mut(script) {
            outpoints.remove(&spent.age);
            if outpoints.is_empty() {
                self.by_script.remove(script);
            }
        }
        Some(spent)
    }
}
