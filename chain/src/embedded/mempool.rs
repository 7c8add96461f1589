//! The unconfirmed transactions.

use std::collections::HashMap;

use bitcoin::{Amount, OutPoint, Transaction, Txid};

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

    /// Returns whether a transaction in the mempool already spends an input of this one.
    pub(super) fn conflicts_with(&self, transaction: &Transaction) -> bool {
        transaction.input.iter().any(|input| self.spent.contains_key(&input.previous_output))
    }

    /// Returns the transaction in the mempool that spends an output.
    pub(super) fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spent.get(outpoint).copied()
    }

    pub(super) fn push(&mut self, txid: Txid, transaction: Transaction) {
        self.spent.extend(transaction.input.iter().map(|input| (input.previous_output, txid)));
        self.positions.insert(txid, self.transactions.len());
        self.transactions.push(transaction);
    }

    /// Returns the sum of all fees; `None` when an input is neither in `confirmed` nor here.
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
