//! Broken outputs, rates, slashing transactions and covenant signatures. Each is refused for the reason in
//! the tables, except those that [`ACCEPTED`] names.
//!
//! Our library builds every slashing and unbonding transaction itself and never takes one from elsewhere. So
//! a broken one is compared with ours: "differs" means that it is not the one that would be signed.

use bitcoin::XOnlyPublicKey;
use bitcoin::consensus::encode;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Transaction};
use eots::AdaptorSignature;
use serde::Deserialize;
use staking_scripts::LeafTransaction as _;
use staking_scripts::outputs::SlashingRefundOutput;
use staking_scripts::transactions::{
    CovenantAdaptorSignatures, HasTaproot, Slashable, SlashingError, SlashingParameters, SlashingRate,
};
use staking_scripts::{
    CovenantCommittee, Funded, Parties, SlashingTransaction, StakingOutput, Timelock, UnbondingOutput,
};

use super::{Hex, cases_of};
use crate::vectors::negative::{
    ACCEPT, Accepted, Case, Refusal, Rule, check_among, count_kinds, name, not_built, public_key,
};

/// Kind, rule, how many cases we accept, and why.
const ACCEPTED: &[Accepted] = &[
    ("slashing_rate", "nineteen_decimals", 1, "zeros at the end say nothing, and the rate is a valid one"),
    (
        "slashing",
        "funding_input_twice",
        1,
        "the rest of the funding transaction is not looked at: no block can hold it",
    ),
    (
        "slashing",
        "funding_value_above_all_bitcoin",
        1,
        "the rest of the funding transaction is not looked at",
    ),
    (
        "stake",
        "lower_slashing_rate",
        1,
        "it slashes more than the parameters say, which the reference takes too",
    ),
    (
        "stake",
        "staking_output_twice_with_other_amounts",
        1,
        "the staking output is the one with the stated amount, as for the chain",
    ),
    (
        "announcement",
        "length_read_as_tag",
        1,
        "as the reference reads it: a tag that begins with the length, which no network has",
    ),
];

fn all() -> impl Iterator<Item = Case> {
    cases_of::<Case>("staking", "negative", 263).map(|(_, case)| case)
}

pub(super) fn check<C: serde::de::DeserializeOwned>(
    kind: &str,
    count: usize,
    table: &[Rule],
    run: impl Fn(&C) -> Result<(), Refusal>,
) {
    check_among(all(), ACCEPTED, (kind, count), table, run);
}

fn keys(keys: &[Hex]) -> Result<Vec<XOnlyPublicKey>, Refusal> {
    keys.iter().map(|key| public_key(&key.0)).collect()
}

pub(super) fn committee(covenant: &[Hex], quorum: u32) -> Result<CovenantCommittee, Refusal> {
    let quorum = u16::try_from(quorum).map_err(|_| "QuorumNotInRange".to_owned())?;
    CovenantCommittee::new(keys(covenant)?, quorum).map_err(name)
}

fn parties(staker: &Hex, providers: &[Hex], covenant: &[Hex], quorum: u32) -> Result<Parties, Refusal> {
    Parties::new(public_key(&staker.0)?, keys(providers)?, committee(covenant, quorum)?).map_err(name)
}

pub(super) fn timelock(blocks: u32) -> Result<Timelock, Refusal> {
    Timelock::from_blocks(blocks).map_err(name)
}

pub(super) fn rate(text: &str) -> Result<SlashingRate, Refusal> {
    text.parse::<SlashingRate>().map_err(name)
}

