//! `signer export`: writes records and watermarks for another signer.

use std::path::PathBuf;

use signer::interchange::{ExportForm, Interchange};

use super::lanes::Output;
use crate::args::new_file::NewFile;
use crate::args::protection::ProtectionArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The schema of the file is signer/data/interchange.schema.json. Before a migration set a high watermark \
    (`signer watermark --high`), and delete this signer's key after it.\n\nExample:\n  btcstake signer export --protection signing.db --out records.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    /// Leave the records out: the low watermark is at the highest height, which is enough that nothing is
    /// signed twice.
    #[arg(long)]
    minimal: bool,
    /// A file to write to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let file = NewFile::begin("--out", &self.out)?;
        let store = self.protection.open()?.store;
        let form = if self.minimal { ExportForm::Minimal } else { ExportForm::Complete };
        file.write(&format!("{}\n", Interchange::export(&*store, form)?.to_json()))?;
        let lanes = store.lanes()?;
        Printout::of(&Output::of(&*store, &lanes)?)
    }
}
