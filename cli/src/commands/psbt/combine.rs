//! `psbt combine`: combines the signatures of several signers.

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use staking_scripts::psbt::VersionedPsbt;

use crate::args::argument::{self, Argument};
use crate::args::psbt::{self, PsbtFormatArgs};
use crate::view::output::{CommandOutput, Printout};
use crate::view::signatures::passed_on;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake psbt combine --psbt @unbonding.psbt --psbt @signed.psbt")]
pub(crate) struct Args {
    /// The PSBTs (once for each, at least two), of version 0 or 2: base64 or hex, or @FILE of either or of
    /// its bytes. When one is of version 2, so is what is printed.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser(), required = true)]
    psbt: Vec<Argument<VersionedPsbt>>,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

/// The combined PSBT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The PSBT, in base64 or as --format says.
    pub psbt: String,
    /// Warnings: keys that have signed several leaves of an input.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.psbt.clone()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let psbts = argument::read_all(&self.psbt)?;
        ensure!(psbts.len() > 1, "--psbt is given once; must be at least twice");
        let mut psbts = psbts.into_iter();
        let mut all = psbts.next().context("--psbt is absent; must be given at least twice")?;
        for (number, psbt) in (2..).zip(psbts) {
            let (found, expected) = (&psbt.psbt().unsigned_tx, &all.psbt().unsigned_tx);
            ensure!(
                found == expected,
                "--psbt number {number} is of transaction {}; must be of {}, as the first",
                found.compute_txid(),
                expected.compute_txid()
            );
            all.combine(psbt).with_context(|| format!("--psbt number {number}"))?;
        }
        let warnings = passed_on(all.psbt());
        Printout::of(&Output { psbt: self.format.form().text(&all)?, warnings })
    }
}
