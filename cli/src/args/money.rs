//! Addresses and fee rates.

use anyhow::{Context, anyhow, ensure};
use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, FeeRate, ScriptBuf};
use clap::ValueEnum;
use staking_scripts::outputs::{MAX_FEE_RATE, UnsafeOutput, parse_address};

use super::network::NetworkName;

/// An address, of some network.
pub(crate) fn address(text: &str) -> anyhow::Result<Address<NetworkUnchecked>> {
    parse_address(text).map_err(|reason| anyhow!("{reason}"))
}

/// Returns the script of an address, which must be of this network: on another network nobody may have its
/// key.
pub(crate) fn on_network(
    flag: &str,
    address: &Address<NetworkUnchecked>,
    network: NetworkName,
) -> anyhow::Result<ScriptBuf> {
    let is_of = |network: &NetworkName| address.is_valid_for_network((*network).into());
    let networks =
        NetworkName::value_variants().iter().filter(|network| is_of(network)).map(ToString::to_string);
    ensure!(
        is_of(&network),
        "{flag}: {} is an address of {}; must be of {network}, as --network says",
        address.assume_checked_ref(),
        networks.collect::<Vec<_>>().join(" or ")
    );
    Ok(address.assume_checked_ref().script_pubkey())
}

/// Returns the script of an address to pay to: of this network, and one that somebody can spend on purpose.
pub(crate) fn destination(
    flag: &str,
    address: &Address<NetworkUnchecked>,
    network: NetworkName,
) -> anyhow::Result<ScriptBuf> {
    let script_pubkey = on_network(flag, address, network)?;
    let checked = UnsafeOutput::check_destination(&script_pubkey);
    checked.with_context(|| format!("{flag}: {}", address.assume_checked_ref()))?;
    Ok(script_pubkey)
}

/// Satoshis for a virtual byte, with decimals.
pub(crate) fn fee_rate(text: &str) -> anyhow::Result<FeeRate> {
    let rate: f64 = text.parse()?;
    // The library counts in satoshis for 1000 weight units; rounded up, so that no less is paid. What is no
    // such number is none as text either.
    let rate = format!("{:.0}", (rate * 250.0).ceil()).parse().ok().map(FeeRate::from_sat_per_kwu);
    rate.filter(|rate| *rate > FeeRate::ZERO && *rate <= MAX_FEE_RATE).ok_or_else(|| {
        anyhow!("a fee rate must be above 0 and at most {} sat/vB", MAX_FEE_RATE.to_sat_per_vb_floor())
    })
}
