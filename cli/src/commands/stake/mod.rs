//! `stake`: a delegation on its way through its roles.

mod add;
mod check;
mod sign;

use clap::Subcommand;

pub(crate) use self::check::Violation;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign a delegation as its staker.
    Sign(Box<sign::Args>),
    /// Check a delegation against every rule, and the covenant members' answers in it.
    Check(Box<check::Args>),
    /// Add covenant members' answers to a delegation.
    Add(Box<add::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Sign(args) => args.run(),
            Self::Check(args) => args.run(),
            Self::Add(args) => args.run(),
        }
    }
}
