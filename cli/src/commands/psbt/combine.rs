//! `psbt combine`: combines the signatures of several signers.

use anyhow::{Context, ensure};
use bitcoin::Psbt;
use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
use crate::args::psbt;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake psbt combine --psbt @unbonding.psbt --psbt @signed.psbt")]
pub(crate) struct Args {
    /// The PSBTs (once for each, at least two): base64, or @FILE of base64 or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser(), required = true)]
    psbt: Vec<Argument<Psbt>>,
}

/// The combined PSBT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The PSBT, in base64.
    pub psbt: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.psbt.clone()
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let psbts = argument::read_all(&self.psbt)?;
        ensure!(psbts.len() > 1, "--psbt is given once; must be at least twice");
        let mut psbts = psbts.into_iter();
        let mut all = psbts.next().context("--psbt is absent; must be given at least twice")?;
        for (number, psbt) in (2..).zip(psbts) {
            let (found, expected) = (psbt.unsigned_tx.compute_txid(), all.unsigned_tx.compute_txid());
            ensure!(
                psbt.unsigned_tx == all.unsigned_tx,
                "--psbt number {number} is of transaction {found}; must be of {expected}, as the first"
            );
            all.combine(psbt).with_context(|| format!("--psbt number {number}"))?;
        }
        Printout::of(&Output { psbt: all.to_string() })
    }
}
