//! The arguments of a new stake, and the coins that fund it: what `tx stake` and `tx extend` share.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::absolute::Height;
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, FeeRate, OutPoint, ScriptBuf, TxOut, Txid};
use eots::XOnlyPublicKey;
use miniscript::{DefiniteDescriptorKey, Descriptor};
use staking_scripts::outputs::ConsumerProviders;
use staking_scripts::{FundingCoin, Parameters, ParametersHistory, StakedTo, Timelock};

use super::argument::{self, Argument};
use super::input;
use super::money;
use super::network::NetworkName;
use super::psbt::PsbtFormatArgs;

#[derive(clap::Args)]
pub(crate) struct NewStakeArgs {
    /// The Bitcoin height whose version of the parameters is in force: the tip's, when the stake is
    /// registered before it is included.
    #[arg(long, value_parser = input::height)]
    pub(crate) height: Height,
    /// The amount to stake, in satoshis; an extension's is at least the running stake's.
    #[arg(long)]
    amount_sat: u64,
    /// The staking time, in blocks.
    #[arg(long, value_name = "BLOCKS", value_parser = input::timelock)]
    pub(crate) staking_time: Timelock,
    /// A coin that may be spent (once for each; an extension spends one): TXID:INDEX:SATOSHIS:SCRIPT with its
    /// script pubkey in hex, P2WPKH or P2TR (`key show` prints a key file's), or with a descriptor instead of
    /// the script, such as tr(KEY), of any segregated witness kind.
    #[arg(long, value_name = "COIN", value_parser = coin, required = true)]
    pub(crate) coin: Vec<FundingCoin>,
    /// The change address, of --network.
    #[arg(long, value_name = "ADDRESS", value_parser = money::address)]
    change: Address<NetworkUnchecked>,
    /// The fee rate in sat/vB, at which transactions confirm now.
    #[arg(long, value_name = "RATE", value_parser = money::fee_rate)]
    pub(crate) fee_rate: FeeRate,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) format: PsbtFormatArgs,
}

impl NewStakeArgs {
    pub(crate) const fn amount(&self) -> Amount {
        Amount::from_sat(self.amount_sat)
    }

    pub(crate) fn change(&self, network: NetworkName) -> anyhow::Result<ScriptBuf> {
        money::destination("--change", &self.change, network)
    }

    /// Returns the parameters in force, after a check of the amount and the staking time against them.
    pub(crate) fn parameters<'a>(
        &self,
        versions: &'a ParametersHistory<Parameters>,
    ) -> anyhow::Result<&'a Parameters> {
        let (_, parameters) = versions.in_force(self.height).context("--height")?;
        parameters.check_new_stakes().context("--params: slashing_pk_script")?;
        let (amounts, times) = (parameters.staking_amount(), parameters.staking_time());
        let (amount, time) = (self.amount(), self.staking_time);
        ensure!(
            amounts.contains(&amount),
            "--amount-sat is {} sat; must be {} to {} sat",
            amount.to_sat(),
            amounts.start().to_sat(),
            amounts.end().to_sat()
        );
        ensure!(
            times.contains(&time),
            "--staking-time is {time} blocks; must be {} to {}",
            times.start(),
            times.end()
        );
        Ok(parameters)
    }
}

/// Parses a coin: TXID:INDEX:SATOSHIS:SCRIPT, or with a descriptor.
pub(crate) fn coin(text: &str) -> anyhow::Result<FundingCoin> {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let [txid, vout, value, script] = parts.as_slice() else {
        bail!(
            "a coin of {} parts; must be TXID:INDEX:SATOSHIS:SCRIPT, or with a descriptor instead of the script",
            parts.len()
        )
    };
    // clap shows the outermost text of an error alone, so each one is whole.
    let txid: Txid = txid.parse().map_err(|_| anyhow!("TXID is {txid:?}; must be 64 hex digits"))?;
    let vout: u32 = vout
        .parse()
        .map_err(|_| anyhow!("INDEX is {vout:?}; must be the output's number, from 0 to {}", u32::MAX))?;
    let satoshis: u64 =
        value.parse().map_err(|_| anyhow!("SATOSHIS is {value:?}; must be a whole number of satoshis"))?;
    let (outpoint, value) = (OutPoint::new(txid, vout), Amount::from_sat(satoshis));
    if !script.contains('(') {
        let script_pubkey = ScriptBuf::from_hex(script)
            .map_err(|_| anyhow!("SCRIPT is {script:?}; must be a script pubkey in hex, or a descriptor"))?;
        return Ok(FundingCoin::new(outpoint, TxOut { value, script_pubkey })?);
    }
    let descriptor: Descriptor<DefiniteDescriptorKey> =
        script.parse().map_err(|e| anyhow!("the descriptor: {e}"))?;
    let script_pubkey = descriptor.script_pubkey();
    Ok(FundingCoin::with_descriptor(outpoint, TxOut { value, script_pubkey }, &descriptor)?)
}

/// A finality provider, and its chain if it is of a consumer chain.
pub(crate) type Provider = (Option<String>, XOnlyPublicKey);

/// Parses a finality provider: KEY, or CHAIN=KEY.
pub(crate) fn provider_parser() -> argument::Parser<Provider> {
    argument::named_value(provider)
}

fn provider(text: &str) -> anyhow::Result<Provider> {
    match text.rsplit_once('=') {
        None => Ok((None, input::public_key(text)?)),
        Some(("", _)) => bail!("CHAIN=KEY: the chain has no name"),
        Some((chain, key)) => Ok((Some(chain.to_owned()), input::public_key(key)?)),
    }
}

/// Returns the finality providers: one without a chain, or one for each consumer chain.
pub(crate) fn staked_to(providers: &[Argument<Provider>]) -> anyhow::Result<StakedTo> {
    let providers = argument::read_all(providers)?;
    if let [(None, key)] = providers.as_slice() {
        return Ok(StakedTo::Genesis(*key));
    }
    let named = providers.iter().map(|(chain, key)| Some((chain.clone()?, *key)));
    let named: Option<Vec<_>> = named.collect();
    let named = named.ok_or_else(|| {
        anyhow!(
            "--finality-provider: must be one KEY on Babylon Genesis, or one CHAIN=KEY for each consumer chain"
        )
    })?;
    Ok(StakedTo::Consumers(ConsumerProviders::new(named)?))
}
