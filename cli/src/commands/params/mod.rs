//! `params`: the parameters that stakes are made under.

pub(crate) mod check;
pub(crate) mod file;
pub(crate) mod show;
mod source;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show a version of the parameters: the one in force at a height, or the last; or all, as a file.
    Show(show::Args),
    /// Check a parameters file against every rule.
    Check(check::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Show(args) => args.run(),
            Self::Check(args) => args.run(),
        }
    }
}
