//! `tx stake`: the staking transaction.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use bitcoin::absolute::Height;
use bitcoin::{Address, Amount, FeeRate, OutPoint, ScriptBuf, TxOut};
use eots::XOnlyPublicKey;
use staking_scripts::{
    ConsumerProviders, DelegationFile, FundingCoin, Parameters, StakedTo, StakingOutput, StakingTransaction, Timelock,
    Versions,
};

use super::built::{self, Fields};
use crate::files;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The delegation, with all transactions that are signed in advance, is written to --out; the PSBT printed is for the wallet that \
    holds the coins. Sign it last: broadcast the stake only once the covenant committee has answered.\n\nExample:\n  btcstake tx stake \
    --params params.json --height 900000 --staker 531fe6068134503d2723133227c867ac8fa6c83c537e9a44c3c5bdbdcb1fe337 \
    --finality-provider 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f --amount-sat 500000 --staking-time 64000 \
    --coin 0707070707070707070707070707070707070707070707070707070707070707:0:900000:5120462779ad4aad39514614751a71085f2f10e1c7a593e4e030efb5b8721ce55b0b \
    --change bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --out my-stake.json"
)]
pub(crate) struct Args {
    /// All versions of the parameters, as the secured chain's nodes give them; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = files::parameters)]
    params: Versions<Parameters>,
    /// The Bitcoin height whose parameters hold: the tip, when the stake is registered before it is included.
    #[arg(long, value_parser = files::height)]
    height: Height,
    /// The staker's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::public_key)]
    staker: XOnlyPublicKey,
    /// The finality provider's public key; for consumer chains CHAIN=KEY, once for each.
    #[arg(long, value_name = "KEY", value_parser = provider, required = true)]
    finality_provider: Vec<Provider>,
    /// How much to stake.
    #[arg(long)]
    amount_sat: u64,
    /// For how many blocks.
    #[arg(long, value_name = "BLOCKS", value_parser = input::timelock)]
    staking_time: Timelock,
    /// A coin that may be spent (once for each): TXID:INDEX:SATOSHIS:SCRIPT, of P2WPKH or P2TR.
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

/// A provider, and its chain if it is of a consumer chain.
pub(super) type Provider = (Option<String>, XOnlyPublicKey);

pub(super) fn provider(text: &str) -> anyhow::Result<Provider> {
    match text.rsplit_once('=') {
        None => Ok((None, input::public_key(text)?)),
        Some(("", _)) => bail!("CHAIN=KEY: the chain has no name"),
        Some((chain, key)) => Ok((Some(chain.to_owned()), input::public_key(key)?)),
    }
}

pub(super) fn coin(text: &str) -> anyhow::Result<FundingCoin> {
    let parts: Vec<&str> = text.split(':').collect();
    let [txid, vout, value, script] = parts.as_slice() else { bail!("a coin is TXID:INDEX:SATOSHIS:SCRIPT") };
    let outpoint = OutPoint::new(txid.parse().context("TXID")?, vout.parse().context("INDEX")?);
    let script_pubkey = ScriptBuf::from_hex(script).context("SCRIPT")?;
    let value = Amount::from_sat(value.parse().context("SATOSHIS")?);
    Ok(FundingCoin::new(outpoint, TxOut { value, script_pubkey })?)
}

/// Whom the stake goes to: one without a chain, or several with theirs.
pub(super) fn staked_to(providers: &[Provider]) -> anyhow::Result<StakedTo> {
    if let [(None, key)] = providers {
        return Ok(StakedTo::Genesis(*key));
    }
    let named = providers.iter().map(|(chain, key)| Some((chain.clone()?, *key)));
    let named: Option<Vec<_>> = named.collect();
    let named = named.ok_or_else(|| {
        anyhow!("--finality-provider: on genesis there is one; several are of a consumer chain each, CHAIN=KEY")
    })?;
    Ok(StakedTo::Consumers(ConsumerProviders::new(named)?))
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (_, parameters) = self.params.in_force(self.height)?;
        let (amount, time) = (Amount::from_sat(self.amount_sat), self.staking_time);
        built::check_bounds(parameters, amount, time)?;
        let staked_to = staked_to(&self.finality_provider)?;
        let output = StakingOutput::new(parameters.parties(self.staker, staked_to.keys())?, time)?;
        let change = self.change.script_pubkey();
        let staking = StakingTransaction::build(output, amount, &self.coin, change, self.fee_rate)?;
        let (funded, transaction) = (staking.staking_output(), staking.without_witnesses());
        let height = self.height.to_consensus_u32();
        let delegation = DelegationFile::draft(&staked_to, &funded, &transaction, parameters, height)?;
        files::write_new(&self.out, &delegation.to_json())?;
        let fields = Fields::unsigned(staking.psbt(), staking.fee());
        Fields { txid: staking.txid().to_string(), ..fields }.output()
    }
}
