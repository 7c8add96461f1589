//! All versions, in the form of a file that `--params` takes.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;
use staking_scripts::{CovenantCommittee, Parameters, Phase1Parameters, StakingCap, Versions};

/// The form of today, as a node of the secured chain prints it: numbers of 64 bits as text.
#[derive(Serialize)]
pub(super) struct LiveFile {
    params: Vec<Numbered>,
}

#[derive(Serialize)]
struct Numbered {
    version: usize,
    params: Live,
}

#[derive(Serialize)]
struct Live {
    covenant_pks: Vec<String>,
    covenant_quorum: u16,
    min_staking_value_sat: String,
    max_staking_value_sat: String,
    min_staking_time_blocks: u16,
    max_staking_time_blocks: u16,
    slashing_pk_script: String,
    min_slashing_tx_fee_sat: String,
    slashing_rate: String,
    unbonding_time_blocks: u16,
    unbonding_fee_sat: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_commission_rate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegation_creation_base_gas_fee: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_list_expiration_height: Option<String>,
    btc_activation_height: u32,
}

/// The form of phase 1.
#[derive(Serialize)]
pub(super) struct Phase1File {
    versions: Vec<Phase1>,
}

#[derive(Serialize)]
struct Phase1 {
    version: usize,
    activation_height: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    staking_cap: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cap_height: Option<u32>,
    tag: String,
    covenant_pks: Vec<String>,
    covenant_quorum: u16,
    unbonding_time: u16,
    unbonding_fee: u64,
    max_staking_amount: u64,
    min_staking_amount: u64,
    max_staking_time: u16,
    min_staking_time: u16,
    confirmation_depth: u16,
}

fn keys<'a>(covenant: &'a CovenantCommittee, before: &'a str) -> Vec<String> {
    covenant.members().iter().map(|key| format!("{before}{key}")).collect()
}

impl From<&Versions<Parameters>> for LiveFile {
    fn from(versions: &Versions<Parameters>) -> Self {
        let params =
            versions.iter().enumerate().map(|(version, params)| Numbered { version, params: params.into() });
        Self { params: params.collect() }
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

impl From<&Versions<Phase1Parameters>> for Phase1File {
    fn from(versions: &Versions<Phase1Parameters>) -> Self {
        Self { versions: versions.iter().enumerate().map(Phase1::from).collect() }
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
