//! `risk`: what shared security is worth.

pub(crate) mod check;
pub(crate) mod example;
mod page;
pub(crate) mod report;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print an input: chains, what they hold, and who secures them.
    Example(example::Args),
    /// Say whether an attack on a set of chains pays.
    Check(check::Args),
    /// Say what it costs to cheat each chain, how much each may hold, and whose fall takes which along.
    Report(report::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Example(args) => args.run(),
            Self::Check(args) => args.run(),
            Self::Report(args) => args.run(),
        }
    }
}
