//! `signer export`: writes records and watermarks for another signer.

use std::path::PathBuf;

use anyhow::bail;
use finality::ConsumerHeight;
use signer::interchange::{ExportForm, Interchange};
use signer::protection::Store;

use super::lanes::Output;
use crate::args::new_file::NewFile;
use crate::args::protection::ProtectionArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The schema of the file is signer/data/interchange.schema.json. A move begins with a high watermark at the highest \
    vote (`signer watermark --high`): records of what signs on are refused. Delete this signer's key after it.\n\nExample:\n  btcstake signer export --protection signing.db --out records.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    /// Leave the records out: the low watermark is at the highest height, which is enough that nothing is
    /// signed twice.
    #[arg(long)]
    minimal: bool,
    /// Export also what may still be signed on: for a look, not for a move to another signer, of which one
    /// must have stopped.
    #[arg(long)]
    keep_signing: bool,
    /// A file to write to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Refuses records of a lane that is not stopped at its highest vote: this database and the one that takes
/// them over would sign the same heights.
fn check_stopped(store: &dyn Store) -> anyhow::Result<()> {
    for lane in store.lanes()? {
        let state = store.state(&lane)?;
        let (high, highest) = (state.watermarks.high, state.highest.unwrap_or(ConsumerHeight(0)));
        let found = match high {
            Some(high) if high <= highest => continue,
            Some(high) => format!("is {high}, above the highest vote"),
            None => "is absent".to_owned(),
        };
        bail!(
            "the high watermark of {lane} {found}, so that this database signs on; must be at most {highest} for a move \
             (`signer watermark --high {highest}`), or --keep-signing must be given for a look"
        );
    }
    Ok(())
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let file = NewFile::begin("--out", &self.out)?;
        let store = self.protection.open()?.store;
        if !self.keep_signing {
            check_stopped(&*store)?;
        }
        let form = if self.minimal { ExportForm::Minimal } else { ExportForm::Complete };
        file.write(&format!("{}\n", Interchange::export(&*store, form)?.to_json()))?;
        let lanes = store.lanes()?;
        Printout::of(&Output::of(&*store, &lanes)?)
    }
}
