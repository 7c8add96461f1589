//! `stake`: a delegation on its way through its roles.

mod add;
mod check;
mod include;
mod psbts;
mod sign;

use clap::Subcommand;

pub(crate) use self::check::Violation;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the PSBTs of both slashing transactions, for a wallet that holds the staker's key.
    Psbts(Box<psbts::Args>),
    /// Sign a delegation as its staker, or take in what the staker's wallet signed.
    Sign(Box<sign::Args>),
    /// Check a delegation against every rule, and the covenant members' answers in it.
    Check(Box<check::Args>),
    /// Add covenant members' answers to a delegation.
    Add(Box<add::Args>),
    /// Add where the staking transaction was included: the proof, and the headers on it.
    Include(Box<include::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Psbts(args) => args.run(),
            Self::Sign(args) => args.run(),
            Self::Check(args) => args.run(),
            Self::Add(args) => args.run(),
            Self::Include(args) => args.run(),
        }
    }
}
