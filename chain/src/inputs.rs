//! What became of the inputs of a transaction that a node rejects.

use bitcoin::transaction::Version;
use bitcoin::{OutPoint, Sequence, Transaction};

use crate::{BlockHeight, Coin, FoundTransaction, Lookup, NodeError};

/// A coinbase may be spent in a block this far above its own.
const COINBASE_MATURITY: u32 = 100;

/// Why a node misses an input of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingInput {
    /// The transaction itself is confirmed.
    SpentByItself(FoundTransaction),
    /// Another transaction, confirmed or in the mempool, spends the input.
    SpentByAnother {
        /// What the input spends.
        outpoint: OutPoint,
        /// The other transaction.
        spender: FoundTransaction,
    },
    /// The node has no transaction whose output the input could spend.
    UnknownOutput {
        /// What the input spends.
        outpoint: OutPoint,
    },
}

/// Returns why a node misses an input of `transaction`, which it rejected with
/// [`RejectionClass::MissingInputs`](crate::RejectionClass::MissingInputs), by asking for the spender of each
/// input; `None` when every input can be spent now.
///
/// # Errors
///
/// Those of [`Lookup::transaction`] and [`Lookup::spender`]: without an index of transactions and one of
/// spenders a node searches its blocks, and may not find what is confirmed.
pub fn missing_input<L: Lookup + ?Sized>(
    node: &L,
    transaction: &Transaction,
) -> Result<Option<MissingInput>, NodeError> {
    let txid = transaction.compute_txid();
    for input in &transaction.input {
        let outpoint = input.previous_output;
        let unknown = || Ok(Some(MissingInput::UnknownOutput { outpoint }));
        let Some(parent) = node.transaction(&outpoint.txid)? else { return unknown() };
        // What spends an unconfirmed output is unconfirmed, and does not make the output missing.
        if parent.block.is_none() {
            continue;
        }
        let Some(coin) = Coin::of(&parent, outpoint.vout) else { return unknown() };
        match node.spender(&coin)? {
            None => {}
            Some(found) if found.transaction.compute_txid() == txid => {
                return Ok(Some(MissingInput::SpentByItself(found)));
            }
            Some(spender) => return Ok(Some(MissingInput::SpentByAnother { outpoint, spender })),
        }
    }
    Ok(None)
}

/// Returns the first height of a block that may hold `transaction`, by its nLockTime, its inputs' relative
/// timelocks (BIP-68) and the maturity of coinbases that it spends; `None` when a timelock is in seconds, or
/// an output that it spends is not in a block yet.
///
/// A node accepts the transaction when its tip is one below that height.
///
/// # Errors
///
/// As [`Lookup::transaction`].
pub fn first_valid_height<L: Lookup + ?Sized>(
    node: &L,
    transaction: &Transaction,
) -> Result<Option<BlockHeight>, NodeError> {
    use bitcoin::absolute::LockTime as Absolute;
    use bitcoin::relative::LockTime as Relative;

    let mut first = match transaction.lock_time {
        _ if !transaction.is_lock_time_enabled() => BlockHeight::GENESIS,
        Absolute::Blocks(height) => BlockHeight::new(height.to_consensus_u32()).saturating_add(1),
        Absolute::Seconds(_) => return Ok(None),
    };
    for input in &transaction.input {
        // Consensus reads the version without a sign.
        let old = matches!(transaction.version, Version(0) | Version::ONE);
        let relative = if old { Sequence::MAX } else { input.sequence };
        let blocks = match relative.to_relative_lock_time() {
            None => 0,
            Some(Relative::Blocks(blocks)) => u32::from(blocks.value()),
            Some(Relative::Time(_)) => return Ok(None),
        };
        let Some(parent) = node.transaction(&input.previous_output.txid)? else { return Ok(None) };
        let Some(block) = parent.block else { return Ok(None) };
        let matures = if parent.transaction.is_coinbase() { COINBASE_MATURITY } else { 0 };
        first = first.max(block.height.saturating_add(blocks.max(matures)));
    }
    Ok(Some(first))
}
