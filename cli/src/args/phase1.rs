//! A phase-1 staking transaction, and the parameters of its version: what `stake phase1` and `tx
//! withdraw-phase1` share.

use anyhow::{Context, anyhow};
use bitcoin::absolute::Height;
use staking_scripts::phase1::{Phase1Error, Phase1Rules, Phase1Stake};
use staking_scripts::{Delegation, ParametersHistory};

use super::argument::{self, Argument};
use super::input;
use super::mainnet;
use super::network::NetworkName;
use super::parameters::{AnyParameters, any_parameters_file};
use super::stake::PlaceArgs;
use super::transaction::{self, Given};

#[derive(clap::Args)]
pub(crate) struct Phase1Args {
    /// The staking transaction: hex, @FILE or -; a file may have raw bytes or hex.
    #[arg(long, value_name = "TRANSACTION", value_parser = transaction::parser())]
    staking_transaction: Argument<Given>,
    /// The parameters, all versions: of phase 1, or of Babylon Genesis, which have neither tag nor cap; - is
    /// standard input. When absent, mainnet's of phase 1, whatever --network is.
    #[arg(long, value_name = "FILE", value_parser = any_parameters_file())]
    params: Option<Argument<AnyParameters>>,
    /// The height of the block that includes the staking transaction.
    #[arg(long, value_parser = input::height)]
    height: Height,
    #[command(flatten)]
    place: PlaceArgs,
    /// The Bitcoin network.
    #[arg(long, default_value = "mainnet")]
    pub(crate) network: NetworkName,
}

/// A phase-1 stake, with its delegation.
pub(crate) struct FoundPhase1 {
    pub(crate) delegation: Delegation,
    pub(crate) params: AnyParameters,
    /// A warning for each rule that the stake breaks, and so was not counted.
    pub(crate) warnings: Vec<String>,
}

impl FoundPhase1 {
    /// Returns the rules of the stake's version.
    pub(crate) fn rules(&self) -> anyhow::Result<Phase1Rules<'_>> {
        Ok(self.params.of_delegation(&self.delegation)?.1)
    }
}

impl Phase1Args {
    /// Finds the stake in the transaction.
    pub(crate) fn read(&self) -> anyhow::Result<FoundPhase1> {
        // Nobody named the parameters that are built in, so errors that follow from them do.
        let (params, note) = match argument::read_optional(self.params.as_ref())? {
            Some(params) => (params, ""),
            None => (
                AnyParameters::Phase1(ParametersHistory::mainnet_phase1()?),
                " (mainnet's built-in parameters; --params names others)",
            ),
        };
        let transaction = self.staking_transaction.read()?.transaction;
        let in_force = params.in_force(self.height).map_err(|error| anyhow!("{error}{note}"));
        let rules = self.place.on(in_force.context("--height")?, None);
        let noted = |error: Phase1Error| match error {
            Phase1Error::OpReturn(error) => anyhow::Error::new(error),
            error => anyhow!("{error}{note}"),
        };
        let found = Phase1Stake::find(&transaction, rules).map_err(noted);
        let found = found.context("--staking-transaction")?;
        let delegation = Delegation::phase1(&transaction, rules).map_err(noted);
        let delegation = delegation.context("--staking-transaction")?;
        let broken = found.broken.iter();
        let broken = broken.map(|found| format!("the stake breaks a rule of phase 1: {found}"));
        let foreign = mainnet::differences(self.network, &params, Some(self.height))?;
        let foreign = self.params.as_ref().zip(foreign);
        let foreign = foreign.map(|(given, found)| mainnet::of_another_network(&given.name(), &found));
        let warnings = foreign.into_iter().chain(broken).collect();
        Ok(FoundPhase1 { delegation, params, warnings })
    }
}
