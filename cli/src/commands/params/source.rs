//! The source of parameters: a file, the versions built in, or a node of the chain.

use anyhow::Context;
#[cfg(feature = "babylon")]
use anyhow::ensure;
use clap::ValueEnum;
use staking_scripts::ParametersHistory;
use staking_scripts::parameters::CheckpointParameters;

use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::parameters::AnyParameters;
#[cfg(feature = "babylon")]
use crate::args::secured_chain::ChainNodeArgs;

/// The source of the versions: exactly one of them.
#[derive(clap::Args)]
pub(super) struct Source {
    /// A parameters file, as a node of Babylon Genesis prints it, as the staking API's network info has it,
    /// or in the form of phase 1; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = text_file(), conflicts_with = "network")]
    #[cfg_attr(feature = "babylon", arg(conflicts_with_all = ["chain_node", "chain_gateway"]))]
    params: Option<Argument<String>>,
    /// The versions that are built in.
    #[arg(long)]
    #[cfg_attr(feature = "babylon", arg(conflicts_with_all = ["chain_node", "chain_gateway"]))]
    network: Option<BuiltIn>,
    #[cfg(feature = "babylon")]
    #[command(flatten)]
    nodes: ChainNodeArgs,
}

/// What is known of versions beside what they say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// They are from a file.
    File,
    /// They are built in.
    BuiltIn,
    /// They are from a node of the chain, with its depths.
    #[cfg(feature = "babylon")]
    Node(CheckpointParameters),
}

impl Origin {
    /// Returns the depths of the chain, as far as they are known.
    pub(super) const fn depths(self) -> Option<CheckpointParameters> {
        match self {
            Self::File => None,
            Self::BuiltIn => Some(CheckpointParameters::MAINNET),
            #[cfg(feature = "babylon")]
            Self::Node(depths) => Some(depths),
        }
    }
}

/// The networks whose versions are built in.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum BuiltIn {
    Mainnet,
}

/// Parses the path of a file; its form is known when it is read.
pub(super) fn text_file() -> argument::Parser<String> {
    argument::file(input::text_file)
}

impl Source {
    /// Returns the versions, and where they are from.
    pub(super) fn read(&self, phase1: bool) -> anyhow::Result<(AnyParameters, Origin)> {
        match (&self.params, self.network) {
            (Some(file), _) => {
                let versions = AnyParameters::from_json(&file.read()?, phase1);
                Ok((versions.with_context(|| file.name())?, Origin::File))
            }
            (None, Some(BuiltIn::Mainnet)) if phase1 => {
                Ok((AnyParameters::Phase1(ParametersHistory::mainnet_phase1()?), Origin::BuiltIn))
            }
            (None, Some(BuiltIn::Mainnet)) => {
                Ok((AnyParameters::Genesis(ParametersHistory::mainnet()?), Origin::BuiltIn))
            }
            (None, None) => self.ask(phase1),
        }
    }

    #[cfg(feature = "babylon")]
    fn ask(&self, phase1: bool) -> anyhow::Result<(AnyParameters, Origin)> {
        use babylon::query;
        ensure!(
            self.nodes.is_given(),
            "--params is absent; must be given, or --network mainnet, or --chain-node"
        );
        ensure!(
            !phase1,
            "--phase1 is given with {}; must be absent, as the chain has none of phase 1",
            self.nodes.flag()
        );
        let node = self.nodes.node()?;
        let versions = query::parameters(&node).context(self.nodes.flag())?;
        let depths = query::checkpoint_parameters(&node).context(self.nodes.flag())?;
        Ok((AnyParameters::Genesis(versions), Origin::Node(depths)))
    }

    #[cfg(not(feature = "babylon"))]
    fn ask(&self, _phase1: bool) -> anyhow::Result<(AnyParameters, Origin)> {
        anyhow::bail!("--params is absent; must be given, or --network mainnet")
    }
}
