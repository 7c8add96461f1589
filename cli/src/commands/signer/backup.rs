//! `signer backup`: copies a signing database.

use std::path::PathBuf;

use anyhow::Context;
use signer::protection::Store as _;

use super::lanes::Output;
use crate::args::protection::ProtectionArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The copy is marked: no command opens it until `signer init` says from which height on, as nobody knows what was signed since.\n\n\
    Example:\n  btcstake signer backup --protection signing.db --out backup.db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    /// The copy, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let store = self.protection.open()?;
        store.back_up(&self.out).context("--out")?;
        let lanes = store.lanes()?;
        Printout::of(&Output::of(&store, &lanes)?)
    }
}
