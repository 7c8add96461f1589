//! `tx withdraw-phase1`: builds and finalizes the withdrawal of a phase-1 stake.

use anyhow::{Context, anyhow};
use bitcoin::absolute::Height;
use staking_scripts::phase1::{Phase1Error, Phase1Stake};
use staking_scripts::{Delegation, LeafTransaction, ParametersHistory, Phase1Parameters, WithdrawnOutput};

use super::withdrawal::finalize;
use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::network::NetworkName;
use crate::args::psbt::OriginArgs;
use crate::args::spend::SpendArgs;
use crate::args::transaction::{self, Given};
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "The OP_RETURN output of a phase-1 stake has its keys and its staking time; the parameters have the covenant committee. Without --params, \
    mainnet's are used.\n\nExample:\n  btcstake tx withdraw-phase1 --staking-transaction @phase1.tx --height 857950 --network regtest \
    --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --secret-key-file staker.key"
)]
pub(crate) struct Args {
    /// The staking transaction: hex, @FILE or -; a file may have raw bytes or hex.
    #[arg(long, value_name = "TRANSACTION", value_parser = transaction::parser())]
    staking_transaction: Argument<Given>,
    /// The parameters of phase 1, all versions; - is standard input. When absent, mainnet's, whatever
    /// --network is.
    #[arg(long, value_name = "FILE", value_parser = argument::file(parameters))]
    params: Option<Argument<ParametersHistory<Phase1Parameters>>>,
    /// The height of the block that includes the staking transaction.
    #[arg(long, value_parser = input::height)]
    height: Height,
    /// The Bitcoin network of the address.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    spend: SpendArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

/// Reads parameters of phase 1.
fn parameters(path: &str) -> anyhow::Result<ParametersHistory<Phase1Parameters>> {
    Ok(ParametersHistory::from_json(&input::text_file(path)?)?)
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        // Nobody named the parameters that are built in, so errors that follow from them do.
        let (history, note) = match argument::read_optional(self.params.as_ref())? {
            Some(history) => (history, ""),
            None => (
                ParametersHistory::mainnet_phase1()?,
                " (mainnet's built-in parameters; --params names others)",
            ),
        };
        let in_force = history.in_force(self.height).map_err(|error| anyhow!("{error}{note}"));
        let (_, parameters) = in_force.context("--height")?;
        let transaction = self.staking_transaction.read()?.transaction;
        let noted = |error: Phase1Error| match error {
            Phase1Error::OpReturn(error) => anyhow::Error::new(error),
            error => anyhow!("{error}{note}"),
        };
        let found = Phase1Stake::find(&transaction, parameters).map_err(noted);
        let found = found.context("--staking-transaction")?;
        let delegation = Delegation::phase1(&transaction, parameters).map_err(noted);
        let delegation = delegation.context("--staking-transaction")?;
        let (to, rate) = (self.spend.to(self.network)?, self.spend.fee_rate);
        let mut withdrawal =
            delegation.withdrawal(WithdrawnOutput::Staking, to, rate, &parameters.covenant)?;
        self.origins.iter().for_each(|(key, source)| withdrawal.add_key_origin(key, source));
        let built = finalize(&withdrawal, &self.spend)?;
        let broken = found.broken.iter().map(|found| format!("the stake breaks a rule of phase 1: {found}"));
        let warnings = broken.chain(built.warnings.clone()).collect();
        BuiltTransaction { warnings, ..built }.print()
    }
}
