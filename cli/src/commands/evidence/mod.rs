//! `evidence`: reports of finality providers that misbehave.

pub(crate) mod submit;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Report a finality provider that took part in a selective slashing. It publishes its secret key.
    Submit(Box<submit::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Submit(args) => args.run(),
        }
    }
}
