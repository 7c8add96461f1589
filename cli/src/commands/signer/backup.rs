//! `signer backup`: copies a signing database.

use std::path::PathBuf;

use anyhow::{Context, bail};

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
        let opened = self.protection.open()?;
        let Some(back_up) = &opened.back_up else {
            bail!("the signing database is in PostgreSQL; must be backed up with its own tools (`pg_dump`)");
        };
        back_up.back_up(&self.out).context("--out")?;
        let lanes = opened.store.lanes()?;
        Printout::of(&Output::of(&*opened.store, &lanes)?)
    }
}
