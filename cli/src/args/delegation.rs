//! The files that roles exchange: parameters and delegations.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use bitcoin::Txid;
#[cfg(feature = "babylon")]
use clap::ArgGroup;
use clap::Args;
use staking_scripts::{CovenantSignatures, Delegation, Parameters, ParametersHistory};

use super::argument::{self, Argument};
use super::chain::ChainArgs;
use super::files::Files;
use super::input;
use super::mainnet;
use super::new_file::NewFile;
use super::parameters::{AnyParameters, any_parameters_file};
#[cfg(feature = "babylon")]
use super::secured_chain::ChainNodeArgs;
use super::stake::AnyFiles;

/// Reads parameters as the nodes of Babylon Genesis print them.
fn parameters(path: &str) -> anyhow::Result<ParametersHistory<Parameters>> {
    Ok(ParametersHistory::from_json(&input::text_file(path)?)?)
}

/// Reads delegations: this program's JSON, a node's response, or a message that registers one.
fn delegations(path: &str) -> anyhow::Result<Vec<Delegation>> {
    Ok(Delegation::from_any_json(&input::text_file(path)?)?)
}

/// Reads the signatures of a covenant member.
fn covenant_signatures(path: &str) -> anyhow::Result<CovenantSignatures> {
    let text = input::text_file(path)?;
    // What serde found is not printed: a key file that is given by mistake holds a secret.
    ensure!(
        text.trim_start().starts_with('{'),
        "not a JSON object; must be what `covenant sign --json` prints"
    );
    Ok(serde_json::from_str(&text)?)
}

/// Parses the path of a parameters file.
pub(crate) fn parameters_file() -> argument::Parser<ParametersHistory<Parameters>> {
    argument::file(parameters)
}

/// Parses the path of a file with delegations.
pub(crate) fn delegation_file() -> argument::Parser<Vec<Delegation>> {
    argument::file(delegations)
}

/// Parses the path of a file with what `covenant sign --json` printed.
pub(crate) fn covenant_signatures_file() -> argument::Parser<CovenantSignatures> {
    argument::file(covenant_signatures)
}

/// Returns the delegation of this staking transaction, or the only one.
pub(crate) fn one(all: Vec<Delegation>, txid: Option<Txid>) -> anyhow::Result<Delegation> {
    let count = all.len();
    let wanted = |delegation: &Delegation| {
        txid.is_none_or(|txid| delegation.staking_transaction.compute_txid() == txid)
    };
    let mut found = all.into_iter().filter(wanted);
    match (found.next(), found.next(), txid) {
        (Some(only), None, _) => Ok(only),
        (Some(_), Some(_), None) => bail!("the file has {count} delegations; --staking-txid must name one"),
        (Some(_), Some(_), Some(txid)) => {
            bail!("the file has several delegations of the staking transaction {txid}; must have one")
        }
        (None, _, Some(txid)) => {
            bail!("the file has {count} delegations; none is of the staking transaction {txid}")
        }
        (None, _, None) => bail!("the file has 0 delegations; must have at least 1"),
    }
}

/// Returns one delegation of a file, with what is known of the running stake that it extends.
pub(crate) fn select(
    given: &Argument<Vec<Delegation>>,
    txid: Option<Txid>,
    previous: Option<&Argument<Vec<Delegation>>>,
) -> anyhow::Result<Delegation> {
    let mut delegation = one(given.read()?, txid).with_context(|| given.name())?;
    if let Some(previous) = previous {
        let running = delegation.extends.as_ref().map(|running| running.txid);
        let running = running.context("--previous-delegation: the delegation does not extend a stake")?;
        let found = one(previous.read()?, Some(running)).with_context(|| previous.name())?;
        delegation.set_previous(&found).with_context(|| previous.name())?;
    }
    Ok(delegation)
}

/// Asks the chain for a stake, and for the running one where it extends one.
#[cfg(feature = "babylon")]
fn registered(
    nodes: &super::secured_chain::ChainNodeArgs,
    stake: Txid,
    previous: Option<&Argument<Vec<Delegation>>>,
) -> anyhow::Result<Delegation> {
    let (node, flag) = (nodes.node()?, nodes.flag());
    let ask = |txid| {
        let found = babylon::query::delegation(&node, txid).context(flag)?;
        found.with_context(|| format!("{flag}: nobody has registered the stake {txid}"))
    };
    let mut delegation = ask(stake)?;
    if let Some(running) = delegation.extends.as_ref().map(|running| running.txid) {
        let found = match previous {
            Some(file) => one(file.read()?, Some(running)).with_context(|| file.name())?,
            None => ask(running)?,
        };
        delegation.set_previous(&found).context("--previous-delegation")?;
    }
    Ok(delegation)
}

/// Writes a new file that `--out` names; a file that exists is left as it is.
pub(crate) fn write_new(path: &Path, text: &str) -> anyhow::Result<String> {
    NewFile::begin("--out", path)?.write(&format!("{text}\n"))
}

