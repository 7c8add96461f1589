//! Broken stakes: what a staker registers beside the parameters, and what a phase-1 stake announces.
//!
//! Our library takes none of these as a whole. The tests do what a caller would: build everything from what is stated and from the
//! parameters, compare it with what is given, and verify the staker's signatures over our own transactions.

use bitcoin::{ScriptBuf, secp256k1::schnorr};
use serde::Deserialize;
use staking_scripts::{
    Funded, Slashable, SlashingTerms, SlashingTransaction, StakingOutput, UnbondingOutput, UnbondingTransaction,
    explain,
};

use super::Hex;
use super::negative::{amount, check, decoded, parties, rate, same, timelock};
use crate::vectors::negative::{ACCEPT, Refusal, Rule, name, sized};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registered {
    staker: Hex,
    finality_providers: Vec<Hex>,
    staking_time: u32,
    staking_value_sat: i64,
    unbonding_time: u32,
    unbonding_value_sat: i64,
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
    /// The bounds, which no function of ours checks: `Parameters` of the library has the ranges, and the caller looks.
    #[serde(rename = "min_staking_value_sat")]
    _min_staking_value: i64,
    #[serde(rename = "max_staking_value_sat")]
    _max_staking_value: i64,
    #[serde(rename = "min_staking_time_blocks")]
    _min_staking_time: u32,
    #[serde(rename = "max_staking_time_blocks")]
    _max_staking_time: u32,
    slashing_pk_script: Hex,
    slashing_rate: String,
    min_slashing_tx_fee_sat: i64,
    unbonding_time_blocks: u32,
    unbonding_fee_sat: i64,
}

impl Registered {
    fn check(&self) -> Result<(), Refusal> {
        let parameters = &self.parameters;
        let parties = parties(&self.staker, &self.finality_providers, &parameters.covenant, parameters.quorum)?;
        let output = StakingOutput::new(parties.clone(), timelock(self.staking_time)?).map_err(name)?;
        let staking = Funded::find(output, &decoded(&self.staking_transaction)?).map_err(name)?;
        if staking.amount() != amount(self.staking_value_sat)? {
            return Err("stated: staking value".to_owned());
        }
        if self.unbonding_time != parameters.unbonding_time_blocks {
            return Err("stated: unbonding time".to_owned());
        }
        let waiting = UnbondingOutput::new(parties, timelock(parameters.unbonding_time_blocks)?).map_err(name)?;
        let unbonding =
            UnbondingTransaction::new(&staking, waiting, amount(parameters.unbonding_fee_sat)?).map_err(name)?;
        within("unbonding", same(unbonding.unsigned(), &self.unbonding_transaction))?;
        let waiting = unbonding.unbonding_output();
        if waiting.amount() != amount(self.unbonding_value_sat)? {
            return Err("stated: unbonding value".to_owned());
        }
        within("slashing", self.slash(&staking, &self.slashing_transaction, &self.slashing_signature))?;
        let (transaction, signature) = (&self.unbonding_slashing_transaction, &self.unbonding_slashing_signature);
        within("unbonding slashing", self.slash(&waiting, transaction, signature))
    }

    fn slash<O: Slashable>(&self, source: &Funded<O>, transaction: &Hex, signature: &Hex) -> Result<(), Refusal> {
        let terms = SlashingTerms {
            pk_script: ScriptBuf::from_bytes(self.parameters.slashing_pk_script.0.clone()),
            rate: rate(&self.parameters.slashing_rate)?,
            fee: amount(self.parameters.min_slashing_tx_fee_sat)?,
            unbonding_time: timelock(self.parameters.unbonding_time_blocks)?,
        };
        let ours = SlashingTransaction::new(source, &terms).map_err(name)?;
        same(ours.unsigned(), transaction)?;
        let signature = schnorr::Signature::from_slice(&sized::<64>(&signature.0)?).map_err(name)?;
        ours.verify_staker(&signature).map_err(name)
    }
}

