//! `psbt`: transactions on their way between signers.

mod check;
mod combine;
mod finalize;
mod sign;

use clap::Subcommand;

use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say what a PSBT would do, and verify every signature in it.
    Check(Box<check::Args>),
    /// Sign as the staker, or as the owner of the coins that fund a stake.
    Sign(Box<sign::Args>),
    /// Put the signatures of several PSBTs of one transaction together.
    Combine(Box<combine::Args>),
    /// Complete a staking transaction or an extension, checked against its delegation.
    Finalize(Box<finalize::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Check(args) => args.run(),
            Self::Sign(args) => args.run(),
            Self::Combine(args) => args.run(),
            Self::Finalize(args) => args.run(),
        }
    }
}
