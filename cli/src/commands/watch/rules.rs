//! What a watchtower goes by: parameters and depth, from the chain or from a file.

use anyhow::{Context, bail, ensure};
use babylon::node::{ChainNode as _, Several};
use babylon::query;
use staking_scripts::{Parameters, ParametersHistory, Phase1Parameters};
use watch::Settings;

use crate::args::argument::{self, Argument};
use crate::args::delegation::parameters_file;
use crate::args::input;
use crate::args::secured_chain::ChainNodeArgs;

/// Parses the path of a file with the parameters of phase 1.
fn phase1_file() -> argument::Parser<ParametersHistory<Phase1Parameters>> {
    argument::file(|path| Ok(ParametersHistory::from_json(&input::text_file(path)?)?))
}

/// The rules, and the chain that they are of.
#[derive(clap::Args)]
pub(super) struct RulesArgs {
    /// A parameters file, all versions, in place of the chain's; with --depth.
    #[arg(long, value_name = "FILE", value_parser = parameters_file())]
    params: Option<Argument<ParametersHistory<Parameters>>>,
    /// How many blocks must be on one for what it has to count as final: btc_confirmation_depth of the chain.
    #[arg(long, value_name = "BLOCKS", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    depth: Option<u32>,
    /// The parameters of phase 1, all versions: with them, phase-1 stakes are found in the blocks by their
    /// announcements, as far back as the store goes.
    #[arg(long, value_name = "FILE", value_parser = phase1_file())]
    phase1_params: Option<Argument<ParametersHistory<Phase1Parameters>>>,
    #[command(flatten)]
    pub(super) nodes: ChainNodeArgs,
    /// The secured chain's id, which its nodes must have.
    #[arg(long)]
    pub(super) chain_id: Option<String>,
}

/// The rules as they are found.
pub(super) struct Rules {
    pub(super) settings: Settings,
    /// Whether the parameters are the chain's, which may get new versions.
    pub(super) is_of_chain: bool,
}

impl RulesArgs {
    /// Returns the nodes of the secured chain, where there are any.
    pub(super) fn chain(&self) -> anyhow::Result<Option<Several>> {
        if !self.nodes.is_given() {
            return Ok(None);
        }
        let expected = self.chain_id.as_deref();
        let expected = expected.context("--chain-id is absent; must be given with a node of the chain")?;
        let node = self.nodes.node()?.of_chain(expected);
        let found = node.status().context(self.nodes.flag())?.chain_id;
        ensure!(
            found == expected,
            "{} is of the chain {found:?}; must be of {expected:?}",
            self.nodes.flag()
        );
        Ok(Some(node))
    }

    /// Returns the rules: the file's, or the chain's.
    pub(super) fn read(&self, chain: Option<&Several>) -> anyhow::Result<Rules> {
        let mut rules = self.of_stakes(chain)?;
        let phase1 = self.phase1_params.as_ref();
        rules.settings.phase1 = phase1.map(|file| file.read().with_context(|| file.name())).transpose()?;
        Ok(rules)
    }

    fn of_stakes(&self, chain: Option<&Several>) -> anyhow::Result<Rules> {
        match (&self.params, self.depth, chain) {
            (Some(file), Some(depth), _) => {
                let parameters = file.read().with_context(|| file.name())?;
                Ok(Rules { settings: Settings::new(parameters, depth), is_of_chain: false })
            }
            (None, depth, Some(node)) => {
                let flag = self.nodes.flag();
                let parameters = query::parameters(node).context(flag)?;
                let of_chain = query::checkpoint_parameters(node).context(flag)?.confirmation_depth;
                Ok(Rules {
                    settings: Settings::new(parameters, depth.unwrap_or(of_chain)),
                    is_of_chain: true,
                })
            }
            (Some(_), None, _) => bail!("--depth is absent; must be given with --params"),
            (None, _, None) => {
                bail!("--chain-node is absent; must be given, or --params FILE and --depth BLOCKS")
            }
        }
    }
}
