//! `tx`: transactions.

pub(crate) mod bump;
pub(crate) mod explain;
pub(crate) mod extend;
pub(crate) mod slash;
pub(crate) mod stake;
pub(crate) mod unbond;
pub(crate) mod withdraw;
pub(crate) mod withdraw_phase1;
mod withdrawal;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build a staking transaction, and its delegation.
    ///
    /// While it is unconfirmed, a child of its change can pay for it (`tx bump`, CPFP). It must not be
    /// replaced (RBF): its txid would change, and no pre-signed transaction would be valid.
    Stake(Box<stake::Args>),
    /// Finalize the unbonding transaction.
    ///
    /// Its fee is fixed by the parameters, and nobody can raise it.
    Unbond(Box<unbond::Args>),
    /// Finalize a slashing transaction with an extracted key.
    ///
    /// Its fee is fixed when it is pre-signed, and nobody can raise it.
    Slash(Box<slash::Args>),
    /// Build and finalize the withdrawal of an output whose timelock is over.
    ///
    /// While it is unconfirmed, one at a higher fee rate can replace it (RBF).
    Withdraw(Box<withdraw::Args>),
    /// Build and finalize the withdrawal of a phase-1 stake, from its staking transaction alone.
    WithdrawPhase1(Box<withdraw_phase1::Args>),
    /// Build the transaction that extends a running stake, and its delegation.
    ///
    /// While it is unconfirmed, a child of its change can pay for it (`tx bump`, CPFP), as for a staking
    /// transaction.
    Extend(Box<extend::Args>),
    /// Build the child that pays for an unconfirmed staking transaction or extension (CPFP).
    Bump(Box<bump::Args>),
    /// Explain a transaction of the staking protocol.
    Explain(Box<explain::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Stake(args) => args.run(),
            Self::Unbond(args) => args.run(),
            Self::Slash(args) => args.run(),
            Self::Withdraw(args) => args.run(),
            Self::WithdrawPhase1(args) => args.run(),
            Self::Extend(args) => args.run(),
            Self::Bump(args) => args.run(),
            Self::Explain(args) => args.run(),
        }
    }
}
