//! Cases that each break one rule, for the library and for us. [`ACCEPTED`] names what we take and the
//! library does not, or neither of us refuses.

use std::collections::BTreeMap;

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Address, Amount, FeeRate, OutPoint, ScriptBuf, Txid, XOnlyPublicKey};
use serde::Deserialize;
use staking_scripts::outputs::OpReturnData;
use staking_scripts::transactions::NewExtension;
use staking_scripts::transactions::NewStake;
use staking_scripts::transactions::{CovenantSignature, InvalidSlashingRate, SlashingParameters};
use staking_scripts::{
    CovenantCommittee, ExtensionTransaction, Funded, FundingCoin, Parties, SlashingTransaction,
    StakingOutput, StakingTransaction, Timelock, UnbondingOutput, UnbondingTransaction,
    WithdrawalTransaction,
};

use super::{Bytes, Coin, Hex, Kind, cases_of, multisignature, transaction};
use crate::vectors::negative::{
    ACCEPT, Accepted, Case, Refusal, Rule, check_among, count_kinds, name, not_built, public_key,
};

const ACCEPTED: &[Accepted] = &[
    ("extension", "larger", 2, "the protocol lets an extension add to the stake"),
    (
        "funding",
        "coins_suffice_by_the_weight",
        1,
        "the library's estimate of the fee is above what the rate asks for",
    ),
    ("funding", "rate_zero", 1, "whoever hands a transaction to a miner needs no fee"),
    (
        "slashing",
        "refund_dust_to_the_library",
        2,
        "nodes relay 330 satoshis to Taproot, the library's least is 547",
    ),
    ("slashing", "slashed_dust_to_the_library", 2, "nodes relay 294 satoshis to P2WPKH"),
    (
        "unbonding",
        "dust_to_the_library",
        2,
        "nodes relay 330 satoshis to Taproot, the library's least is 546",
    ),
    ("unbonding", "fee_zero", 1, "parameters without a fee are refused, before"),
    ("withdrawal", "dust_to_the_library", 2, "nodes relay 330 satoshis to Taproot"),
    ("withdrawal", "rate_zero", 1, "whoever hands a transaction to a miner needs no fee"),
    ("witness", "a_bad_one_before_a_quorum", 1, "it is passed over: a quorum of the others is good"),
    ("witness", "a_stranger_before_a_quorum", 1, "it is passed over"),
    ("witness", "one_twice_before_a_quorum", 1, "the second is passed over"),
];

fn all() -> impl Iterator<Item = Case> {
    cases_of::<Case>("typescript", "negative", 119).map(|(_, case)| case)
}

fn check<C: serde::de::DeserializeOwned>(
    kind: &str,
    count: usize,
    table: &[Rule],
    run: impl Fn(&C) -> Result<(), Refusal>,
) {
    check_among(all(), ACCEPTED, (kind, count), table, run);
}

/// What stands for a stake here, as it arrived.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    staker: Hex,
    finality_providers: Vec<Hex>,
    covenant: Vec<Hex>,
    quorum: u16,
    staking_time: u32,
    unbonding_time: u32,
}

impl Raw {
    fn parties(&self) -> Result<Parties, Refusal> {
        let keys = |keys: &[Hex]| keys.iter().map(|key| public_key(&key.0)).collect::<Result<Vec<_>, _>>();
        let committee = CovenantCommittee::new(keys(&self.covenant)?, self.quorum).map_err(name)?;
        Parties::new(public_key(&self.staker.0)?, keys(&self.finality_providers)?, committee).map_err(name)
    }

    fn staking(&self) -> Result<StakingOutput, Refusal> {
        StakingOutput::new(self.parties()?, Timelock::from_blocks(self.staking_time).map_err(name)?)
            .map_err(name)
    }

    fn unbonding(&self) -> Result<UnbondingOutput, Refusal> {
        UnbondingOutput::new(self.parties()?, self.unbonding_time()?).map_err(name)
    }

    fn unbonding_time(&self) -> Result<Timelock, Refusal> {
        Timelock::from_blocks(self.unbonding_time).map_err(name)
    }

    /// The staking output with this amount, anywhere.
    fn holding(&self, sat: u64) -> Result<Funded<StakingOutput>, Refusal> {
        Ok(Funded::new(self.staking()?, OutPoint::new(Txid::all_zeros(), 0), Amount::from_sat(sat)))
    }
}

