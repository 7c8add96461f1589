//! What the commands that build transactions print, and the arguments that they share.

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Address, Amount, FeeRate, Psbt, Transaction};
use serde::Serialize;
use staking_scripts::{Parameters, Timelock};

use crate::input;
use crate::output::Output;

/// The most that a fee rate may be asked for, in satoshis for a virtual byte: what nodes relay by default.
const MAX_RATE: f64 = 10_000.0;

#[derive(Serialize)]
pub(crate) struct Fields {
    pub(super) txid: String,
    pub(super) psbt: String,
    /// Absent while signatures are missing.
    pub(super) transaction: Option<String>,
    pub(super) fee_sat: u64,
    pub(super) vsize: usize,
}

impl Fields {
    /// A transaction that wants signatures.
    pub(super) fn unsigned(psbt: &Psbt, fee: Amount) -> Self {
        Self::new(psbt, None, fee)
    }

    /// A transaction as it can be broadcast.
    pub(crate) fn finished(psbt: &Psbt, transaction: &Transaction, fee: Amount) -> Self {
        Self::new(psbt, Some(transaction), fee)
    }

    fn new(psbt: &Psbt, transaction: Option<&Transaction>, fee: Amount) -> Self {
        let shown = transaction.unwrap_or(&psbt.unsigned_tx);
        Self {
            txid: shown.compute_txid().to_string(),
            psbt: psbt.to_string(),
            transaction: transaction.map(serialize_hex),
            fee_sat: fee.to_sat(),
            vsize: shown.vsize(),
        }
    }

    /// As text: what goes on from here, the transaction or the PSBT, alone.
    pub(crate) fn output(&self) -> anyhow::Result<Output> {
        Output::new(self.transaction.as_ref().unwrap_or(&self.psbt), self)
    }
}

/// A PSBT in base64, or @FILE of base64 or of its bytes.
pub(crate) fn psbt(text: &str) -> anyhow::Result<Psbt> {
    let bytes = match text.starts_with('@') || text == "-" {
        true => input::bytes(text)?.0,
        false => text.as_bytes().to_vec(),
    };
    match std::str::from_utf8(bytes.trim_ascii()) {
        Ok(text) => text.parse().map_err(|e| anyhow!("not a PSBT in base64: {e}")),
        Err(_) => Psbt::deserialize(&bytes).map_err(|e| anyhow!("not a PSBT: {e}")),
    }
}

/// An address; for which network it is was for whoever wrote it to know.
pub(super) fn address(text: &str) -> anyhow::Result<Address> {
    let address: Address<_> = text.parse().context("not a Bitcoin address").map_err(|e| anyhow!("{e:#}"))?;
    Ok(address.assume_checked())
}

/// Amount and time of a stake are what the parameters allow.
pub(super) fn check_bounds(parameters: &Parameters, amount: Amount, time: Timelock) -> anyhow::Result<()> {
    let (amounts, times) = (parameters.staking_amount(), parameters.staking_time());
    ensure!(amounts.contains(&amount), "--amount-sat: {amount} is not within {} to {}", amounts.start(), amounts.end());
    ensure!(times.contains(&time), "--staking-time: {time} blocks are not within {} to {}", times.start(), times.end());
    Ok(())
}

/// Satoshis for a virtual byte, with decimals.
pub(super) fn fee_rate(text: &str) -> anyhow::Result<FeeRate> {
    let rate: f64 = text.parse()?;
    if !(rate > 0.0 && rate <= MAX_RATE) {
        bail!("a fee rate is above 0 and up to {MAX_RATE} sat/vB");
    }
    // The library counts in satoshis for 1000 weight units; rounded up, so that no less is paid.
    let per_kwu = (rate * 250.0).ceil();
    let per_kwu: u64 = format!("{per_kwu:.0}").parse()?;
    Ok(FeeRate::from_sat_per_kwu(per_kwu))
}
