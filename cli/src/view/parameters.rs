//! A version of the parameters that stakes are made under.

use serde::{Deserialize, Serialize};
use staking_scripts::parameters::{CheckpointParameters, StakingCap};
use staking_scripts::{CovenantCommittee, Parameters, Phase1Parameters};

use super::text::{STRONG, plain};

/// A version of the parameters, as the nodes of Babylon Genesis have them today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LiveVersion {
    /// `live` or `phase1`: which of the two forms of parameters this is.
    pub form: String,
    /// The version, from 0.
    pub version: usize,
    /// The Bitcoin height from which it is in force.
    pub activation_height: u32,
    /// The covenant members' public keys, in hex.
    pub covenant_pks: Vec<String>,
    /// How many covenant members must sign.
    pub covenant_quorum: u16,
    /// The least amount of a stake, in satoshis.
    pub min_staking_value_sat: u64,
    /// The greatest amount of a stake, in satoshis.
    pub max_staking_value_sat: u64,
    /// The least staking time.
    pub min_staking_time_blocks: u16,
    /// The greatest staking time.
    pub max_staking_time_blocks: u16,
    /// The script pubkey that the slashed part is paid to, in hex.
    pub slashing_script_pubkey: String,
    /// The slashing rate: a part of 1.
    pub slashing_rate: String,
    /// The least fee of a slashing transaction, in satoshis.
    pub min_slashing_tx_fee_sat: u64,
    /// The unbonding time.
    pub unbonding_time_blocks: u16,
    /// The fee of the unbonding transaction, in satoshis.
    pub unbonding_fee_sat: u64,
    /// The least commission of a finality provider; null when the file does not say.
    pub min_commission_rate: Option<String>,
    /// The gas cost of a delegation; null when the file does not say.
    pub delegation_creation_base_gas_fee: Option<u64>,
    /// The height until which the allow list holds; null when the file does not say.
    pub allow_list_expiration_height: Option<u64>,
    /// How many blocks must be on the one that includes a stake, so one less than its confirmations (k); null
    /// where a file says it not.
    pub btc_confirmation_depth: Option<u32>,
    /// The depth at which checkpoints are final, which every unbonding time is above (w); null where a file
    /// says it not.
    pub checkpoint_finalization_timeout: Option<u32>,
    /// Warnings about the versions that are built in, and about a version without its number.
    pub warnings: Vec<String>,
}

/// A version of the phase-1 parameters. Fields that both forms have are named alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Phase1Version {
    /// `live` or `phase1`: which of the two forms of parameters this is.
    pub form: String,
    /// The version, from 0.
    pub version: usize,
    /// The Bitcoin height from which it is in force.
    pub activation_height: u32,
    /// The cap of all stakes together in satoshis; null when the cap is a height.
    pub staking_cap_sat: Option<u64>,
    /// The last height at which a stake is accepted; null when the cap is an amount.
    pub cap_height: Option<u32>,
    /// The tag of the OP_RETURN output, in hex.
    pub tag: String,
    /// The covenant members' public keys, in hex.
    pub covenant_pks: Vec<String>,
    /// How many covenant members must sign.
    pub covenant_quorum: u16,
    /// The least amount of a stake, in satoshis.
    pub min_staking_value_sat: u64,
    /// The greatest amount of a stake, in satoshis.
    pub max_staking_value_sat: u64,
    /// The least staking time.
    pub min_staking_time_blocks: u16,
    /// The greatest staking time.
    pub max_staking_time_blocks: u16,
    /// The unbonding time.
    pub unbonding_time_blocks: u16,
    /// The fee of the unbonding transaction, in satoshis.
    pub unbonding_fee_sat: u64,
    /// How many blocks deep a stake must be.
    pub confirmation_depth: u16,
    /// Warnings about the versions that are built in.
    pub warnings: Vec<String>,
}

fn keys(covenant: &CovenantCommittee) -> Vec<String> {
    covenant.members().iter().map(ToString::to_string).collect()
}

impl LiveVersion {
    pub(crate) fn new(version: usize, parameters: &Parameters) -> Self {
        let (amount, time) = (parameters.staking_amount(), parameters.staking_time());
        let chain = parameters.chain();
        Self {
            form: "live".to_owned(),
            version,
            activation_height: parameters.activation_height().to_consensus_u32(),
            covenant_pks: keys(parameters.covenant()),
            covenant_quorum: parameters.covenant().quorum(),
            min_staking_value_sat: amount.start().to_sat(),
            max_staking_value_sat: amount.end().to_sat(),
            min_staking_time_blocks: time.start().blocks(),
            max_staking_time_blocks: time.end().blocks(),
            slashing_script_pubkey: parameters.slashing_pk_script().to_hex_string(),
            slashing_rate: parameters.slashing_rate().to_string(),
            min_slashing_tx_fee_sat: parameters.min_slashing_fee().to_sat(),
            unbonding_time_blocks: parameters.unbonding_time().blocks(),
            unbonding_fee_sat: parameters.unbonding_fee().to_sat(),
            min_commission_rate: chain.min_commission_rate.clone(),
            delegation_creation_base_gas_fee: chain.delegation_creation_base_gas_fee,
            allow_list_expiration_height: chain.allow_list_expiration_height,
            btc_confirmation_depth: None,
            checkpoint_finalization_timeout: None,
            warnings: Vec::new(),
        }
    }