fn script_of(address: &str) -> ScriptBuf {
    address.parse::<Address<_>>().unwrap().assume_checked().script_pubkey()
}

fn rate(sat_per_vbyte: u64) -> FeeRate {
    FeeRate::from_sat_per_vb(sat_per_vbyte).unwrap()
}

/// The coins as ours, which knows nothing of the staker.
fn ours(coins: &[Coin]) -> Result<Vec<FundingCoin>, Refusal> {
    let described = |coin: &Coin| match coin.kind {
        Kind::P2sh => format!("sh({})", multisignature(coin.redeem_script.as_ref().unwrap())),
        // A public key hash alone has no descriptor: ours takes none but segregated witness without one.
        _ => String::new(),
    };
    let ours = |coin: &Coin| match described(coin) {
        text if text.is_empty() => FundingCoin::new(coin.outpoint(), coin.output()),
        text => FundingCoin::with_descriptor(coin.outpoint(), coin.output(), &text.parse().unwrap()),
    };
    coins.iter().map(|coin| ours(coin).map_err(name)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stake {
    stake: Raw,
}

const STAKE: &[Rule] = &[
    ("member_compressed", &[("key: InvalidPublicKey", 2)]),
    ("member_not_on_curve", &[("key: InvalidPublicKey", 2)]),
    ("member_too_short", &[("key: InvalidPublicKey", 2)]),
    ("member_twice", &[("DuplicateMember", 2)]),
    ("no_member", &[("QuorumZero", 2)]),
    ("no_provider", &[("NoFinalityProvider", 2)]),
    ("provider_compressed", &[("key: InvalidPublicKey", 2)]),
    ("provider_is_a_member", &[("DuplicateKey", 2)]),
    ("provider_not_on_curve", &[("key: InvalidPublicKey", 2)]),
    ("provider_twice", &[("DuplicateKey", 2)]),
    ("quorum_above_members", &[("QuorumAboveMembers", 2)]),
    ("quorum_zero", &[("QuorumZero", 2)]),
    ("staker_above_p", &[("key: InvalidPublicKey", 2)]),
    ("staker_empty", &[("key: InvalidPublicKey", 2)]),
    ("staker_is_a_member", &[("DuplicateKey", 2)]),
    ("staker_is_a_provider", &[("DuplicateKey", 2)]),
    ("staker_not_on_curve", &[("key: InvalidPublicKey", 2)]),
    ("staking_time_past_16_bits", &[("InvalidTimelock", 2)]),
    ("staking_time_zero", &[("InvalidTimelock", 2)]),
    ("unbonding_time_past_16_bits", &[("InvalidTimelock", 2)]),
    ("unbonding_time_zero", &[("InvalidTimelock", 2)]),
];

#[test]
fn stake() {
    check("stake", 42, STAKE, |case: &Stake| {
        case.stake.staking()?;
        case.stake.unbonding().map(drop)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Announced {
    stake: Raw,
    tag: Hex,
}

const ANNOUNCED: &[Rule] = &[
    ("no_tag", &[("Length", 1)]),
    ("tag_too_long", &[("Length", 1)]),
    ("tag_too_short", &[("Length", 1)]),
    ("two_providers", &[("NotAnnounced", 1)]),
];

#[test]
fn announced() {
    check("announced", 4, ANNOUNCED, |case: &Announced| {
        let tag = case.tag.0.as_slice().try_into().map_err(|_| "Length".to_owned())?;
        OpReturnData::of_stake(tag, &case.stake.staking()?).map(drop).ok_or_else(|| "NotAnnounced".to_owned())
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slashing {
    stake: Raw,
    amount_sat: u64,
    slashing_rate: String,
    slashing_pk_script: Hex,
    fee_sat: i64,
}

const SLASHING: &[Rule] = &[
    ("fee_above_what_is_left", &[("SlashingFeeNotPaid", 1)]),
    ("fee_negative", &[("Negative", 1)]),
    ("fee_zero", &[("NoSlashingFee", 1)]),
    ("nothing_slashed", &[("NothingSlashed", 1)]),
    ("rate_above_one", &[("InvalidSlashingRate", 1)]),
    ("rate_five_decimals", &[("InvalidSlashingRate", 2)]),
    ("rate_negative", &[("InvalidSlashingRate", 1)]),
    ("rate_one", &[("InvalidSlashingRate", 1)]),
    ("rate_rounds_to_zero", &[("InvalidSlashingRate", 1)]),
    ("rate_zero", &[("InvalidSlashingRate", 1)]),
    ("refund_dust", &[("Dust", 2), ("SlashingFeeNotPaid", 1)]),
    ("refund_dust_to_the_library", &[(ACCEPT, 2)]),
    ("script_empty", &[("NotADestination", 1)]),
    ("script_that_anybody_spends", &[("NotADestination", 1)]),
    ("slashed_dust", &[("Dust", 2)]),
    ("slashed_dust_to_the_library", &[(ACCEPT, 2)]),
];

#[test]
fn slashing() {
    check("slashing", 22, SLASHING, |case: &Slashing| {
        let terms = SlashingParameters {
            pk_script: ScriptBuf::from_bytes(case.slashing_pk_script.0.clone()),
            rate: case.slashing_rate.parse().map_err(|error: InvalidSlashingRate| name(error))?,
            fee: Amount::from_sat(u64::try_from(case.fee_sat).map_err(|_| "Negative".to_owned())?),
            unbonding_time: case.stake.unbonding_time()?,
        };
        SlashingTransaction::new(&case.stake.holding(case.amount_sat)?, &terms).map(drop).map_err(not_built)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unbonding {
    stake: Raw,
    staking_transaction: Hex,
    unbonding_fee_sat: u64,
}

impl Unbonding {
    fn build(&self) -> Result<UnbondingTransaction, Refusal> {
        let staking =
            Funded::find(self.stake.staking()?, &transaction(&self.staking_transaction)).map_err(name)?;
        let fee = Amount::from_sat(self.unbonding_fee_sat);
        UnbondingTransaction::new(&staking, self.stake.unbonding()?, fee).map_err(not_built)
    }
}

const UNBONDING: &[Rule] = &[
    ("dust", &[("Dust", 2)]),
    ("dust_to_the_library", &[(ACCEPT, 2)]),
    ("fee_not_paid", &[("UnbondingFeeNotPaid", 2)]),
    ("fee_zero", &[(ACCEPT, 1)]),
    ("no_staking_output", &[("Absent", 1)]),
    ("staking_output_twice", &[("Repeated", 2)]),
];

#[test]
fn unbonding() {
    check("unbonding", 10, UNBONDING, |case: &Unbonding| case.build().map(drop));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Withdrawal {
    stake: Raw,
    address: String,
    amount_sat: u64,
    sat_per_vbyte: u64,
}

const WITHDRAWAL: &[Rule] = &[
    ("dust", &[("Dust", 2)]),
    ("dust_to_the_library", &[(ACCEPT, 2)]),
    ("fee_not_paid", &[("WithdrawalFeeNotPaid", 2)]),
    ("rate_far_too_high", &[("FeeRateTooHigh", 1)]),
    ("rate_zero", &[(ACCEPT, 1)]),
];

#[test]
fn withdrawal() {
    check("withdrawal", 8, WITHDRAWAL, |case: &Withdrawal| {
        let source = case.stake.holding(case.amount_sat)?;
        let withdrawal =
            WithdrawalTransaction::new(&source, script_of(&case.address), rate(case.sat_per_vbyte));
        withdrawal.map(drop).map_err(not_built)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Funding {
    stake: Raw,
    amount_sat: u64,
    coins: Vec<Coin>,
    address: String,
    sat_per_vbyte: u64,
}

const FUNDING: &[Rule] = &[
    ("amount_zero", &[("Dust", 1)]),
    ("change_to_the_stake", &[("ChangeToStake", 1)]),
    ("coin_not_segwit", &[("NotSegwit", 1), ("UnknownScript", 1)]),
    ("coin_twice", &[("RepeatedCoin", 1)]),
    ("coin_unknown", &[("UnknownScript", 1)]),
    ("coins_do_not_suffice", &[("InsufficientFunds", 3)]),
    ("coins_suffice_by_the_weight", &[(ACCEPT, 1)]),
    ("no_coin", &[("InsufficientFunds", 1)]),
    ("rate_far_too_high", &[("FeeRateTooHigh", 1)]),
    ("rate_zero", &[(ACCEPT, 1)]),
    ("stake_is_dust", &[("Dust", 1)]),
];

#[test]
fn funding() {
    check("funding", 14, FUNDING, |case: &Funding| {
        let (change, rate) = (script_of(&case.address), rate(case.sat_per_vbyte));
        // The library is given the staking output itself for an address, and so are we.
        let (output, amount) = (case.stake.staking()?, Amount::from_sat(case.amount_sat));
        StakingTransaction::build(NewStake {
            output,
            amount,
            coins: &ours(&case.coins)?,
            change,
            fee_rate: rate,
            op_return_tag: None,
        })
        .map(drop)
        .map_err(not_built)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extension {
    stake: Raw,
    running: Raw,
    staking_transaction: Hex,
    amount_sat: u64,
    coins: Vec<Coin>,
    address: String,
    sat_per_vbyte: u64,
}

const EXTENSION: &[Rule] = &[
    ("coin_does_not_suffice", &[("InsufficientFunds", 1)]),
    ("coins_suffice_only_together", &[("InsufficientFunds", 1)]),
    ("committee_has_changed", &[("CovenantOverlap", 1)]),
    ("funded_by_the_stake", &[("FundedByItself", 1)]),
    ("larger", &[(ACCEPT, 2)]),
    ("no_coin", &[("InsufficientFunds", 1)]),
    ("one_member_too_few_stayed", &[("CovenantOverlap", 1)]),
    ("provider_left_out", &[("ProviderLeftOut", 2)]),
    ("smaller", &[("SmallerStake", 1)]),
];

#[test]
fn extension() {
    check("extension", 11, EXTENSION, |case: &Extension| {
        let running =
            Funded::find(case.running.staking()?, &transaction(&case.staking_transaction)).map_err(name)?;
        let (output, amount) = (case.stake.staking()?, Amount::from_sat(case.amount_sat));
        let (change, rate) = (script_of(&case.address), rate(case.sat_per_vbyte));
        let ours = ExtensionTransaction::build(NewExtension {
            previous: &running,
            output,
            amount,
            coins: &ours(&case.coins)?,
            change,
            fee_rate: rate,
        });
        ours.map(drop).map_err(name)
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Witness {
    stake: Raw,
    staking_transaction: Hex,
    unbonding_fee_sat: u64,
    staker_signature: Bytes<64>,
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    member: XOnlyPublicKey,
    signature: Bytes<64>,
}

const WITNESS: &[Rule] = &[
    ("a_bad_one_before_a_quorum", &[(ACCEPT, 1)]),
    ("a_stranger_before_a_quorum", &[(ACCEPT, 1)]),
    ("none", &[("BelowQuorum", 1)]),
    ("one_does_not_verify", &[("InvalidCovenantSignature", 1)]),
    ("one_of_a_stranger", &[("NotAMember", 1)]),
    ("one_too_few", &[("BelowQuorum", 1)]),
    ("one_twice", &[("RepeatedMember", 1)]),
    ("one_twice_before_a_quorum", &[(ACCEPT, 1)]),
];

#[test]
fn witness() {
    check("witness", 8, WITNESS, |case: &Witness| {
        let Witness { stake, staking_transaction, unbonding_fee_sat, .. } = case;
        let staking = Funded::find(stake.staking()?, &transaction(staking_transaction)).map_err(name)?;
        let fee = Amount::from_sat(*unbonding_fee_sat);
        let unbonding = UnbondingTransaction::new(&staking, stake.unbonding()?, fee).map_err(name)?;
        let signature = |bytes: &Bytes<64>| schnorr::Signature::from_slice(&bytes.0).unwrap();
        let given = case
            .signatures
            .iter()
            .map(|given| CovenantSignature { member: given.member, signature: signature(&given.signature) });
        let signed = unbonding.finalize(&signature(&case.staker_signature), &given.collect::<Vec<_>>());
        signed.map(drop).map_err(name)
    });
}

#[test]
fn all_kinds_are_run() {
    let (kinds, lax) = count_kinds(all());
    let expected = [
        ("announced", 4),
        ("extension", 11),
        ("funding", 14),
        ("slashing", 22),
        ("stake", 42),
        ("unbonding", 10),
        ("withdrawal", 8),
        ("witness", 8),
    ];
    let expected: BTreeMap<_, _> = expected.map(|(kind, count)| (kind.to_owned(), count)).into();
    assert_eq!(kinds, expected);
    assert_eq!(lax, 30, "cases that the library accepts");
    assert_eq!(ACCEPTED.iter().map(|(_, _, count, _)| count).sum::<usize>(), 17, "cases that we accept");
}
