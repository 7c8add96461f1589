//! Broken stakes: what a staker registers beside the parameters, and what a phase-1 stake announces.
//!
//!
//! A covenant member's check judges the first, the reading of announced stakes the second.

use bitcoin::Amount;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::secp256k1::schnorr;
use serde::Deserialize;
use serde_json::json;
use staking_scripts::delegation::PresignedSlashing;
use staking_scripts::outputs::OpReturnError;
use staking_scripts::phase1::{Phase1Error, parse_phase1_stake};
use staking_scripts::testing::key;
use staking_scripts::{Delegation, ParametersAt, ParametersHistory, Phase1Parameters, StakeViolation};

use super::Hex;
use super::negative::{amount, check, committee, decoded, timelock};
use crate::vectors::negative::{ACCEPT, Refusal, Rule, name, public_key, sized};
use crate::vectors::{chain_rules, staked_to};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registered {
    staker: Hex,
    finality_providers: Vec<Hex>,
    staking_time: u32,
    staking_value_sat: i64,
    unbonding_time: u32,
    /// A delegation's file does not repeat it: the transaction says it.
    #[serde(rename = "unbonding_value_sat")]
    _unbonding_value: i64,
    staking_transaction: Hex,
    slashing_transaction: Hex,
    slashing_signature: Hex,
    unbonding_transaction: Hex,
    unbonding_slashing_transaction: Hex,
    unbonding_slashing_signature: Hex,
    parameters: Parameters,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    covenant: Vec<Hex>,
    quorum: u32,
    min_staking_value_sat: i64,
    max_staking_value_sat: i64,
    min_staking_time_blocks: u32,
    max_staking_time_blocks: u32,
    slashing_pk_script: Hex,
    slashing_rate: String,
    min_slashing_tx_fee_sat: i64,
    unbonding_time_blocks: u32,
    unbonding_fee_sat: i64,
}

impl Parameters {
    /// As a node of the secured chain gives them.
    fn read(&self) -> Result<staking_scripts::Parameters, Refusal> {
        let hex = |keys: &[Hex]| keys.iter().map(|key| hex::encode(&key.0)).collect::<Vec<_>>();
        let file = json!([{
            "covenant_pks": hex(&self.covenant),
            "covenant_quorum": self.quorum,
            "min_staking_value_sat": self.min_staking_value_sat,
            "max_staking_value_sat": self.max_staking_value_sat,
            "min_staking_time_blocks": self.min_staking_time_blocks,
            "max_staking_time_blocks": self.max_staking_time_blocks,
            "slashing_pk_script": BASE64_STANDARD.encode(&self.slashing_pk_script.0),
            "min_slashing_tx_fee_sat": self.min_slashing_tx_fee_sat,
            "slashing_rate": self.slashing_rate,
            "unbonding_time_blocks": self.unbonding_time_blocks,
            "unbonding_fee_sat": self.unbonding_fee_sat,
            "btc_activation_height": 1,
        }]);
        let versions = ParametersHistory::<staking_scripts::Parameters>::from_json(&file.to_string());
        let versions = versions.map_err(|error| format!("parameters: {error}"))?;
        Ok(versions.get(0).unwrap().clone())
    }
}

impl Registered {
    /// What a covenant member does: every rule is checked. The vectors have no proof of possession, so one of
    /// another key stands in its place, and that rule is left out of the answer.
    fn check(&self) -> Result<(), Refusal> {
        let parameters = self.parameters.read()?;
        let (rules, _) = chain_rules(self.finality_providers.len(), &key("another", 0));
        let violations = self.request()?.check_under(&parameters, None, rules).unwrap_err();
        let mut rules: Vec<_> = violations.iter().map(StakeViolation::rule).collect();
        assert!(rules.contains(&"possession"));
        rules.retain(|rule| *rule != "possession");
        if rules.is_empty() { Ok(()) } else { Err(rules.join(", ")) }
    }

    fn request(&self) -> Result<Delegation, Refusal> {
        let providers =
            self.finality_providers.iter().map(|key| public_key(&key.0)).collect::<Result<Vec<_>, _>>()?;
        let signed = |transaction: &Hex, signature: &Hex| {
            let signature = schnorr::Signature::from_slice(&sized::<64>(&signature.0)?).map_err(name)?;
            Ok::<_, Refusal>(PresignedSlashing {
                transaction: decoded(transaction)?,
                staker_signature: Some(signature),
            })
        };
        Ok(Delegation {
            parameters: ParametersAt::Unstated,
            staker: public_key(&self.staker.0)?,
            staked_to: staked_to(&providers).map_err(name)?,
            staking_time_blocks: self.staking_time,
            staking_amount: amount(self.staking_value_sat)?,
            unbonding_time_blocks: self.unbonding_time,
            staking_transaction: decoded(&self.staking_transaction)?,
            unbonding_transaction: Some(decoded(&self.unbonding_transaction)?),
            slashing: Some(within("slashing", signed(&self.slashing_transaction, &self.slashing_signature))?),
            unbonding_slashing: Some(within(
                "unbonding slashing",
                signed(&self.unbonding_slashing_transaction, &self.unbonding_slashing_signature),
            )?),
            proof_of_possession: Some(chain_rules(providers.len(), &key("another", 0)).1),
            covenant_signatures: vec![],
            extends: None,
            inclusion: None,
        })
    }
}

