//! The unconfirmed transactions.

use std::collections::{BTreeSet, HashMap};

use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid};

use super::index::Index;

/// The unconfirmed transactions, which the next block will include, in the order of their broadcast. Each one
/// spends confirmed outputs or outputs of those before it.
#[derive(Default)]
pub(super) struct Mempool {
    transactions: Vec<Transaction>,
    positions: HashMap<Txid, usize>,
    spent: HashMap<OutPoint, Txid>,
}

impl Mempool {
    pub(super) fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    pub(super) fn get(&self, txid: &Txid) -> Option<&Transaction> {
        self.transactions.get(*self.positions.get(txid)?)
    }

    /// Returns the transactions that spend an input of this one.
    pub(super) fn conflicts(&self, transaction: &Transaction) -> BTreeSet<Txid> {
        transaction.input.iter().filter_map(|input| self.spender(&input.previous_output)).collect()
    }

    /// Returns the transaction in the mempool that spends an output.
    pub(super) fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spent.get(outpoint).copied()
    }

    /// Returns an output that is in the mempool, or in `confirmed` and unspent there.
    pub(super) fn output<'a>(&'a self, outpoint: &OutPoint, confirmed: &'a Index) -> Option<&'a TxOut> {
        match self.get(&outpoint.txid) {
            Some(parent) => parent.output.get(usize::try_from(outpoint.vout).ok()?),
            None => confirmed.output(outpoint),
        }
    }

    pub(super) fn push(&mut self, txid: Txid, transaction: Transaction) {
        self.spent.extend(transaction.input.iter().map(|input| (input.previous_output, txid)));
        self.positions.insert(txid, self.transactions.len());
        self.transactions.push(transaction);
    }

    /// Returns the mempool without these transactions, in the same order.
    pub(super) fn without(&self, removed: &BTreeSet<Txid>) -> Self {
        let mut kept = Self::default();
        for transaction in &self.transactions {
            let txid = transaction.compute_txid();
            if !removed.contains(&txid) {
                kept.push(txid, transaction.clone());
            }
        }
        kept
    }

    /// Returns a transaction's fee; `None` when an input is neither in `confirmed` nor here, or when it pays
    /// out more than it spends.
    pub(super) fn fee(&self, transaction: &Transaction, confirmed: &Index) -> Option<Amount> {
        let mut inputs = transaction.input.iter();
        let paid_in = inputs.try_fold(Amount::ZERO, |sum, input| {
            sum.checked_add(self.output(&input.previous_output, confirmed)?.value)
        })?;
        let mut outputs = transaction.output.iter();
        let paid_out = outputs.try_fold(Amount::ZERO, |sum, output| sum.checked_add(output.value))?;
        paid_in.checked_sub(paid_out)
    }

    /// Returns the sum of all fees; `None` when an input is neither in `confirmed` nor here.
    pub(super) fn fees(&self, confirmed: &Index) -> Option<Amount> {
        let mut fees = self.transactions.iter().map(|transaction| self.fee(transaction, confirmed));
        fees.try_fold(Amount::ZERO, |sum, fee| sum.checked_add(fee?))
    }
}
