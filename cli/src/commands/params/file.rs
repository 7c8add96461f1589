//! All versions, in the form of a file that `--params` takes: the names and forms are those of the chain's
//! nodes.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use staking_scripts::parameters::StakingCap;
use staking_scripts::{CovenantCommittee, Parameters, ParametersHistory, Phase1Parameters};

use crate::view::parameters::{LiveVersion, Phase1Version};

/// All versions, as a node of Babylon Genesis prints them: numbers of 64 bits as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LiveFile {
    /// The parameters.
    pub params: Vec<Numbered>,
    /// Warnings about the versions that are built in.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The versions, for the text.
    #[serde(skip)]
    pub(super) shown: Vec<LiveVersion>,
}

/// A version and its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Numbered {
    /// The version, from 0.
    pub version: usize,
    /// The parameters.
    pub params: Live,
}

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// The covenant members' public keys, in hex.
    pub covenant_pks: Vec<String>,
    /// How many covenant members must sign.
    pub covenant_quorum: u16,
    /// The least amount of a stake, in satoshis.
    pub min_staking_value_sat: String,
    /// The greatest amount of a stake, in satoshis.
    pub max_staking_value_sat: String,
    /// The least staking time.
    pub min_staking_time_blocks: u16,
    /// The greatest staking time.
    pub max_staking_time_blocks: u16,
    /// The script pubkey that the slashed part is paid to, in base64.
    pub slashing_pk_script: String,
    /// The least fee of a slashing transaction, in satoshis.
    pub min_slashing_tx_fee_sat: String,
    /// The slashing rate: a part of 1.
    pub slashing_rate: String,
    /// The unbonding time.
    pub unbonding_time_blocks: u16,
    /// The fee of the unbonding transaction, in satoshis.
    pub unbonding_fee_sat: String,
    /// The least commission of a finality provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_commission_rate: Option<String>,
    /// The gas cost of a delegation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation_creation_base_gas_fee: Option<String>,
    /// The height until which the allow list holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_list_expiration_height: Option<String>,
    /// The Bitcoin height from which it is in force.
    pub btc_activation_height: u32,
}

/// All versions of phase 1, in the form of their file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Phase1File {
    /// The versions.
    pub versions: Vec<Phase1>,
    /// Warnings about the versions that are built in.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The versions, for the text.
    #[serde(skip)]
    pub(super) shown: Vec<Phase1Version>,
}

/// A version of phase 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Phase1 {
    /// The version, from 0.
    pub version: usize,
    /// The Bitcoin height from which it is in force.
    pub activation_height: u32,
    /// The cap of all stakes together, in satoshis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staking_cap: Option<u64>,
    /// The last height at which a stake is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_height: Option<u32>,
    /// The tag of the OP_RETURN output, in hex.
    pub tag: String,
    /// The covenant members' public keys, in hex.
    pub covenant_pks: Vec<String>,
    /// How many covenant members must sign.
    pub covenant_quorum: u16,
    /// The unbonding time in blocks.
    pub unbonding_time: u16,
    /// The fee of the unbonding transaction, in satoshis.
    pub unbonding_fee: u64,
    /// The greatest amount of a stake, in satoshis.
    pub max_staking_amount: u64,
    /// The least amount of a stake, in satoshis.
    pub min_staking_amount: u64,
    /// The greatest staking time in blocks.
    pub max_staking_time: u16,
    /// The least staking time in blocks.
    pub min_staking_time: u16,
    /// How many blocks deep a stake must be.
    pub confirmation_depth: u16,
}

fn keys<'a>(covenant: &'a CovenantCommittee, before: &'a str) -> Vec<String> {
    covenant.members().iter().map(|key| format!("{before}{key}")).collect()
}

impl From<&ParametersHistory<Parameters>> for LiveFile {
    fn from(versions: &ParametersHistory<Parameters>) -> Self {
        let params =
            versions.iter().enumerate().map(|(version, params)| Numbered { version, params: params.into() });
        Self { params: params.collect(), warnings: Vec::new(), shown: Vec::new() }
    }
}

impl From<&Parameters> for Live {
    fn from(parameters: &Parameters) -> Self {
        let (amount, time) = (parameters.staking_amount(), parameters.staking_time());
        let chain = parameters.chain();
        Self {
            covenant_pks: keys(parameters.covenant(), ""),
            covenant_quorum: parameters.covenant().quorum(),
            min_staking_value_sat: amount.start().to_sat().to_string(),
            max_staking_value_sat: amount.end().to_sat().to_string(),
            min_staking_time_blocks: time.start().blocks(),
            max_staking_time_blocks: time.end().blocks(),
            slashing_pk_script: BASE64_STANDARD.encode(parameters.slashing_pk_script()),
            min_slashing_tx_fee_sat: parameters.min_slashing_fee().to_sat().to_string(),
            slashing_rate: parameters.slashing_rate().to_string(),
            unbonding_time_blocks: parameters.unbonding_time().blocks(),
            unbonding_fee_sat: parameters.unbonding_fee().to_sat().to_string(),
            min_commission_rate: chain.min_commission_rate.clone(),
            delegation_creation_base_gas_fee: chain
                .delegation_creation_base_gas_fee
                .map(|gas| gas.to_string()),
            allow_list_expiration_height: chain.allow_list_expiration_height.map(|height| height.to_string()),
            btc_activation_height: parameters.activation_height().to_consensus_u32(),
        }
    }
}

impl From<&ParametersHistory<Phase1Parameters>> for Phase1File {
    fn from(versions: &ParametersHistory<Phase1Parameters>) -> Self {
        let versions = versions.iter().enumerate().map(Phase1::from).collect();
        Self { versions, warnings: Vec::new(), shown: Vec::new() }
    }
}

impl From<(usize, &Phase1Parameters)> for Phase1 {
    fn from((version, parameters): (usize, &Phase1Parameters)) -> Self {
        let (amount, time) = (&parameters.staking_amount, &parameters.staking_time);
        let (staking_cap, cap_height) = match parameters.cap {
            StakingCap::Amount(cap) => (Some(cap.to_sat()), None),
            StakingCap::Height(cap) => (None, Some(cap.to_consensus_u32())),
        };
        Self {
            version,
            activation_height: parameters.activation_height.to_consensus_u32(),
            staking_cap,
            cap_height,
            tag: hex::encode(parameters.tag),
            // This form has whole keys, of which only the x coordinate counts.
            covenant_pks: keys(&parameters.covenant, "02"),
            covenant_quorum: parameters.covenant.quorum(),
            unbonding_time: parameters.unbonding_time.blocks(),
            unbonding_fee: parameters.unbonding_fee.to_sat(),
            max_staking_amount: amount.end().to_sat(),
            min_staking_amount: amount.start().to_sat(),
            max_staking_time: time.end().blocks(),
            min_staking_time: time.start().blocks(),
            confirmation_depth: parameters.confirmation_depth,
        }
    }
}