    /// Returns the version with the depths of its chain.
    pub(crate) fn with_depths(self, depths: CheckpointParameters) -> Self {
        let CheckpointParameters { confirmation_depth, finalization_timeout } = depths;
        Self {
            btc_confirmation_depth: Some(confirmation_depth),
            checkpoint_finalization_timeout: Some(finalization_timeout),
            ..self
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut lines = vec![heading(self.version, self.activation_height)];
        lines.extend(committee(&self.covenant_pks, self.covenant_quorum));
        lines.push(range("staking amount", self.min_staking_value_sat, self.max_staking_value_sat, "sat"));
        lines.push(range(
            "staking time",
            self.min_staking_time_blocks,
            self.max_staking_time_blocks,
            "blocks",
        ));
        lines.push(line("unbonding time", format!("{} blocks", self.unbonding_time_blocks)));
        lines.push(line("unbonding fee", format!("{} sat", self.unbonding_fee_sat)));
        lines.push(line("slashing rate", &self.slashing_rate));
        lines.push(line("least slashing fee", format!("{} sat", self.min_slashing_tx_fee_sat)));
        lines.push(line("slashing script", &self.slashing_script_pubkey));
        // What concerns Babylon Genesis only, as far as the file has it.
        lines.extend(self.min_commission_rate.as_ref().map(|rate| line("least commission", plain(rate))));
        lines.extend(self.delegation_creation_base_gas_fee.map(|gas| line("delegation gas", gas)));
        lines.extend(self.allow_list_expiration_height.map(|height| line("allow list until", height)));
        // Of the chain, whatever the version.
        let confirmations = |depth: u32| {
            format!("{depth} blocks on the block of a stake, {} confirmations", depth.saturating_add(1))
        };
        lines.extend(self.btc_confirmation_depth.map(|depth| line("depth", confirmations(depth))));
        let window = self.checkpoint_finalization_timeout;
        lines.extend(window.map(|depth| line("checkpoint window", format!("{depth} blocks"))));
        lines.join("\n")
    }
}

impl Phase1Version {
    pub(crate) fn new(version: usize, parameters: &Phase1Parameters) -> Self {
        let (amount, time) = (&parameters.staking_amount, &parameters.staking_time);
        let (staking_cap_sat, cap_height) = match parameters.cap {
            StakingCap::Amount(cap) => (Some(cap.to_sat()), None),
            StakingCap::Height(cap) => (None, Some(cap.to_consensus_u32())),
        };
        Self {
            form: "phase1".to_owned(),
            version,
            activation_height: parameters.activation_height.to_consensus_u32(),
            staking_cap_sat,
            cap_height,
            tag: hex::encode(parameters.tag),
            covenant_pks: keys(&parameters.covenant),
            covenant_quorum: parameters.covenant.quorum(),
            min_staking_value_sat: amount.start().to_sat(),
            max_staking_value_sat: amount.end().to_sat(),
            min_staking_time_blocks: time.start().blocks(),
            max_staking_time_blocks: time.end().blocks(),
            unbonding_time_blocks: parameters.unbonding_time.blocks(),
            unbonding_fee_sat: parameters.unbonding_fee.to_sat(),
            confirmation_depth: parameters.confirmation_depth,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut lines = vec![heading(self.version, self.activation_height)];
        lines.extend(self.staking_cap_sat.map(|cap| line("staking cap", format!("{cap} sat"))));
        lines.extend(
            self.cap_height.map(|cap| line("stakes until", format!("height {cap}, itself included"))),
        );
        lines.push(line("tag", &self.tag));
        lines.extend(committee(&self.covenant_pks, self.covenant_quorum));
        lines.push(range("staking amount", self.min_staking_value_sat, self.max_staking_value_sat, "sat"));
        lines.push(range(
            "staking time",
            self.min_staking_time_blocks,
            self.max_staking_time_blocks,
            "blocks",
        ));
        lines.push(line("unbonding time", format!("{} blocks", self.unbonding_time_blocks)));
        lines.push(line("unbonding fee", format!("{} sat", self.unbonding_fee_sat)));
        lines.push(line("confirmation depth", self.confirmation_depth));
        lines.join("\n")
    }
}

fn heading(version: usize, activation_height: u32) -> String {
    format!("{STRONG}version {version}{STRONG:#}, in force from height {activation_height} on")
}

fn line(name: &str, value: impl ToString) -> String {
    format!("{name:<20}{}", value.to_string())
}

fn range<N: PartialEq + ToString>(name: &str, least: N, most: N, unit: &str) -> String {
    let (same, least, most) = (least == most, least.to_string(), most.to_string());
    line(name, if same { format!("{least} {unit}") } else { format!("{least} to {most} {unit}") })
}

fn committee(keys: &[String], quorum: u16) -> Vec<String> {
    let quorum = line("covenant quorum", format!("{quorum} of {}", keys.len()));
    [quorum].into_iter().chain(keys.iter().map(|key| line("covenant member", key))).collect()
}
