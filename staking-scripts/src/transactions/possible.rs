//! The rules that a transaction keeps in every block, by itself.

use std::collections::BTreeSet;

use bitcoin::{Amount, Transaction};

use crate::transactions::sighash::sum;

/// Checks that a block can include a transaction, by the transaction alone (Bitcoin Core's
/// `CheckTransaction`).
pub(crate) fn check_possible(transaction: &Transaction) -> Result<(), &'static str> {
    /// A block has four million weight units, and each byte outside the witnesses weighs four.
    const MOST_BYTES: usize = 1_000_000;
    if transaction.input.is_empty() || transaction.output.is_empty() {
        return Err("it has no inputs, or no outputs");
    }
    if transaction.base_size() > MOST_BYTES {
        return Err("it is larger than a block");
    }
    let paid = sum(&transaction.output);
    if paid.is_none_or(|paid| paid > Amount::MAX_MONEY) {
        return Err("it pays more than 21 million bitcoin");
    }
    let mut spent = BTreeSet::new();
    if !transaction.input.iter().all(|input| spent.insert(input.previous_output)) {
        return Err("it spends an output twice");
    }
    if !transaction.is_coinbase() && transaction.input.iter().any(|input| input.previous_output.is_null()) {
        return Err("it spends no output");
    }
    Ok(())
}
