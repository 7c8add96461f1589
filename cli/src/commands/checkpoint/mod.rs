//! `checkpoint`: what the chain knows of Bitcoin, and what Bitcoin has of the chain.

pub(crate) mod headers;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod submit;
pub(crate) mod verify;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Tell the chain of the Bitcoin headers that it does not know yet.
    Headers(Box<headers::Args>),
    /// Print an epoch's checkpoint, and the two outputs that bring it to Bitcoin.
    Show(Box<show::Args>),
    /// Prove to the chain that an epoch's checkpoint is in Bitcoin.
    Submit(Box<submit::Args>),
    /// Verify that an epoch's checkpoint is in Bitcoin, signed by its validators.
    Verify(Box<verify::Args>),
    /// Tell which epochs' checkpoints are in Bitcoin, and how deep.
    Status(Box<status::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Headers(args) => args.run(),
            Self::Show(args) => args.run(),
            Self::Submit(args) => args.run(),
            Self::Verify(args) => args.run(),
            Self::Status(args) => args.run(),
        }
    }
}