/// Says in which transaction.
fn within(what: &str, result: Result<(), Refusal>) -> Result<(), Refusal> {
    result.map_err(|refusal| format!("{what}: {refusal}"))
}

const UNBONDING: &[Rule] = &[
    ("fee_one_less", &[("unbonding: differs: value 0", 1)]),
    ("fee_one_more", &[("unbonding: differs: value 0", 1)]),
    ("fee_zero", &[("unbonding: differs: value 0", 1)]),
    ("input_added", &[("unbonding: differs: inputs", 1)]),
    ("input_twice", &[("unbonding: differs: inputs", 1)]),
    ("lock_time", &[("unbonding: differs: lock time", 4)]),
    ("no_input", &[("unbonding: Undecodable", 1)]),
    ("no_output", &[("unbonding: differs: outputs", 1)]),
    ("outpoint_index", &[("unbonding: differs: outpoint", 1)]),
    ("outpoint_null", &[("unbonding: differs: outpoint", 1)]),
    ("outpoint_of_another", &[("unbonding: differs: outpoint", 1)]),
    ("output_added", &[("unbonding: differs: outputs", 1)]),
    ("output_is_the_staking_output", &[("unbonding: differs: script 0", 1)]),
    ("output_of_another_provider", &[("unbonding: differs: script 0", 1)]),
    ("output_of_another_staker", &[("unbonding: differs: script 0", 1)]),
    ("output_one_block_early", &[("unbonding: differs: script 0", 1)]),
    ("output_one_block_late", &[("unbonding: differs: script 0", 1)]),
    ("output_with_a_lower_quorum", &[("unbonding: differs: script 0", 1)]),
    ("output_with_a_member_more", &[("unbonding: differs: script 0", 1)]),
    ("pays_more_than_it_spends", &[("unbonding: differs: value 0", 1)]),
    ("script_sig", &[("unbonding: differs: script_sig", 1)]),
    ("sequence", &[("unbonding: differs: sequence", 4)]),
    ("value_above_all_bitcoin", &[("unbonding: differs: value 0", 1)]),
    ("value_negative", &[("unbonding: differs: value 0", 1)]),
    ("value_not_as_stated", &[("unbonding: differs: value 0", 1)]),
    ("version", &[("unbonding: differs: version", 4)]),
];

#[test]
fn unbonding() {
    check("unbonding", 35, UNBONDING, Registered::check);
}

