//! `tx extend`: a running stake, extended.

use std::path::PathBuf;

use anyhow::ensure;
use bitcoin::absolute::Height;
use bitcoin::{Address, Amount, FeeRate};
use staking_scripts::{DelegationFile, ExtensionTransaction, FundingCoin, RunningField, StakingOutput, Timelock};

use super::built::{self, Fields};
use super::stake::{Provider, coin, provider, staked_to};
use crate::files::{self, DelegationArgs};
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The new delegation is written to --out; it goes the way of any other, and a covenant member's answer then has a signature over the extension \
    too. `psbt sign` and `psbt finalize` complete the transaction.\n\nExample:\n  btcstake tx extend --delegation verified.json --params params.json --height 900001 \
    --amount-sat 600000 --staking-time 64000 \
    --coin 0808080808080808080808080808080808080808080808080808080808080808:0:300000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
    --change bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --out my-extension.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    running: DelegationArgs,
    /// The Bitcoin height whose parameters hold for the new stake: the tip.
    #[arg(long, value_parser = files::height)]
    height: Height,
    /// The finality providers of the new stake, when there are more: CHAIN=KEY, once for each. The running stake's when absent.
    #[arg(long, value_name = "KEY", value_parser = provider)]
    finality_provider: Vec<Provider>,
    /// How much to stake, at least what is staked already.
    #[arg(long)]
    amount_sat: u64,
    /// For how many blocks.
    #[arg(long, value_name = "BLOCKS", value_parser = input::timelock)]
    staking_time: Timelock,
    /// A coin that may pay what is added, and the fee (once for each; one is spent): TXID:INDEX:SATOSHIS:SCRIPT, of P2WPKH or P2TR.
    #[arg(long, value_name = "COIN", value_parser = coin, required = true)]
    coin: Vec<FundingCoin>,
    /// Where change goes.
    #[arg(long, value_name = "ADDRESS", value_parser = built::address)]
    change: Address,
    /// The fee rate in satoshis for a virtual byte.
    #[arg(long, value_name = "RATE", value_parser = built::fee_rate)]
    fee_rate: FeeRate,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let accepted = self.running.accepted()?;
        let running = &self.running.delegation;
        let (_, parameters) = self.running.params.in_force(self.height)?;
        let (amount, time) = (Amount::from_sat(self.amount_sat), self.staking_time);
        built::check_bounds(parameters, amount, time)?;
        let to = match self.finality_provider.as_slice() {
            [] => running.finality_providers.read()?,
            more => staked_to(more)?,
        };
        let output = StakingOutput::new(parameters.parties(running.staker, to.keys())?, time)?;
        let change = self.change.script_pubkey();
        let extension =
            ExtensionTransaction::build(accepted.staking(), output, amount, &self.coin, change, self.fee_rate)?;
        let height = self.height.to_consensus_u32();
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
        files::write_new(&self.out, &delegation.to_json())?;
        Fields::unsigned(extension.psbt(), extension.fee()).output()
    }
}
