//! What a transaction spends and pays: what a signer must see before it signs.

use bitcoin::{Address, Amount, FeeRate, Network, Script};
use serde::{Deserialize, Serialize};
use staking_scripts::psbt::{InputSummary, OutputOwner, OutputSummary, PaymentSummary};

use super::fee::fee_warnings;

/// An input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PaymentInput {
    /// The output that it spends: TXID:INDEX.
    pub outpoint: String,
    /// The satoshis of that output; null when unknown.
    pub amount_sat: Option<u64>,
    /// The address of that output, on the network asked for; null when unknown or without an address.
    pub address: Option<String>,
    /// The script pubkey of that output, in hex; null when unknown.
    pub script_pubkey: Option<String>,
    /// The path through which it spends; null for a coin, and where it is unknown.
    pub path: Option<String>,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PaymentOutput {
    /// The satoshis.
    pub amount_sat: u64,
    /// The address, on the network asked for; null for a script without an address.
    pub address: Option<String>,
    /// The script pubkey, in hex.
    pub script_pubkey: String,
    /// Whose it is: `staker` (the key path of the staker's key), `change` (the signer's key; without a
    /// signer, the one script of all coins that are spent), `staking`, `unbonding` or `slashing-refund` (an
    /// output of a stake), `burnt` (OP_RETURN) or `unknown`.
    pub owner: String,
    /// The stake of an output of a stake, by its outpoint TXID:INDEX; null for others.
    pub stake: Option<String>,
    /// The staker's key of an output of a stake; null for others.
    pub staker: Option<String>,
}

/// What a transaction spends and pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) inputs: Vec<PaymentInput>,
    pub(crate) outputs: Vec<PaymentOutput>,
    pub(crate) fee_sat: Option<u64>,
    pub(crate) fee_rate_sat_per_kvb: Option<u64>,
    pub(crate) warnings: Vec<String>,
}

fn address(script: &Script, network: Network) -> Option<String> {
    Address::from_script(script, network).ok().map(|address| address.to_string())
}

/// Returns a fee rate in satoshis for 1000 virtual bytes, rounded down.
fn per_kvb(rate: FeeRate) -> u64 {
    rate.to_sat_per_kwu().saturating_mul(4)
}

impl Payment {
    /// Returns a summary with addresses of a network.
    pub(crate) fn new(summary: &PaymentSummary, network: Network) -> Self {
        let input = |input: &InputSummary| {
            let script = input.spent.as_ref().map(|spent| &spent.script_pubkey);
            PaymentInput {
                outpoint: input.outpoint.to_string(),
                amount_sat: input.spent.as_ref().map(|spent| spent.value.to_sat()),
                address: script.and_then(|script| address(script, network)),
                script_pubkey: script.map(|script| script.to_hex_string()),
                path: input.path.map(|path| path.to_string()),
            }
        };
        let output = |OutputSummary { output, owner, .. }: &OutputSummary| PaymentOutput {
            amount_sat: output.value.to_sat(),
            address: address(&output.script_pubkey, network),
            script_pubkey: output.script_pubkey.to_hex_string(),
            owner: owner.as_str().to_owned(),
            stake: match owner {
                OutputOwner::Protocol { stake, .. } => Some(stake.to_string()),
                _ => None,
            },
            staker: match owner {
                OutputOwner::Protocol { output, .. } => Some(output.staker().to_string()),
                _ => None,
            },
        };
        let spent = summary.inputs.iter().filter_map(|input| input.spent.as_ref());
        let moved =
            spent.fold(Amount::ZERO, |sum, spent| sum.checked_add(spent.value).unwrap_or(Amount::MAX));
        let warnings = summary.fee.map(|fee| fee_warnings(fee, moved, summary.fee_rate)).unwrap_or_default();
        Self {
            inputs: summary.inputs.iter().map(input).collect(),
            outputs: summary.outputs.iter().map(output).collect(),
            fee_sat: summary.fee.map(Amount::to_sat),
            fee_rate_sat_per_kvb: summary.fee_rate.map(per_kvb),
            warnings,
        }
    }

    /// Returns the lines of text for people.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.inputs, &self.outputs, self.fee_sat, self.fee_rate_sat_per_kvb)
    }
}

/// Returns the lines of text about what is spent and paid.
pub(crate) fn lines(
    inputs: &[PaymentInput],
    outputs: &[PaymentOutput],
    fee_sat: Option<u64>,
    fee_rate_sat_per_kvb: Option<u64>,
) -> Vec<String> {
    let of = |address: &Option<String>, script: Option<&String>| match (address, script) {
        (Some(address), _) => address.clone(),
        (None, Some(script)) => format!("script {script}"),
        (None, None) => "an unknown output".to_owned(),
    };
    let spends = inputs.iter().enumerate().map(|(index, input)| {
        let amount = input.amount_sat.map_or_else(|| "unknown".to_owned(), |amount| amount.to_string());
        let path = match (&input.path, input.amount_sat) {
            (Some(path), _) => format!("{path} path"),
            (None, Some(_)) => "coin".to_owned(),
            (None, None) => "unknown".to_owned(),
        };
        let place = of(&input.address, input.script_pubkey.as_ref());
        format!("input {index}  spends {}  {amount} sat  {place}  {path}", input.outpoint)
    });
    let pays = outputs.iter().enumerate().map(|(index, output)| {
        let place = of(&output.address, Some(&output.script_pubkey));
        let owner = match (&output.stake, &output.staker) {
            (Some(stake), Some(staker)) => {
                format!("{} output of the stake {stake}, staker {staker}", output.owner)
            }
            _ => output.owner.clone(),
        };
        format!("output {index}  pays {} sat  {place}  {owner}", output.amount_sat)
    });
    let rate = fee_rate_sat_per_kvb.and_then(|rate| u32::try_from(rate).ok());
    let rate = rate.map(|rate| format!(", {:.1} sat/vB", f64::from(rate) / 1000.0)).unwrap_or_default();
    let fee = match fee_sat {
        Some(fee) => format!("fee {fee} sat{rate}"),
        None => "fee unknown: not every input's amount is known".to_owned(),
    };
    spends.chain(pays).chain([fee]).collect()
}
