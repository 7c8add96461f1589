//! `provider`: a finality provider on the secured chain.

pub(crate) mod commit;
pub(crate) mod edit;
pub(crate) mod register;
#[cfg(feature = "signer")]
pub(crate) mod run;
pub(crate) mod unjail;
pub(crate) mod vote;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Register a finality provider with the chain.
    Register(Box<register::Args>),
    /// Change what a finality provider says of itself, and its commission.
    Edit(Box<edit::Args>),
    /// Commit to the public randomness of a range of heights.
    Commit(Box<commit::Args>),
    /// Vote for blocks.
    Vote(Box<vote::Args>),
    /// Let a finality provider vote again that was jailed for missed votes.
    Unjail(Box<unjail::Args>),
    /// Keep a finality provider voting: the daemon.
    #[cfg(feature = "signer")]
    Run(Box<run::Args>),
}

impl Command {
    pub(crate) fn run(
        self,
        #[cfg_attr(not(feature = "signer"), allow(unused_variables))] json: bool,
    ) -> anyhow::Result<Printout> {
        match self {
            Self::Register(args) => args.run(),
            Self::Edit(args) => args.run(),
            Self::Commit(args) => args.run(),
            Self::Vote(args) => args.run(),
            Self::Unjail(args) => args.run(),
            #[cfg(feature = "signer")]
            Self::Run(args) => args.run(json),
        }
    }
}
