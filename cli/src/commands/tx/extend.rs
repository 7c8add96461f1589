//! `tx extend`: builds the extension of a running stake.

use anyhow::Context;
use staking_scripts::delegation::NewExtendedDelegation;
use staking_scripts::transactions::NewExtension;
use staking_scripts::{Delegation, ExtensionTransaction, LeafTransaction, ParametersAt, StakingOutput};

use crate::args::argument::Argument;
use crate::args::delegation::{self, DelegationArgs};
use crate::args::mainnet;
use crate::args::new_stake::{NewStakeArgs, Provider, provider_parser, staked_to};
use crate::args::psbt::OriginArgs;
use crate::view::output::Printout;
use crate::view::transaction::{self, BuiltTransaction};

#[derive(clap::Args)]
#[command(
    after_help = "The new delegation is written to --out; it is signed like any other, and the covenant members sign the extension \
    too. `psbt sign` and `psbt finalize` finalize the transaction.\n\nExample:\n  btcstake tx extend --delegation verified.json --params params.json --height 900001 \
    --amount-sat 600000 --staking-time 64000 \
    --coin 0808080808080808080808080808080808080808080808080808080808080808:0:300000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
    --network regtest --change bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --out my-extension.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    running: DelegationArgs,
    /// The finality providers of the new stake: CHAIN=KEY, once for each. When absent, the running stake's.
    #[arg(long, value_name = "KEY", value_parser = provider_parser())]
    finality_provider: Vec<Argument<Provider>>,
    #[command(flatten)]
    new_stake: NewStakeArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.running.read()?;
        let name = self.running.params_name();
        mainnet::check(files.chain.network, &files.params, &name, self.new_stake.height)?;
        let previous = files.delegation.stake(files.covenant()?).context("--delegation")?.staking;
        let running = &files.delegation;
        let new_stake = &self.new_stake;
        let parameters = new_stake.parameters(&files.params)?;
        let to = match self.finality_provider.as_slice() {
            [] => running.staked_to.clone(),
            more => staked_to(more)?,
        };
        let output =
            StakingOutput::new(parameters.parties(running.staker, to.keys())?, new_stake.staking_time)?;
        let (amount, change, rate) =
            (new_stake.amount(), new_stake.change(files.chain.network)?, new_stake.fee_rate);
        let mut extension = ExtensionTransaction::build(NewExtension {
            previous: &previous,
            output,
            amount,
            coins: &new_stake.coin,
            change,
            fee_rate: rate,
        })?;
        self.origins.iter().for_each(|(key, source)| extension.add_key_origin(key, source));
        let extended = NewExtendedDelegation {
            extension: &extension,
            staked_to: &to,
            parameters,
            parameters_at: ParametersAt::Height(new_stake.height),
        };
        let delegation = Delegation::extending(running, &extended)?;
        let mut warnings = files.warnings();
        warnings.extend(transaction::fixed_fee_warnings(&delegation.presigned(parameters)?, rate));
        delegation::write_new(&new_stake.out, &delegation.to_json())?;
        let built = BuiltTransaction::unsigned(extension.psbt(), extension.fee(), extension.vsize());
        BuiltTransaction { warnings, ..built }.question_fee(Some(rate)).print(new_stake.format.form())
    }
}
