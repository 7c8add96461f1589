//! `tx extend`: a running stake, extended.

use anyhow::ensure;
use staking_scripts::{DelegationFile, ExtensionTransaction, RunningField, StakingOutput};

use super::built::{self, Fields, OriginArgs};
use super::terms::{Provider, TermsArgs, provider, staked_to};
use crate::files::{self, DelegationArgs};
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The new delegation is written to --out; it goes the way of any other, and a covenant member's answer then has a signature over the extension \
    too. `psbt sign` and `psbt finalize` complete the transaction.\n\nExample:\n  btcstake tx extend --delegation verified.json --params params.json --height 900001 \
    --amount-sat 600000 --staking-time 64000 \
    --coin 0808080808080808080808080808080808080808080808080808080808080808:0:300000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
    --network regtest --change bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --out my-extension.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    running: DelegationArgs,
    /// The finality providers of the new stake, when there are more: CHAIN=KEY, once for each. The running
    /// stake's when absent.
    #[arg(long, value_name = "KEY", value_parser = provider)]
    finality_provider: Vec<Provider>,
    #[command(flatten)]
    terms: TermsArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let accepted = self.running.accepted()?;
        let running = &self.running.delegation;
        let terms = &self.terms;
        let parameters = terms.parameters(&self.running.params)?;
        let to = match self.finality_provider.as_slice() {
            [] => running.finality_providers.read()?,
            more => staked_to(more)?,
        };
        let output = StakingOutput::new(parameters.parties(running.staker, to.keys())?, terms.staking_time)?;
        let (amount, change, rate) =
            (terms.amount(), terms.change(self.running.chain.network)?, terms.fee_rate);
        let mut extension =
            ExtensionTransaction::build(accepted.staking(), output, amount, &terms.coin, change, rate)?;
        self.origins.iter().for_each(|(key, source)| extension.add_key_origin(key, source));
        let height = terms.height.to_consensus_u32();
        let (staking, unsigned) = (extension.staking_output(), extension.unsigned());
        let mut delegation = DelegationFile::draft(&to, &staking, unsigned, parameters, height)?;
        let funding = extension.psbt().inputs.get(1).and_then(|input| input.witness_utxo.clone());
        ensure!(funding.is_some(), "the extension has no funding input");
        delegation.extends = funding.map(|funding| RunningField {
            parameters_height: running.parameters_height,
            finality_providers: running.finality_providers.clone(),
            staking_time_blocks: running.staking_time_blocks,
            staking_transaction: running.staking_transaction.clone(),
            funding_amount_sat: funding.value.to_sat(),
            funding_script_pubkey: funding.script_pubkey.to_hex_string(),
        });
        let warnings = built::fixed_fee_warnings(&delegation.planned(parameters)?, rate);
        files::write_new(&terms.out, &delegation.to_json())?;
        let fields = Fields::unsigned(extension.psbt(), extension.fee(), extension.vsize());
        Fields { warnings, ..fields }.question_fee(Some(rate)).output()
    }
}
