//! `signer`: the daemon that holds a finality provider's keys, and its signing database.

pub(crate) mod backup;
pub(crate) mod config;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod keys;
pub(crate) mod lanes;
pub(crate) mod lock;
pub(crate) mod prune;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod unlock;
pub(crate) mod unlocked;
mod warnings;
pub(crate) mod watermark;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start the signer: a daemon that holds the keys of finality providers, and never signs twice.
    Start(start::Args),
    /// Print a configuration to begin with, or check one.
    Config(config::Args),
    /// Make a signing database, or register a key on a chain in it, with the first height that may be signed.
    Init(init::Args),
    /// Print what a signing database knows.
    Status(status::Args),
    /// Print what a signer that runs knows: its keys, and each on each chain.
    Keys(keys::Args),
    /// Unlock a key of a signer that runs.
    Unlock(unlock::Args),
    /// Lock a key of a signer that runs.
    Lock(lock::Args),
    /// Raise the low watermark, or set the high one.
    Watermark(watermark::Args),
    /// Forget old records, and never sign their heights again.
    Prune(prune::Args),
    /// Copy a signing database, also that of a signer that runs.
    Backup(backup::Args),
    /// Write the records and watermarks to a file, for another signer.
    Export(export::Args),
    /// Take over records and watermarks of another signer.
    Import(import::Args),
}

impl Command {
    pub(crate) fn run(self, json: bool) -> anyhow::Result<Printout> {
        match self {
            Self::Start(args) => args.run(json),
            Self::Config(args) => args.run(),
            Self::Keys(args) => args.run(),
            Self::Unlock(args) => args.run(),
            Self::Lock(args) => args.run(),
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
