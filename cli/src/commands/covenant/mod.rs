//! `covenant`: the commands of a covenant member.

pub(crate) mod check;
mod record;
#[cfg(all(feature = "babylon", feature = "signer"))]
pub(crate) mod run;
pub(crate) mod sign;
#[cfg(feature = "babylon")]
pub(crate) mod submit;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check delegations against every rule, and sign those that keep them all.
    Sign(Box<sign::Args>),
    /// Verify a member's signatures for a delegation.
    Check(Box<check::Args>),
    /// Submit a member's signatures to the chain.
    #[cfg(feature = "babylon")]
    Submit(Box<submit::Args>),
    /// Check, sign and submit whatever waits for the committee: the daemon.
    #[cfg(all(feature = "babylon", feature = "signer"))]
    Run(Box<run::Args>),
}

impl Command {
    pub(crate) fn run(
        self,
        #[cfg_attr(not(all(feature = "babylon", feature = "signer")), allow(unused_variables))] json: bool,
    ) -> anyhow::Result<Printout> {
        match self {
            Self::Sign(args) => args.run(),
            Self::Check(args) => args.run(),
            #[cfg(feature = "babylon")]
            Self::Submit(args) => args.run(),
            #[cfg(all(feature = "babylon", feature = "signer"))]
            Self::Run(args) => args.run(json),
        }
    }
}
