//! The commands, one file each.

mod adaptor;
mod broadcast;
mod completions;
mod covenant;
mod descriptor;
mod eots;
mod key;
mod params;
pub(crate) mod pop;
mod psbt;
mod script;
mod stake;
mod status;
mod tx;

use clap::Subcommand;

pub(crate) use self::script::NetworkName;
use crate::demo;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Play a stake's life through on a regtest chain, every role included.
    Demo(demo::Args),
    /// Key files, for every role: make one, or print its public key.
    #[command(subcommand)]
    Key(key::Command),
    /// Extractable one-time signatures, for finality providers and those who watch them.
    #[command(subcommand)]
    Eots(eots::Command),
    /// Adaptor signatures, for covenant members.
    #[command(subcommand)]
    Adaptor(adaptor::Command),
    /// Proofs of possession, for stakers and finality providers.
    #[command(subcommand)]
    Pop(pop::Command),
    /// The scripts and addresses of a stake.
    #[command(subcommand)]
    Script(script::Command),
    /// Say which output of a stake a descriptor is, and whose.
    Descriptor(descriptor::Args),
    /// Parameters files, under which stakes are made: show one, or check it.
    #[command(subcommand)]
    Params(params::Command),
    /// A stake's delegation, one file that roles hand to each other: sign it, check it, add answers.
    #[command(subcommand)]
    Stake(stake::Command),
    /// Check delegations and answer them, for covenant members.
    #[command(subcommand)]
    Covenant(covenant::Command),
    /// Transactions that still want signatures: check, sign, combine, finalize.
    #[command(subcommand)]
    Psbt(psbt::Command),
    /// A stake's transactions: build and complete each, and explain any.
    #[command(subcommand)]
    Tx(tx::Command),
    /// Hand a finished transaction to a node.
    Broadcast(Box<broadcast::Args>),
    /// Say where a stake stands on a node's chain.
    Status(Box<status::Args>),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Demo(args) => args.run(),
            Self::Key(command) => command.run(),
            Self::Eots(command) => command.run(),
            Self::Adaptor(command) => command.run(),
            Self::Pop(command) => command.run(),
            Self::Script(command) => command.run(),
            Self::Descriptor(args) => args.run(),
            Self::Params(command) => command.run(),
            Self::Stake(command) => command.run(),
            Self::Covenant(command) => command.run(),
            Self::Psbt(command) => command.run(),
            Self::Tx(command) => command.run(),
            Self::Broadcast(args) => args.run(),
            Self::Status(args) => args.run(),
            Self::Completions(args) => args.run(),
        }
    }
}
