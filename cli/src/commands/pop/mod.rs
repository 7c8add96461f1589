//! `pop`: proofs of possession.

pub(crate) mod create;
pub(crate) mod verify;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prove that the holder of an account on Babylon Genesis holds a Bitcoin key.
    ///
    /// Stakers give any of the chain's three types. Finality providers give bip340, which is the same bytes
    /// for both, and bip340-text to tools that ask for what `eotsd pop export` makes.
    Create(create::Args),
    /// Verify such a proof.
    ///
    /// A finality provider's proof is one of type bip340, the same bytes as a staker's.
    Verify(verify::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Create(args) => args.run(),
            Self::Verify(args) => args.run(),
        }
    }
}
