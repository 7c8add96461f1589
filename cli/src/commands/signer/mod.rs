//! `signer`: the signing database of a finality provider.

pub(crate) mod backup;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod lanes;
pub(crate) mod prune;
pub(crate) mod status;
pub(crate) mod watermark;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make a signing database, or register a key on a chain in it, with the first height that may be signed.
    Init(init::Args),
    /// Print what a signing database knows.
    Status(status::Args),
    /// Raise the low watermark, or set the high one.
    Watermark(watermark::Args),
    /// Forget old records, and never sign their heights again.
    Prune(prune::Args),
    /// Copy a signing database.
    Backup(backup::Args),
    /// Write the records and watermarks to a file, for another signer.
    Export(export::Args),
    /// Take over records and watermarks of another signer.
    Import(import::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Init(args) => args.run(),
            Self::Status(args) => args.run(),
            Self::Watermark(args) => args.run(),
            Self::Prune(args) => args.run(),
            Self::Backup(args) => args.run(),
            Self::Export(args) => args.run(),
            Self::Import(args) => args.run(),
        }
    }
}
