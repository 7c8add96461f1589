//! `psbt`: partially signed transactions.

pub(crate) mod check;
pub(crate) mod combine;
pub(crate) mod finalize;
pub(crate) mod sign;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Explain a PSBT, and verify every signature in it.
    Check(Box<check::Args>),
    /// Sign as the staker, or as the owner of the coins that fund a stake.
    Sign(Box<sign::Args>),
    /// Combine the signatures of several PSBTs of one transaction.
    Combine(Box<combine::Args>),
    /// Finalize a staking transaction or an extension, checked against its delegation.
    Finalize(Box<finalize::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Check(args) => args.run(),
            Self::Sign(args) => args.run(),
            Self::Combine(args) => args.run(),
            Self::Finalize(args) => args.run(),
        }
    }
}