/// Says in which transaction.
fn within<T>(what: &str, result: Result<T, Refusal>) -> Result<T, Refusal> {
    result.map_err(|refusal| format!("{what}: {refusal}"))
}

const UNBONDING: &[Rule] = &[
    ("fee_one_less", &[("unbonding_fee", 1)]),
    ("fee_one_more", &[("unbonding_fee", 1)]),
    ("fee_zero", &[("unbonding_fee", 1)]),
    ("input_added", &[("inputs", 1)]),
    ("input_twice", &[("inputs", 1)]),
    ("lock_time", &[("lock_time", 4)]),
    ("no_input", &[("Undecodable", 1)]),
    ("no_output", &[("outputs, unbonding_fee", 1)]),
    ("outpoint_index", &[("spends", 1)]),
    ("outpoint_null", &[("spends", 1)]),
    ("outpoint_of_another", &[("spends", 1)]),
    ("output_added", &[("outputs", 1)]),
    ("output_is_the_staking_output", &[("output_script, staker_signature", 1)]),
    ("output_of_another_provider", &[("output_script, staker_signature", 1)]),
    ("output_of_another_staker", &[("output_script, staker_signature", 1)]),
    ("output_one_block_early", &[("output_script, staker_signature", 1)]),
    ("output_one_block_late", &[("output_script, staker_signature", 1)]),
    ("output_with_a_lower_quorum", &[("output_script, staker_signature", 1)]),
    ("output_with_a_member_more", &[("output_script, staker_signature", 1)]),
    ("pays_more_than_it_spends", &[("unbonding_fee", 1)]),
    ("script_sig", &[("input", 1)]),
    ("sequence", &[("input", 4)]),
    ("value_above_all_bitcoin", &[("unbonding_fee, spends, output_amount, staker_signature", 1)]),
    ("value_negative", &[("unbonding_fee, spends, output_amount, staker_signature", 1)]),
    ("value_not_as_stated", &[("unbonding_fee", 1)]),
    ("version", &[("version", 4)]),
];

#[test]
fn unbonding() {
    check("unbonding", 35, UNBONDING, Registered::check);
}

const STAKE: &[Rule] = &[
    ("covenant_of_other_parameters", &[("staking_output", 1)]),
    ("lower_slashing_rate", &[(ACCEPT, 1)]),
    ("provider_added", &[("staking_output", 1)]),
    ("provider_of_another_stake", &[("staking_output", 1)]),
    (
        "quorum_of_other_parameters",
        &[("parameters: version 0: covenant_quorum: a quorum of 1 is not more than half of 2 members", 1)],
    ),
    ("slashing_rate_of_other_parameters", &[("output_amount, output_amount", 1)]),
    ("slashing_script_of_other_parameters", &[("output_script, output_script", 1)]),
    ("slashing_signature_bit", &[("staker_signature", 1)]),
    ("slashing_signature_of_another", &[("staker_signature", 1)]),
    ("slashing_signature_of_the_other_transaction", &[("staker_signature", 1)]),
    ("slashing_signature_through_another_leaf", &[("staker_signature", 1)]),
    ("slashing_signature_too_short", &[("slashing: Length", 1)]),
    ("slashing_signature_with_a_sighash_type", &[("slashing: Length", 1)]),
    (
        "slashing_transactions_swapped",
        &[("spends, output_amount, staker_signature, spends, fee_too_small, staker_signature", 1)],
    ),
    ("staking_output_missing", &[("staking_output", 1)]),
    ("staking_output_twice", &[("staking_output", 1)]),
    ("staking_output_twice_with_other_amounts", &[(ACCEPT, 1)]),
    ("staking_time_above_range", &[("staking_time", 1)]),
    ("staking_time_below_range", &[("staking_time", 1)]),
    ("staking_time_not_as_stated", &[("staking_output", 1)]),
    ("staking_value_above_range", &[("staking_amount", 1)]),
    ("staking_value_below_range", &[("staking_amount", 1)]),
    ("staking_value_not_as_stated", &[("staked_amount", 1)]),
    ("unbonding_slashing_signature_bit", &[("staker_signature", 1)]),
    ("unbonding_slashing_signature_of_another", &[("staker_signature", 1)]),
    ("unbonding_slashing_signature_of_the_other_transaction", &[("staker_signature", 1)]),
    ("unbonding_slashing_signature_through_another_leaf", &[("staker_signature", 1)]),
    ("unbonding_slashing_signature_too_short", &[("unbonding slashing: Length", 1)]),
    ("unbonding_slashing_signature_with_a_sighash_type", &[("unbonding slashing: Length", 1)]),
    ("unbonding_time_of_other_parameters", &[("unbonding_time", 1)]),
];

