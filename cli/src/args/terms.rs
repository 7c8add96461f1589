//! The terms of a stake that is to be made, and the coins that fund it: what `tx stake` and `tx extend`
//! share.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail, ensure};
use bitcoin::absolute::Height;
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, FeeRate, OutPoint, ScriptBuf, TxOut};
use eots::XOnlyPublicKey;
use miniscript::{DefiniteDescriptorKey, Descriptor};
use staking_scripts::outputs::ConsumerProviders;
use staking_scripts::{FundingCoin, Parameters, ParametersHistory, StakedTo, Timelock};

use super::argument::{self, Argument};
use super::input;
use super::money;
use super::network::NetworkName;

#[derive(clap::Args)]
pub(crate) struct TermsArgs {
    /// The Bitcoin height whose version of the parameters holds: the tip, when the stake is registered before
    /// it is included.
    #[arg(long, value_parser = input::height)]
    pub(crate) height: Height,
    /// How much to stake; an extension, at least what is staked already.
    #[arg(long)]
    amount_sat: u64,
    /// For how many blocks.
    #[arg(long, value_name = "BLOCKS", value_parser = input::timelock)]
    pub(crate) staking_time: Timelock,
    /// A coin that may be spent (once for each; an extension spends one): TXID:INDEX:SATOSHIS:SCRIPT with its
    /// script pubkey in hex, P2WPKH or P2TR (`key show` prints a key file's), or with a descriptor in the
    /// place of the script, such as tr(KEY), of any segregated witness kind.
    #[arg(long, value_name = "COIN", value_parser = coin, required = true)]
    pub(crate) coin: Vec<FundingCoin>,
    /// Where change goes: an address of --network.
    #[arg(long, value_name = "ADDRESS", value_parser = money::address)]
    change: Address<NetworkUnchecked>,
    /// The fee rate in satoshis for a virtual byte: what confirms today.
    #[arg(long, value_name = "RATE", value_parser = money::fee_rate)]
    pub(crate) fee_rate: FeeRate,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

impl TermsArgs {
    pub(crate) const fn amount(&self) -> Amount {
        Amount::from_sat(self.amount_sat)
    }

    pub(crate) fn change(&self, network: NetworkName) -> anyhow::Result<ScriptBuf> {
        money::on_network("--change", &self.change, network)
    }

    /// The parameters in force, whose bounds the terms must keep.
    pub(crate) fn parameters<'a>(
        &self,
        versions: &'a ParametersHistory<Parameters>,
    ) -> anyhow::Result<&'a Parameters> {
        let (_, parameters) = versions.in_force(self.height).context("--height")?;
        let (amounts, times) = (parameters.staking_amount(), parameters.staking_time());
        let (amount, time) = (self.amount(), self.staking_time);
        ensure!(
            amounts.contains(&amount),
            "--amount-sat: {} sat is not within {} to {} sat",
            amount.to_sat(),
            amounts.start().to_sat(),
            amounts.end().to_sat()
        );
        ensure!(
            times.contains(&time),
            "--staking-time: {time} blocks are not within {} to {}",
            times.start(),
            times.end()
        );
        Ok(parameters)
    }
}

fn coin(text: &str) -> anyhow::Result<FundingCoin> {
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let [txid, vout, value, script] = parts.as_slice() else {
        bail!("a coin is TXID:INDEX:SATOSHIS:SCRIPT, or with a descriptor instead of the script")
    };
    let outpoint = OutPoint::new(txid.parse().context("TXID")?, vout.parse().context("INDEX")?);
    let value = Amount::from_sat(value.parse().context("SATOSHIS")?);
    if !script.contains('(') {
        let script_pubkey = ScriptBuf::from_hex(script).context("SCRIPT")?;
        return Ok(FundingCoin::new(outpoint, TxOut { value, script_pubkey })?);
    }
    let descriptor: Descriptor<DefiniteDescriptorKey> =
        script.parse().map_err(|e| anyhow!("the descriptor: {e}"))?;
    let script_pubkey = descriptor.script_pubkey();
    Ok(FundingCoin::with_descriptor(outpoint, TxOut { value, script_pubkey }, &descriptor)?)
}

/// A provider, and its chain if it is of a consumer chain.
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

/// Whom the stake goes to: one without a chain, or several with theirs.
pub(crate) fn staked_to(providers: &[Argument<Provider>]) -> anyhow::Result<StakedTo> {
    let providers = argument::read_all(providers)?;
    if let [(None, key)] = providers.as_slice() {
        return Ok(StakedTo::Genesis(*key));
    }
    let named = providers.iter().map(|(chain, key)| Some((chain.clone()?, *key)));
    let named: Option<Vec<_>> = named.collect();
    let named = named.ok_or_else(|| {
        anyhow!(
            "--finality-provider: on Babylon Genesis there is one; several are of a consumer chain each, CHAIN=KEY"
        )
    })?;
    Ok(StakedTo::Consumers(ConsumerProviders::new(named)?))
}
