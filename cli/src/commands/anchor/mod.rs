//! `anchor`: what other chains write into Bitcoin.

pub(crate) mod explain;
pub(crate) mod finality;
pub(crate) mod publish;
pub(crate) mod restore;
pub(crate) mod scan;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Find the marks of other chains in whole blocks.
    Scan(Box<scan::Args>),
    /// Tell what marks data, a script or a transaction has.
    Explain(Box<explain::Args>),
    /// Build the transaction that publishes a keystone of Hemi's.
    Publish(Box<publish::Args>),
    /// Tell how final published keystones of Hemi's are.
    Finality(Box<finality::Args>),
    /// Compare a copy of a chain's history with its anchors on Bitcoin.
    Restore(Box<restore::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Scan(args) => args.run(),
            Self::Explain(args) => args.run(),
            Self::Publish(args) => args.run(),
            Self::Finality(args) => args.run(),
            Self::Restore(args) => args.run(),
        }
    }
}