#[test]
fn stake() {
    check("stake", 30, STAKE, Registered::check);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Announced {
    tag: Hex,
    covenant: Vec<Hex>,
    quorum: u32,
    staking_transaction: Hex,
}

const ANNOUNCEMENT: &[Rule] = &[
    ("announced_for_two", &[("Repeated", 1)]),
    ("announced_twice", &[("Repeated", 1)]),
    ("announced_under_two_tags", &[("Repeated", 1)]),
    ("announcement_alone", &[("Absent", 1)]),
    ("covenant_empty", &[("QuorumAboveMembers", 1)]),
    ("covenant_of_another", &[("Absent", 1)]),
    ("empty", &[("NotAnnounced", 1)]),
    ("length_read_as_tag", &[(ACCEPT, 1)]),
    ("member_twice", &[("DuplicateMember", 1)]),
    ("no_op_return", &[("NotAnnounced", 1)]),
    ("not_announced", &[("NotAnnounced", 1)]),
    ("provider_is_a_member", &[("DuplicateKey", 1)]),
    ("provider_is_the_staker", &[("DuplicateKey", 1)]),
    ("provider_not_on_curve", &[("KeyOffCurve", 1)]),
    ("provider_of_another", &[("Absent", 1)]),
    ("push_cut_off", &[("NotAnnounced", 1)]),
    ("push_with_a_length_byte", &[("NotAnnounced", 1)]),
    ("quorum_above_members", &[("QuorumAboveMembers", 1)]),
    ("quorum_of_another", &[("Absent", 1)]),
    ("something_after_the_push", &[("NotAnnounced", 1)]),
    ("staker_is_a_member", &[("DuplicateKey", 1)]),
    ("staker_not_on_curve", &[("KeyOffCurve", 1)]),
    ("staker_of_another", &[("Absent", 1)]),
    ("staking_output_missing", &[("Absent", 1)]),
    ("staking_output_twice", &[("Repeated", 1)]),
    ("staking_output_twice_with_other_amounts", &[("Repeated", 1)]),
    ("tag_bit", &[("OtherTag", 2)]),
    ("tag_of_another", &[("OtherTag", 1)]),
    ("tag_too_long", &[("Length", 1)]),
    ("tag_too_short", &[("Length", 1)]),
    ("time_little_endian", &[("Absent", 1)]),
    ("time_of_another", &[("Absent", 1)]),
    ("time_zero", &[("NoStakingTime", 1)]),
    ("too_long", &[("NotAnnounced", 1)]),
    ("too_short", &[("NotAnnounced", 1)]),
    ("two_pushes", &[("NotAnnounced", 1)]),
    ("version", &[("NotAnnounced", 2)]),
];

#[test]
fn announcement() {
    check("announcement", 39, ANNOUNCEMENT, |case: &Announced| {
        let transaction = decoded(&case.staking_transaction)?;
        let tag = sized::<4>(&case.tag.0)?;
        let covenant = committee(&case.covenant, case.quorum)?;
        // The bounds are wide: the reference does not look at them here.
        let mut parameters =
            ParametersHistory::<Phase1Parameters>::mainnet_phase1().unwrap().get(0).unwrap().clone();
        (parameters.tag, parameters.covenant) = (tag, covenant);
        parameters.staking_time = timelock(1)?..=timelock(65_535)?;
        parameters.staking_amount = Amount::ONE_SAT..=Amount::MAX_MONEY;
        parse_phase1_stake(&transaction, &parameters).map(drop).map_err(|error| match error {
            // The staking output may be absent as well.
            Phase1Error::OpReturn(OpReturnError::Absent) => "NotAnnounced".to_owned(),
            Phase1Error::OpReturn(inner) => name(inner),
            Phase1Error::Parties(inner) => name(inner),
            Phase1Error::StakingOutput(inner) => name(inner),
            error => name(error),
        })
    });
}
