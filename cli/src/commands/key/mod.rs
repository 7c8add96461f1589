//! `key`: key files, which the other commands take as `--secret-key-file`.

pub(crate) mod new;
pub(crate) mod public_key;
pub(crate) mod show;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Generate a key file, and print its public key.
    New(new::Args),
    /// Print the public key of a key file, and the address of its coins.
    Show(show::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::New(args) => args.run(),
            Self::Show(args) => args.run(),
        }
    }
}
