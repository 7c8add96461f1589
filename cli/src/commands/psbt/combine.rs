//! `psbt combine`: several signers, one transaction.

use anyhow::{Context, ensure};
use bitcoin::Psbt;

use crate::commands::tx::psbt;
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake psbt combine --psbt @unbonding.psbt --psbt @signed.psbt")]
pub(crate) struct Args {
    /// The PSBTs (once for each, at least two): base64, or @FILE of base64 or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt, required = true)]
    psbt: Vec<Psbt>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        ensure!(self.psbt.len() > 1, "--psbt: at least two are needed, and one is given");
        let mut psbts = self.psbt.into_iter();
        let mut all = psbts.next().context("--psbt is needed")?;
        for (number, psbt) in (2..).zip(psbts) {
            let (found, expected) = (psbt.unsigned_tx.compute_txid(), all.unsigned_tx.compute_txid());
            ensure!(
                psbt.unsigned_tx == all.unsigned_tx,
                "--psbt number {number} is of {found}, the first of {expected}"
            );
            all.combine(psbt).with_context(|| format!("--psbt number {number}"))?;
        }
        let text = all.to_string();
        Output::new(text.clone(), &serde_json::json!({ "psbt": text }))
    }
}
