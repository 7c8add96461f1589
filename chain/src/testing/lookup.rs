//! Transactions and spenders of a scripted chain.

use bitcoin::{Block, OutPoint, Script, Transaction, Txid};

use super::scripted::{ScriptedChain, State};
use crate::{ChainTip, Coin, FoundTransaction, Lookup, NodeError, Spenders, SpentOutput, Unspent};

impl ScriptedChain {
    /// Gives it an index of spenders, or takes it away. It has none at first.
    pub fn set_index(&self, has_index: bool) {
        self.state().has_index = has_index;
    }
}

impl State {
    /// The blocks of the best chain, from the tip down.
    fn best_chain(&self) -> impl Iterator<Item = (ChainTip, &Block)> {
        let at =
            |hash| self.blocks.get(&hash).map(|(block, height)| (ChainTip { height: *height, hash }, block));
        std::iter::successors(at(self.tip.hash), move |(_, block)| at(block.header.prev_blockhash))
    }

    fn find(&self, is_it: impl Fn(&Transaction) -> bool) -> Option<FoundTransaction> {
        let confirmed = self.best_chain().find_map(|(at, block)| {
            let transaction = block.txdata.iter().find(|transaction| is_it(transaction))?.clone();
            let confirmations = self.tip.height.blocks_since(at.height).saturating_add(1);
            Some(FoundTransaction { transaction, block: Some(at), confirmations })
        });
        confirmed.or_else(|| {
            let transaction = self.broadcast.iter().find(|transaction| is_it(transaction))?.clone();
            Some(FoundTransaction { transaction, block: None, confirmations: 0 })
        })
    }
}

fn spends(transaction: &Transaction, outpoint: &OutPoint) -> bool {
    transaction.input.iter().any(|input| input.previous_output == *outpoint)
}

impl Lookup for ScriptedChain {
    /// As [`Lookup::transaction`]: in the mempool is what was broadcast and no block has.
    fn transaction(&self, txid: &Txid) -> Result<Option<FoundTransaction>, NodeError> {
        self.answer(|state| Ok(state.find(|transaction| transaction.compute_txid() == *txid)))
    }

    /// It knows of none.
    fn coins(&self, _script_pubkey: &Script) -> Result<Vec<Coin>, NodeError> {
        self.answer(|_| Ok(Vec::new()))
    }

    /// As [`Lookup::spender`], of whatever output.
    fn spender(&self, coin: &Coin) -> Result<Option<FoundTransaction>, NodeError> {
        self.answer(|state| Ok(state.find(|transaction| spends(transaction, &coin.outpoint))))
    }
}

impl Spenders for ScriptedChain {
    /// As [`Spenders::spenders`], where it was given an index.
    fn spenders(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<SpentOutput>>, NodeError> {
        self.answer(|state| {
            if !state.has_index {
                return Ok(None);
            }
            let spent = |outpoint: &OutPoint| {
                let found = state.find(|transaction| spends(transaction, outpoint))?;
                let (by, block) = (found.transaction.compute_txid(), found.block.map(|at| at.hash));
                Some(SpentOutput { outpoint: *outpoint, by, block })
            };
            Ok(Some(outpoints.iter().filter_map(spent).collect()))
        })
    }

    fn unspent(&self, outpoints: &[OutPoint]) -> Result<Option<Vec<Unspent>>, NodeError> {
        self.answer(|state| {
            if !state.has_index {
                return Ok(None);
            }
            let unspent = |outpoint: &OutPoint| {
                let made = state.find(|transaction| transaction.compute_txid() == outpoint.txid)?;
                let spent = state.find(|transaction| spends(transaction, outpoint));
                let is_spent = spent.is_some_and(|spent| spent.block.is_some());
                let height = made.block.filter(|_| !is_spent)?.height;
                Some(Unspent { outpoint: *outpoint, height })
            };
            Ok(Some(outpoints.iter().filter_map(unspent).collect()))
        })
    }
}
