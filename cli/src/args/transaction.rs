//! A transaction as an argument gives it: bytes, or a PSBT.

use anyhow::bail;
use bitcoin::{Amount, Psbt, Transaction, TxOut, Weight, consensus};
use staking_scripts::Explanation;
use staking_scripts::explain::{explain, explain_psbt};
use staking_scripts::psbt::{InvalidPsbt, PsbtSigningError, VersionedPsbt, summarize_psbt};
use staking_scripts::transactions::spent_outputs;

use super::argument;
use super::input::{self, Content};

/// A transaction, with its inputs' amounts as far as they are known.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) transaction: Transaction,
    pub(crate) explanation: Explanation,
    /// Whether every input has its witness or script.
    pub(crate) finalized: bool,
    /// The outputs that the inputs spend, as far as they are known.
    pub(crate) spent: Vec<Option<TxOut>>,
    /// The weight with all witnesses: those that are there, or the least ones that will be.
    pub(crate) weight: Weight,
}

impl Given {
    /// Returns the sum of the inputs; `None` when one is not known.
    pub(crate) fn held(&self) -> Option<Amount> {
        self.spent.iter().try_fold(Amount::ZERO, |sum, spent| sum.checked_add(spent.as_ref()?.value))
    }
}

/// Parses a transaction or PSBT, as raw bytes or as text.
pub(crate) fn parser() -> argument::Parser<Given> {
    argument::value(read)
}

/// A transaction or PSBT, as raw bytes or as text.
pub(crate) fn read(argument: &str) -> anyhow::Result<Given> {
    of_content(&Content::of(argument)?, input::file_hint(argument))
}

/// A transaction or PSBT, as raw bytes or as text, that was read; what an error about its form adds.
pub(crate) fn of_content(content: &Content, hint: &str) -> anyhow::Result<Given> {
    match VersionedPsbt::read(content.bytes()) {
        Ok(psbt) => return from_psbt(psbt.into_psbt()),
        Err(PsbtSigningError::Invalid(InvalidPsbt::Magic | InvalidPsbt::Text(_))) => {}
        Err(error) => return Err(error.into()),
    }
    let is_text =
        |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    match content.text().filter(is_text) {
        Some(text) => from_text(&input::unfolded(text), hint),
        None => from_bytes(content.bytes()),
    }
}

fn from_text(text: &str, hint: &str) -> anyhow::Result<Given> {
    match hex::decode(text) {
        Ok(bytes) => from_bytes(&bytes),
        Err(error) => bail!("not a transaction; must be hex ({error}), or a PSBT in base64 or hex{hint}"),
    }
}

fn from_bytes(bytes: &[u8]) -> anyhow::Result<Given> {
    let transaction: Transaction =
        consensus::deserialize(bytes).map_err(|error| input::unread("transaction", &error))?;
    let spent = vec![None; transaction.input.len()];
    let (explanation, finalized) = (explain(&transaction), is_finalized(&transaction));
    let weight = transaction.weight();
    Ok(Given { explanation, transaction, finalized, spent, weight })
}

fn is_finalized(transaction: &Transaction) -> bool {
    transaction.input.iter().all(|input| !input.witness.is_empty() || !input.script_sig.is_empty())
}

fn from_psbt(psbt: Psbt) -> anyhow::Result<Given> {
    for (input, described) in psbt.unsigned_tx.input.iter().zip(&psbt.inputs) {
        let (spent, other) = (input.previous_output.txid, described.non_witness_utxo.as_ref());
        if let Some(other) = other.map(Transaction::compute_txid).filter(|other| *other != spent) {
            bail!("the PSBT spends {spent}, but describes {other}; must be one output");
        }
    }
    let spent = spent_outputs(&psbt);
    for (index, (output, described)) in spent.iter().zip(&psbt.inputs).enumerate() {
        if output.is_none() && described.witness_utxo.is_some() {
            bail!("the PSBT has two different outputs for input {index}; must be one");
        }
    }
    let explanation = explain_psbt(&psbt);
    let weight = summarize_psbt(&psbt, &explanation, None).weight;
    let transaction = psbt.extract_tx_unchecked_fee_rate();
    let finalized = is_finalized(&transaction);
    Ok(Given { transaction, explanation, finalized, spent, weight })
}