/// What stands for a file that is absent: a node of the chain, which has the same.
#[cfg(feature = "babylon")]
fn or_node(name: &'static str, file: &'static str) -> ArgGroup {
    ArgGroup::new(name).args([file, "chain_node", "chain_gateway"]).multiple(true).required(true)
}

/// A delegation, and the parameters it is made under.
#[derive(Args)]
#[cfg_attr(feature = "babylon", command(group = or_node("delegation_or_node", "delegation")))]
#[cfg_attr(feature = "babylon", command(group = or_node("params_or_node", "params")))]
pub(crate) struct DelegationArgs {
    /// The delegation: this program's JSON, a node's response (`babylond query btcstaking btc-delegation
    /// --output json`, or the REST gateway's), or the message that registered it; - is standard input.
    /// Absent, the stake of --staking-txid is asked for from --chain-node.
    #[arg(long, value_name = "FILE", value_parser = delegation_file())]
    #[cfg_attr(not(feature = "babylon"), arg(required = true))]
    delegation: Option<Argument<Vec<Delegation>>>,
    /// Which delegation of a file with several, or of the chain, by its staking transaction.
    #[arg(long, value_name = "TXID")]
    staking_txid: Option<Txid>,
    /// The delegation of the running stake, for an extension whose delegation has only its id.
    #[arg(long, value_name = "FILE", value_parser = delegation_file())]
    previous_delegation: Option<Argument<Vec<Delegation>>>,
    /// A parameters file, all versions: as the nodes of Babylon Genesis print it, as the staking API's
    /// network info has it, as `params show --all --json` does, or your own; of a phase-1 stake also in the
    /// form of phase 1, where the step is one that it has; - is standard input. Absent, --chain-node is asked
    /// for the chain's.
    #[arg(long, value_name = "FILE", value_parser = any_parameters_file())]
    #[cfg_attr(not(feature = "babylon"), arg(required = true))]
    params: Option<Argument<AnyParameters>>,
    #[cfg(feature = "babylon")]
    #[command(flatten)]
    pub(crate) nodes: ChainNodeArgs,
    #[command(flatten)]
    chain: ChainArgs,
}

impl DelegationArgs {
    fn delegation(&self) -> anyhow::Result<Delegation> {
        let previous = self.previous_delegation.as_ref();
        match (&self.delegation, self.staking_txid) {
            (Some(file), txid) => select(file, txid, previous),
            #[cfg(feature = "babylon")]
            (None, Some(txid)) => registered(&self.nodes, txid, previous),
            (None, _) => bail!("--delegation is absent; must be given, or --staking-txid with --chain-node"),
        }
    }

    fn params(&self) -> anyhow::Result<AnyParameters> {
        match &self.params {
            Some(file) => file.read(),
            #[cfg(feature = "babylon")]
            None => {
                let asked = babylon::query::parameters(&self.nodes.node()?);
                Ok(AnyParameters::Genesis(asked.context(self.nodes.flag())?))
            }
            #[cfg(not(feature = "babylon"))]
            None => bail!("--params is absent; must be given"),
        }
    }

    /// Returns the chain, with the depth that its node demands unless another is given.
    fn chain(&self) -> anyhow::Result<ChainArgs> {
        #[cfg(feature = "babylon")]
        if self.nodes.is_given() && !self.chain.has_depth() {
            let asked = babylon::query::checkpoint_parameters(&self.nodes.node()?);
            return Ok(self.chain.with_depth(asked.context(self.nodes.flag())?.confirmation_depth));
        }
        Ok(self.chain)
    }

    /// Reads the files, with parameters of Babylon Genesis.
    pub(crate) fn read(&self) -> anyhow::Result<Files> {
        let delegation = self.delegation()?;
        let params = self.params()?.genesis().with_context(|| self.params_name())?;
        Ok(Files::new(delegation, params, self.chain()?))
    }

    /// Reads the files for a step that ends a stake: under parameters that are not mainnet's it goes on
    /// with a warning, under those that the stake was made under.
    pub(crate) fn read_to_end(&self) -> anyhow::Result<Files> {
        mainnet::to_end(self.read()?, &self.params_name())
    }

    /// Reads the files, with parameters of either form.
    pub(crate) fn read_any(&self) -> anyhow::Result<AnyFiles> {
        Ok(AnyFiles::new(self.delegation()?, self.params()?, self.chain()?))
    }

    /// Reads the files as [`read_to_end`](Self::read_to_end) does, with parameters of either form.
    pub(crate) fn read_any_to_end(&self) -> anyhow::Result<AnyFiles> {
        Ok(match self.read_any()? {
            AnyFiles::Genesis(files) => AnyFiles::Genesis(mainnet::to_end(files, &self.params_name())?),
            AnyFiles::Phase1(files) => AnyFiles::Phase1(mainnet::phase1_to_end(files, &self.params_name())?),
        })
    }

    /// Returns the name of the parameters' argument, for errors.
    pub(crate) fn params_name(&self) -> String {
        self.params.as_ref().map_or_else(|| "--chain-node".to_owned(), Argument::name)
    }
}
