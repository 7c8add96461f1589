//! The commands, one file each.

pub(crate) mod adaptor;
pub(crate) mod anchor;
pub(crate) mod broadcast;
#[cfg(feature = "babylon")]
pub(crate) mod checkpoint;
pub(crate) mod completions;
pub(crate) mod covenant;
pub(crate) mod descriptor;
pub(crate) mod eots;
#[cfg(feature = "babylon")]
pub(crate) mod evidence;
pub(crate) mod key;
pub(crate) mod params;
pub(crate) mod pop;
#[cfg(feature = "babylon")]
pub(crate) mod provider;
pub(crate) mod psbt;
pub(crate) mod risk;
pub(crate) mod script;
#[cfg(feature = "signer")]
pub(crate) mod signer;
pub(crate) mod stake;
pub(crate) mod status;
pub(crate) mod tx;
#[cfg(feature = "watch")]
pub(crate) mod watch;

use clap::Subcommand;

use crate::demo;
use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Play a stake's life through on a regtest chain, every role included.
    Demo(demo::Args),
    /// Key files, for every role: generate one, or print its public key.
    #[command(subcommand)]
    Key(key::Command),
    /// Extractable one-time signatures, for finality providers and watchtowers.
    #[command(subcommand)]
    Eots(eots::Command),
    /// The signing database of a finality provider, which keeps it from signing twice at one height.
    #[cfg(feature = "signer")]
    #[command(subcommand)]
    Signer(signer::Command),
    /// A finality provider on the secured chain: register it, commit, vote, unjail.
    #[cfg(feature = "babylon")]
    #[command(subcommand)]
    Provider(provider::Command),
    /// Adaptor signatures, for covenant members.
    #[command(subcommand)]
    Adaptor(adaptor::Command),
    /// Proofs of possession, for stakers and finality providers.
    #[command(subcommand)]
    Pop(pop::Command),
    /// The scripts and addresses of a stake.
    #[command(subcommand)]
    Script(script::Command),
    /// Recognize a descriptor as an output of a stake.
    Descriptor(descriptor::Args),
    /// The parameters that stakes are made under: show them, or check a file.
    #[command(subcommand)]
    Params(params::Command),
    /// A stake's delegation, the file that roles exchange: sign it, check it, add covenant signatures.
    #[command(subcommand)]
    Stake(stake::Command),
    /// Check delegations and sign them, for covenant members.
    #[command(subcommand)]
    Covenant(covenant::Command),
    /// Bitcoin as the secured chain knows it: headers, and checkpoints.
    #[cfg(feature = "babylon")]
    #[command(subcommand)]
    Checkpoint(checkpoint::Command),
    /// Marks that other chains write into Bitcoin: find, explain, publish, compare.
    #[command(subcommand)]
    Anchor(anchor::Command),
    /// Reports of finality providers that misbehave.
    #[cfg(feature = "babylon")]
    #[command(subcommand)]
    Evidence(evidence::Command),
    /// The watchtower: track every stake, slash those of finality providers that equivocate.
    #[cfg(feature = "watch")]
    #[command(subcommand)]
    Watch(watch::Command),
    /// What shared security is worth: what it costs to cheat a chain, and whether that pays.
    #[command(subcommand)]
    Risk(risk::Command),
    /// PSBTs: check, sign, combine, finalize.
    #[command(subcommand)]
    Psbt(psbt::Command),
    /// A stake's transactions: build and finalize each, and explain any.
    #[command(subcommand)]
    Tx(tx::Command),
    /// Broadcast a signed transaction through a node.
    Broadcast(Box<broadcast::Args>),
    /// Print the state of a stake on a node's chain.
    Status(Box<status::Args>),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

impl Command {
    /// Runs the command; `command_line` is the whole command line, for completions.
    /// A daemon prints its JSON, where that is asked for, when it listens.
    pub(crate) fn run(
        self,
        command_line: fn() -> clap::Command,
        #[cfg_attr(not(any(feature = "babylon", feature = "signer")), allow(unused_variables))] json: bool,
    ) -> anyhow::Result<Printout> {
        match self {
            Self::Demo(args) => args.run(),
            Self::Key(command) => command.run(),
            Self::Eots(command) => command.run(),
            #[cfg(feature = "signer")]
            Self::Signer(command) => command.run(json),
            #[cfg(feature = "babylon")]
            Self::Provider(command) => command.run(json),
            Self::Adaptor(command) => command.run(),
            Self::Pop(command) => command.run(),
            Self::Script(command) => command.run(),
            Self::Descriptor(args) => args.run(),
            Self::Params(command) => command.run(),
            Self::Stake(command) => command.run(),
            Self::Covenant(command) => command.run(json),
            #[cfg(feature = "babylon")]
            Self::Checkpoint(command) => command.run(),
            Self::Anchor(command) => command.run(),
            #[cfg(feature = "babylon")]
            Self::Evidence(command) => command.run(),
            #[cfg(feature = "watch")]
            Self::Watch(command) => command.run(json),
            Self::Risk(command) => command.run(),
            Self::Psbt(command) => command.run(),
            Self::Tx(command) => command.run(),
            Self::Broadcast(args) => args.run(),
            Self::Status(args) => args.run(),
            Self::Completions(args) => args.run(command_line()),
        }
    }
}
