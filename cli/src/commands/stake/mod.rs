//! `stake`: delegations.

pub(crate) mod add;
pub(crate) mod check;
pub(crate) mod include;
pub(crate) mod phase1;
mod print;
pub(crate) mod psbts;
#[cfg(feature = "babylon")]
pub(crate) mod register;
pub(crate) mod sign;
#[cfg(feature = "babylon")]
pub(crate) mod undelegate;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the PSBTs of both slashing transactions, for a wallet that holds the staker's key.
    Psbts(Box<psbts::Args>),
    /// Sign a delegation as its staker, or add the signatures of the staker's wallet.
    Sign(Box<sign::Args>),
    /// Check a delegation against every rule, and verify the covenant signatures in it.
    Check(Box<check::Args>),
    /// Add covenant signatures to a delegation.
    Add(Box<add::Args>),
    /// Make the delegation of a phase-1 stake from its staking transaction.
    Phase1(Box<phase1::Args>),
    /// Add the SPV proof that the staking transaction is in a block, and the headers after it.
    Include(Box<include::Args>),
    /// Register a stake with the chain, or one that extends another.
    #[cfg(feature = "babylon")]
    #[command(visible_alias = "register-extension")]
    Register(Box<register::Args>),
    /// Report to the chain that a stake's output was spent: unbonded, extended, slashed.
    #[cfg(feature = "babylon")]
    Undelegate(Box<undelegate::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Psbts(args) => args.run(),
            Self::Sign(args) => args.run(),
            Self::Check(args) => args.run(),
            Self::Add(args) => args.run(),
            Self::Phase1(args) => args.run(),
            Self::Include(args) => args.run(),
            #[cfg(feature = "babylon")]
            Self::Register(args) => args.run(),
            #[cfg(feature = "babylon")]
            Self::Undelegate(args) => args.run(),
        }
    }
}