const STAKE: &[Rule] = &[
    ("covenant_of_other_parameters", &[("Absent", 1)]),
    ("lower_slashing_rate", &[("slashing: differs: value 0", 1)]),
    ("provider_added", &[("Absent", 1)]),
    ("provider_of_another_stake", &[("Absent", 1)]),
    ("quorum_of_other_parameters", &[("Absent", 1)]),
    ("slashing_rate_of_other_parameters", &[("slashing: differs: value 0", 1)]),
    ("slashing_script_of_other_parameters", &[("slashing: differs: script 0", 1)]),
    ("slashing_signature_bit", &[("slashing: InvalidStakerSignature", 1)]),
    ("slashing_signature_of_another", &[("slashing: InvalidStakerSignature", 1)]),
    ("slashing_signature_of_the_other_transaction", &[("slashing: InvalidStakerSignature", 1)]),
    ("slashing_signature_through_another_leaf", &[("slashing: InvalidStakerSignature", 1)]),
    ("slashing_signature_too_short", &[("slashing: Length", 1)]),
    ("slashing_signature_with_a_sighash_type", &[("slashing: Length", 1)]),
    ("slashing_transactions_swapped", &[("slashing: differs: outpoint", 1)]),
    ("staking_output_missing", &[("Absent", 1)]),
    ("staking_output_twice", &[("Repeated", 1)]),
    ("staking_output_twice_with_other_amounts", &[("Repeated", 1)]),
    ("staking_time_above_range", &[(ACCEPT, 1)]),
    ("staking_time_below_range", &[(ACCEPT, 1)]),
    ("staking_time_not_as_stated", &[("Absent", 1)]),
    ("staking_value_above_range", &[(ACCEPT, 1)]),
    ("staking_value_below_range", &[(ACCEPT, 1)]),
    ("staking_value_not_as_stated", &[("stated: staking value", 1)]),
    ("unbonding_slashing_signature_bit", &[("unbonding slashing: InvalidStakerSignature", 1)]),
    ("unbonding_slashing_signature_of_another", &[("unbonding slashing: InvalidStakerSignature", 1)]),
    ("unbonding_slashing_signature_of_the_other_transaction", &[("unbonding slashing: InvalidStakerSignature", 1)]),
    ("unbonding_slashing_signature_through_another_leaf", &[("unbonding slashing: InvalidStakerSignature", 1)]),
    ("unbonding_slashing_signature_too_short", &[("unbonding slashing: Length", 1)]),
    ("unbonding_slashing_signature_with_a_sighash_type", &[("unbonding slashing: Length", 1)]),
    ("unbonding_time_of_other_parameters", &[("stated: unbonding time", 1)]),
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
    ("announced_for_two", &[("not announced", 1)]),
    ("announced_twice", &[("not announced", 1)]),
    ("announced_under_two_tags", &[("not announced", 1)]),
    ("announcement_alone", &[("Absent", 1)]),
    ("covenant_empty", &[("QuorumAboveMembers", 1)]),
    ("covenant_of_another", &[("Absent", 1)]),
    ("empty", &[("not announced", 1)]),
    ("length_read_as_tag", &[(ACCEPT, 1)]),
    ("member_twice", &[("DuplicateMember", 1)]),
    ("no_op_return", &[("not announced", 1)]),
    ("not_announced", &[("not announced", 1)]),
    ("provider_is_a_member", &[("DuplicateKey", 1)]),
    ("provider_is_the_staker", &[("DuplicateKey", 1)]),
    ("provider_not_on_curve", &[("not announced", 1)]),
    ("provider_of_another", &[("Absent", 1)]),
    ("push_cut_off", &[("not announced", 1)]),
    ("push_with_a_length_byte", &[("not announced", 1)]),
    ("quorum_above_members", &[("QuorumAboveMembers", 1)]),
    ("quorum_of_another", &[("Absent", 1)]),
    ("something_after_the_push", &[("not announced", 1)]),
    ("staker_is_a_member", &[("DuplicateKey", 1)]),
    ("staker_not_on_curve", &[("not announced", 1)]),
    ("staker_of_another", &[("Absent", 1)]),
    ("staking_output_missing", &[("Absent", 1)]),
    ("staking_output_twice", &[("Repeated", 1)]),
    ("staking_output_twice_with_other_amounts", &[("Repeated", 1)]),
    ("tag_bit", &[("another tag", 2)]),
    ("tag_of_another", &[("another tag", 1)]),
    ("tag_too_long", &[("Length", 1)]),
    ("tag_too_short", &[("Length", 1)]),
    ("time_little_endian", &[("Absent", 1)]),
    ("time_of_another", &[("Absent", 1)]),
    ("time_zero", &[("not announced", 1)]),
    ("too_long", &[("not announced", 1)]),
    ("too_short", &[("not announced", 1)]),
    ("two_pushes", &[("not announced", 1)]),
    ("version", &[("not announced", 2)]),
];

#[test]
fn announcement() {
    check("announcement", 39, ANNOUNCEMENT, |case: &Announced| {
        let transaction = decoded(&case.staking_transaction)?;
        let tag = sized::<4>(&case.tag.0)?;
        let said = explain(&transaction).announcement.ok_or("not announced")?;
        if said.tag != tag {
            return Err("another tag".to_owned());
        }
        let key = |key: bitcoin::XOnlyPublicKey| Hex(key.serialize().to_vec());
        let parties = parties(&key(said.staker), &[key(said.finality_provider)], &case.covenant, case.quorum)?;
        let output = StakingOutput::new(parties, said.staking_time).map_err(name)?;
        Funded::find(output, &transaction).map(drop).map_err(name)
    });
}