/// An amount that may be negative in the file, which no amount of ours is.
pub(super) fn amount(sat: i64) -> Result<Amount, Refusal> {
    u64::try_from(sat).map(Amount::from_sat).map_err(|_| "Negative".to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    output: String,
    staker: Hex,
    finality_providers: Vec<Hex>,
    covenant: Vec<Hex>,
    quorum: u32,
    timelock: u32,
}

const OUTPUT: &[Rule] = &[
    ("member_not_on_curve", &[("key: InvalidPublicKey", 2)]),
    ("member_too_short", &[("key: InvalidPublicKey", 2)]),
    ("member_twice", &[("DuplicateMember", 2)]),
    ("no_member", &[("QuorumAboveMembers", 2)]),
    ("no_provider", &[("NoFinalityProvider", 2)]),
    ("provider_compressed", &[("key: InvalidPublicKey", 2)]),
    ("provider_is_a_member", &[("DuplicateKey", 2)]),
    ("provider_not_on_curve", &[("key: InvalidPublicKey", 2)]),
    ("provider_twice", &[("DuplicateKey", 2)]),
    ("quorum_above_members", &[("QuorumAboveMembers", 2)]),
    ("quorum_past_16_bits", &[("QuorumNotInRange", 2)]),
    ("quorum_zero", &[("QuorumZero", 2)]),
    ("quorum_zero_of_one", &[("QuorumZero", 2)]),
    ("staker_above_p", &[("key: InvalidPublicKey", 2)]),
    ("staker_is_a_member", &[("DuplicateKey", 2)]),
    ("staker_is_a_provider", &[("DuplicateKey", 2)]),
    ("staker_not_on_curve", &[("key: InvalidPublicKey", 3)]),
    ("timelock_zero", &[("InvalidTimelock", 3)]),
];

#[test]
fn output() {
    check("output", 38, OUTPUT, |case: &Output| {
        let parties = parties(&case.staker, &case.finality_providers, &case.covenant, case.quorum)?;
        let timelock = timelock(case.timelock)?;
        match case.output.as_str() {
            "staking" => StakingOutput::new(parties, timelock).map(drop),
            "unbonding" => UnbondingOutput::new(parties, timelock).map(drop),
            "refund" => SlashingRefundOutput::new(*parties.staker(), timelock).map(drop),
            other => panic!("an output {other}"),
        }
        .map_err(name)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    rate: String,
}

const RATE: &[Rule] = &[
    ("above_one", &[("InvalidSlashingRate", 3)]),
    ("five_decimals", &[("InvalidSlashingRate", 3)]),
    ("leading_zeros", &[("InvalidSlashingRate", 1)]),
    ("many_decimals", &[("InvalidSlashingRate", 3)]),
    ("negative", &[("InvalidSlashingRate", 2)]),
    ("nineteen_decimals", &[(ACCEPT, 1)]),
    ("no_number", &[("InvalidSlashingRate", 10)]),
    ("one", &[("InvalidSlashingRate", 2)]),
    ("plus_sign", &[("InvalidSlashingRate", 1)]),
    ("zero", &[("InvalidSlashingRate", 3)]),
];

#[test]
fn slashing_rate() {
    check("slashing_rate", 29, RATE, |case: &Rate| rate(&case.rate).map(drop));
}

/// What a slashing transaction is built from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    source: Source,
    staking_time: u32,
    unbonding_time: u32,
    staker: Hex,
    finality_providers: Vec<Hex>,
    covenant: Vec<Hex>,
    quorum: u32,
    funding_transaction: Hex,
    vout: u32,
    slashing_pk_script: Hex,
    slashing_rate: String,
    fee_sat: i64,
    /// Only where somebody else's transaction is given.
    slashing_transaction: Option<Hex>,
    /// Only where a covenant member's signatures are given.
    member: Option<Hex>,
    adaptor_signatures: Option<Vec<Hex>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Staking,
    Unbonding,
}

impl Terms {
    /// Our slashing transaction.
    fn build(&self) -> Result<SlashingTransaction, Refusal> {
        let parties = parties(&self.staker, &self.finality_providers, &self.covenant, self.quorum)?;
        match self.source {
            Source::Staking => {
                self.build_for(StakingOutput::new(parties, timelock(self.staking_time)?).map_err(name)?)
            }
            Source::Unbonding => {
                self.build_for(UnbondingOutput::new(parties, timelock(self.unbonding_time)?).map_err(name)?)
            }
        }
    }

    fn build_for<O: Slashable + HasTaproot>(&self, output: O) -> Result<SlashingTransaction, Refusal> {
        let source = Funded::at(output, &decoded(&self.funding_transaction)?, self.vout).map_err(name)?;
        let terms = SlashingParameters {
            pk_script: ScriptBuf::from_bytes(self.slashing_pk_script.0.clone()),
            rate: rate(&self.slashing_rate)?,
            fee: amount(self.fee_sat)?,
            unbonding_time: timelock(self.unbonding_time)?,
        };
        SlashingTransaction::of_version(&source, &terms, Version::ONE).map_err(not_built)
    }
}

/// The name of what is behind an error of slashing.
fn refusal(error: SlashingError) -> Refusal {
    match error {
        SlashingError::Finalize(error) => name(error),
        error => name(error),
    }
}

const BUILD: &[Rule] = &[
    ("fee_negative", &[("Negative", 1)]),
    ("fee_zero", &[("NoSlashingFee", 1)]),
    ("less_than_nothing_left", &[("SlashingFeeNotPaid", 1)]),
    ("no_such_output", &[("NoSuchOutput", 1)]),
    ("nothing_left", &[("SlashingFeeNotPaid", 1)]),
    ("nothing_slashed", &[("NothingSlashed", 1)]),
    ("nothing_staked", &[("NothingSlashed", 1)]),
    ("output_not_taproot", &[("WrongOutput", 1)]),
    ("output_of_another", &[("WrongOutput", 1)]),
    ("rate_five_decimals", &[("InvalidSlashingRate", 1)]),
    ("rate_one", &[("InvalidSlashingRate", 1)]),
    ("rate_zero", &[("InvalidSlashingRate", 1)]),
    ("refund_dust", &[("Dust", 2)]),
    ("refund_time_zero", &[("InvalidTimelock", 1)]),
    ("slashed_dust", &[("Dust", 5)]),
    ("slashing_script_empty", &[("NotADestination", 1)]),
    ("slashing_script_unspendable", &[("NotADestination", 1)]),
];

#[test]
fn slashing_build() {
    check("slashing_build", 22, BUILD, |case: &Terms| case.build().map(drop));
}

const SLASHING: &[Rule] = &[
    ("fee_below_minimum", &[("differs: value 1", 1)]),
    ("fee_zero", &[("differs: value 1", 1)]),
    ("funding_input_twice", &[(ACCEPT, 1)]),
    ("funding_value_above_all_bitcoin", &[(ACCEPT, 1)]),
    ("funding_without_input", &[("Undecodable", 1)]),
    ("input_added", &[("differs: inputs", 1)]),
    ("input_twice", &[("differs: inputs", 1)]),
    ("lock_time", &[("differs: lock time", 4)]),
    ("minimum_fee_negative", &[("Negative", 1)]),
    ("minimum_fee_zero", &[("NoSlashingFee", 1)]),
    ("no_input", &[("Undecodable", 1)]),
    ("no_output", &[("differs: outputs", 1)]),
    ("no_such_output", &[("NoSuchOutput", 1)]),
    ("outpoint_index", &[("differs: outpoint", 1)]),
    ("outpoint_null", &[("differs: outpoint", 1)]),
    ("outpoint_of_another", &[("differs: outpoint", 1)]),
    ("output_added", &[("differs: outputs", 1)]),
    ("output_missing", &[("differs: outputs", 1)]),
    ("outputs_swapped", &[("differs: script 0", 1)]),
    ("pays_more_than_it_spends", &[("differs: value 1", 1)]),
    ("rate_five_decimals", &[("InvalidSlashingRate", 1)]),
    ("rate_one", &[("InvalidSlashingRate", 1)]),
    ("rate_zero", &[("InvalidSlashingRate", 1)]),
    ("refund_after_the_staking_time", &[("differs: script 1", 1)]),
    ("refund_dust", &[("differs: value 1", 1)]),
    ("refund_one_block_early", &[("differs: script 1", 1)]),
    ("refund_one_block_late", &[("differs: script 1", 1)]),
    ("refund_to_another_staker", &[("differs: script 1", 1)]),
    ("refund_to_the_output_slashed", &[("differs: script 1", 1)]),
    ("refund_without_timelock", &[("differs: script 1", 1)]),
    ("script_sig", &[("differs: script_sig", 1)]),
    ("sequence", &[("differs: sequence", 4)]),
    ("slashed_burnt_with_another_text", &[("differs: script 0", 1)]),
    ("slashed_dust", &[("Dust", 1)]),
    ("slashed_half", &[("differs: value 0", 1)]),
    ("slashed_in_exact_arithmetic", &[("differs: value 0", 2)]),
    ("slashed_one_less", &[("differs: value 0", 1)]),
    ("slashed_one_more", &[("differs: value 0", 1)]),
    ("slashed_rounded_down", &[("differs: value 0", 4)]),
    ("slashed_to_another", &[("differs: script 0", 1)]),
    ("slashed_twice", &[("differs: value 0", 1)]),
    ("sum_above_all_bitcoin", &[("differs: value 1", 1)]),
    ("value_above_63_bits", &[("differs: value 1", 1)]),
    ("value_above_all_bitcoin", &[("differs: value 1", 1)]),
    ("value_negative", &[("differs: value 1", 1)]),
    ("version", &[("differs: version", 3)]),
];

#[test]
fn slashing() {
    check("slashing", 58, SLASHING, |case: &Terms| {
        same(case.build()?.unsigned(), case.slashing_transaction.as_ref().unwrap())
    });
}

const COVENANT: &[Rule] = &[
    ("bit", &[("InvalidAdaptorSignature", 1)]),
    ("of_another_member", &[("InvalidAdaptorSignature", 1)]),
    ("of_no_member", &[("NotAMember", 1)]),
    ("one_too_few", &[("AdaptorCount", 1)]),
    ("one_too_many", &[("AdaptorCount", 1)]),
    ("over_another_amount", &[("InvalidAdaptorSignature", 1)]),
    ("over_the_other_transaction", &[("InvalidAdaptorSignature", 1)]),
    ("prefix", &[("InvalidAdaptorSignature", 1)]),
    ("providers_swapped", &[("InvalidAdaptorSignature", 1)]),
    ("through_another_leaf", &[("InvalidAdaptorSignature", 1)]),
    ("to_a_stranger", &[("InvalidAdaptorSignature", 1)]),
    ("to_one_provider_twice", &[("InvalidAdaptorSignature", 1)]),
];

#[test]
fn covenant() {
    check("covenant", 12, COVENANT, |case: &Terms| {
        let (member, signatures) = (case.member.as_ref().unwrap(), case.adaptor_signatures.as_ref().unwrap());
        let signatures = signatures.iter().map(|bytes| AdaptorSignature::from_slice(&bytes.0).map_err(name));
        let given = CovenantAdaptorSignatures {
            member: public_key(&member.0)?,
            signatures: signatures.collect::<Result<_, _>>()?,
        };
        case.build()?.verify_covenant(&given).map_err(refusal)
    });
}

pub(super) fn decoded(bytes: &Hex) -> Result<Transaction, Refusal> {
    encode::deserialize(&bytes.0).map_err(|_| "Undecodable".to_owned())
}

/// Whether somebody else's transaction is the one that we build; if not, what differs first.
pub(super) fn same(ours: &Transaction, theirs: &Hex) -> Result<(), Refusal> {
    let theirs = decoded(theirs)?;
    let differs = |what: String| Err(format!("differs: {what}"));
    if ours.version != theirs.version {
        return differs("version".to_owned());
    }
    if ours.lock_time != theirs.lock_time {
        return differs("lock time".to_owned());
    }
    if ours.input.len() != theirs.input.len() {
        return differs("inputs".to_owned());
    }
    if ours.output.len() != theirs.output.len() {
        return differs("outputs".to_owned());
    }
    for (ours, theirs) in ours.input.iter().zip(&theirs.input) {
        for (same, what) in [
            (ours.previous_output == theirs.previous_output, "outpoint"),
            (ours.script_sig == theirs.script_sig, "script_sig"),
            (ours.sequence == theirs.sequence, "sequence"),
        ] {
            if !same {
                return differs(what.to_owned());
            }
        }
    }
    for (number, (ours, theirs)) in ours.output.iter().zip(&theirs.output).enumerate() {
        if ours.script_pubkey != theirs.script_pubkey {
            return differs(format!("script {number}"));
        }
        if ours.value != theirs.value {
            return differs(format!("value {number}"));
        }
    }
    assert_eq!(*ours, theirs);
    Ok(())
}

#[test]
fn all_kinds_are_run() {
    let (kinds, lax) = count_kinds(all());
    let expected = [
        ("announcement", 39),
        ("covenant", 12),
        ("output", 38),
        ("slashing", 58),
        ("slashing_build", 22),
        ("slashing_rate", 29),
        ("stake", 30),
        ("unbonding", 35),
    ];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert_eq!(lax, 22, "cases that the reference accepts");
    assert_eq!(ACCEPTED.iter().map(|(_, _, count, _)| count).sum::<usize>(), 6, "cases that we accept");
}
