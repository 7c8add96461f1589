//! `covenant`: what a covenant member does.

mod check;
mod record;
mod sign;

use clap::Subcommand;

use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check delegations against every rule, and sign those that keep them all.
    Sign(Box<sign::Args>),
    /// Verify a member's answer to a delegation.
    Check(Box<check::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Sign(args) => args.run(),
            Self::Check(args) => args.run(),
        }
    }
}
