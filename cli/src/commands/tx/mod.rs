//! `tx`: transactions.

mod built;
mod bump;
mod explain;
mod extend;
mod given;
mod slash;
mod spend;
mod stake;
mod terms;
mod unbond;
mod withdraw;

use clap::Subcommand;

pub(crate) use self::built::{Fields, OriginArgs, fixed_fee_warnings, psbt};
pub(crate) use self::given::{Given, transaction};
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build a staking transaction, and the delegation that begins with it.
    ///
    /// It can be paid for by a child of its own change while it waits (`tx bump`). It must not be replaced:
    /// its id would change, and everything signed in advance with it.
    Stake(Box<stake::Args>),
    /// Complete an unbonding transaction.
    ///
    /// Its fee is fixed by the parameters, and the staker cannot bump it.
    Unbond(Box<unbond::Args>),
    /// Complete a slashing transaction with an extracted key.
    ///
    /// Its fee is fixed when it is signed in advance, and nobody can bump it.
    Slash(Box<slash::Args>),
    /// Build and complete the withdrawal of a matured output.
    ///
    /// While it waits it can be replaced by one at a higher rate.
    Withdraw(Box<withdraw::Args>),
    /// Build the transaction that extends a running stake, and the delegation that begins with it.
    ///
    /// It can be paid for by a child of its own change while it waits, as a staking transaction.
    Extend(Box<extend::Args>),
    /// Build the child that pays for a staking transaction or an extension that waits for a block.
    Bump(Box<bump::Args>),
    /// Say what a transaction is in the staking protocol.
    Explain(Box<explain::Args>),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Stake(args) => args.run(),
            Self::Unbond(args) => args.run(),
            Self::Slash(args) => args.run(),
            Self::Withdraw(args) => args.run(),
            Self::Extend(args) => args.run(),
            Self::Bump(args) => args.run(),
            Self::Explain(args) => args.run(),
        }
    }
}
