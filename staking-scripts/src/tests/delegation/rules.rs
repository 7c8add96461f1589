//! The rules of delegations: a table that breaks each of them, under its machine name.

use std::collections::BTreeSet;
use std::error::Error;

use bitcoin::absolute::{Height, LockTime};
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, Network, OutPoint, ScriptBuf, Transaction, TxOut, Witness, XOnlyPublicKey};

use super::phase1::phase1_stake;
use super::{plain, slashing, unbonding};
use crate::delegation::{
    ChainRules, CheckRules, CheckedDelegation, Delegation, DelegationError, InForce, ParametersAt,
    RunningStake, StakeInclusion, StakeTransaction, StakeViolation, broken_rules,
};
use crate::explain::explain_psbt;
use crate::outputs::{ConsumerProviders, InvalidParties, StakedTo, UnsafeOutput};
use crate::parameters::{Parameters, ParametersError, ParametersHistory, ParametersRule, Phase1Parameters};
use crate::phase1::Phase1Error;
use crate::possession::PossessionError;
use crate::testing::{
    Extended, coin, consumer_possession, consumer_rules, consumers, delegation_for, extended, genesis,
    history, honest, included, key, lost_scripts, made_under, output, parameters, parameters_changed,
    possession, staking_transaction, wallet,
};
use crate::transactions::{
    BuildError, FinalizeError, Funded, LeafTransaction, ReturnedPsbtError, WithdrawalTransaction,
};
use spv::{Anchor, TrustedHeader};

/// A rule, and a way to break it.
struct Row {
    /// The machine name of the rule.
    name: &'static str,
    /// The machine names of the rules that are broken with it, as what they compare depends on it.
    also: &'static [&'static str],
    /// Whether a rule is this row's variant: two variants may share a name.
    is_of_row: fn(&StakeViolation) -> bool,
    /// Changes a delegation that keeps every rule, and returns the rules that it breaks then.
    broken: fn() -> Vec<StakeViolation>,
}

/// Makes the table, and the function that has a name for each variant: a variant without a row does not
/// compile.
macro_rules! table {
    ($($variant:pat => $name:literal $(+ $also:literal)*: $broken:expr;)*) => {
        fn name_in_table(rule: &StakeViolation) -> &'static str {
            match rule {
                $($variant => $name,)*
            }
        }

        const TABLE: &[Row] = &[$(Row {
            name: $name,
            also: &[$($also),*],
            is_of_row: |rule| matches!(rule, $variant),
            broken: $broken,
        }),*];
    };
}

table! {
    StakeViolation::Absent(_) => "absent": || broken(|it| it.proof_of_possession = None);
    StakeViolation::NotInForce(_) => "parameters": || named_at(0, ParametersAt::Version(0));
    StakeViolation::StatedNotInForce(_) => "parameters":
        || named_at(1, ParametersAt::Height(Height::ZERO));
    StakeViolation::NoSuchVersion { .. } => "parameters": || named_at(1, ParametersAt::Version(2));
    StakeViolation::Parties(InvalidParties::Unscriptable(_)) => "output":
        // More keys than the interpreter's stack holds.
        || broken_on(consumer_rules(), consumers(3), |it| it.staked_to = consumers(999));
    StakeViolation::Parties(_) => "parties": || broken(|it| it.staked_to = StakedTo::Genesis(it.staker));
    StakeViolation::SlashingDestination(_) => "slashing_destination": || {
        let (delegation, file) = made_under(&lost_scripts()[0]);
        let history: ParametersHistory<Parameters> = ParametersHistory::from_json(&file).unwrap();
        listed(delegation.check_under(history.get(0).unwrap(), None, ChainRules::MAINNET))
    };
    StakeViolation::StakingTime { .. } => "staking_time": || broken(|it| it.staking_time_blocks = 0);
    StakeViolation::StakingAmount { .. } => "staking_amount":
        || broken_under("max_staking_value_sat", "900000".into());
    StakeViolation::Phase1(_) => "op_return_tag": || {
        let (delegation, parameters) = phase1_stake();
        delegation.check_phase1(&Phase1Parameters { tag: *b"none", ..parameters })
    };
    StakeViolation::UnbondingTime { .. } => "unbonding_time":
        || broken_under("unbonding_time_blocks", 1009.into());
    StakeViolation::StakingOutput(_) => "staking_output": || broken(|it| it.staking_time_blocks = 2001);
    StakeViolation::StakedAmount { .. } => "staked_amount":
        || broken(|it| it.staking_amount += Amount::from_sat(1));
    StakeViolation::Coinbase => "coinbase":
        || broken_staking(|tx| tx.input[0].previous_output = OutPoint::null());
    StakeViolation::Impossible(_) => "impossible": || broken_staking(|tx| tx.input.push(tx.input[0].clone()));
    StakeViolation::SigningContext { .. } => "signing_context":
        || broken(|it| it.proof_of_possession = Some(consumer_possession(&key("staker", 0))));
    StakeViolation::StakeKind { .. } => "stake_kind":
        || broken_on(consumer_rules(), genesis(), |it| {
            it.proof_of_possession = Some(consumer_possession(&key("staker", 0)));
        });
    StakeViolation::OtherStakeKind => "stake_kind" + "running_stake":
        || broken_extension(|running| running.stake.as_mut().unwrap().staked_to = genesis());
    StakeViolation::ParametersVersion { .. } => "parameters_version": || naming(1);
    StakeViolation::Version { .. } => "version" + "spends":
        || broken(|it| unbonding(it).version = Version::ONE);
    StakeViolation::LockTime(_) => "lock_time" + "staker_signature":
        || broken(|it| slashing(it).transaction.lock_time = LockTime::from_consensus(1));
    StakeViolation::Inputs { .. } => "inputs" + "staker_signature":
        || broken(|it| {
            let again = slashing(it).transaction.input[0].clone();
            slashing(it).transaction.input.push(again);
        });
    StakeViolation::Outputs { .. } => "outputs" + "spends":
        || broken(|it| {
            let script_pubkey = ScriptBuf::from_bytes(vec![0x6a]);
            unbonding(it).output.push(TxOut { value: Amount::ZERO, script_pubkey });
        });
    StakeViolation::Input { .. } => "input":
        || broken(|it| slashing(it).transaction.input[0].script_sig = ScriptBuf::from_bytes(vec![0x51]));
    StakeViolation::Spends { .. } => "spends" + "staker_signature":
        || broken(|it| slashing(it).transaction.input[0].previous_output.vout = 1);
    StakeViolation::OutputScript { .. } => "output_script":
        || broken_under("slashing_pk_script", "agEC".into());
    StakeViolation::OutputAmount { .. } => "output_amount": || broken_under("slashing_rate", "0.002".into());
    StakeViolation::FeeTooSmall { .. } => "fee_too_small":
        || broken_under("min_slashing_tx_fee_sat", "200000".into());
    StakeViolation::UnbondingFee { .. } => "unbonding_fee": || broken_under("unbonding_fee_sat", "1".into());
    // No delegation breaks these two, as the other rules leave no transaction that would: they guard what is
    // signed.
    StakeViolation::Unpayable { .. } => "unpayable": || {
        let (part, reason) = (StakeTransaction::Slashing, BuildError::NoSlashingFee);
        vec![StakeViolation::Unpayable { part, reason }]
    };
    StakeViolation::Differs(_) => "unpayable": || vec![StakeViolation::Differs(StakeTransaction::Slashing)];
    StakeViolation::Dust { .. } => "dust" + "staker_signature":
        || broken(|it| slashing(it).transaction.output[1].value = Amount::from_sat(329));
    StakeViolation::TooHeavy { .. } => "too_heavy":
        || broken(|it| slashing(it).transaction.input[0].witness = Witness::from_slice(&[vec![0; 400_000]]));
    StakeViolation::StakerSignature(_) => "staker_signature":
        || broken(|it| {
            let other = it.unbonding_slashing.as_ref().unwrap().staker_signature;
            slashing(it).staker_signature = other;
        });
    StakeViolation::Possession(_) => "possession":
        || broken(|it| it.proof_of_possession = Some(possession(&key("another", 0))));
    StakeViolation::RunningStakeAbsent(_) => "running_stake": || broken_extension(|it| it.stake = None);
    StakeViolation::RunningStakeParameters(_) => "running_stake": || {
        let Extended { delegation, new, .. } = extended();
        listed(delegation.check_under(&new, None, consumer_rules()))
    };
    StakeViolation::RunningStakeParties(..) => "running_stake":
        || broken_extension(|it| {
            let staker = *key("staker", 0).public_key();
            let providers = ConsumerProviders::new([("chain-0".to_owned(), staker)]).unwrap();
            it.stake.as_mut().unwrap().staked_to = StakedTo::Consumers(providers);
        });
    StakeViolation::RunningStakeTime(..) => "running_stake":
        || broken_extension(|it| it.stake.as_mut().unwrap().staking_time_blocks = 0);
    StakeViolation::RunningStakeOutput(..) => "running_stake":
        || broken_extension(|it| it.stake.as_mut().unwrap().staking_time_blocks += 1);
    StakeViolation::Committee => "covenant_committee": || broken_by(&unbonded(), &parameters(1));
    StakeViolation::Timelock { .. } => "timelock": || {
        let longer = parameters_changed(|fields| fields["min_staking_time_blocks"] = 2001.into());
        broken_by(&withdrawn(), &longer)
    };
    StakeViolation::Extension(_) => "extension":
        || broken_extension(|running| running.funding.value = Amount::ZERO);
    StakeViolation::Inclusion(_) => "inclusion": || broken_inclusion(10, |it| it.headers.truncate(10));
    StakeViolation::InclusionHeight(..) => "inclusion_height": || {
        let (delegation, _) = included(900_000, 10);
        let in_force = InForce::At(Height::from_consensus(899_999).unwrap());
        listed(delegation.check(&CheckRules { history: &history(&[0]), in_force, chain: REGTEST }))
    };
    StakeViolation::OtherInclusionHeight(..) => "inclusion_height": || {
        let (mut delegation, parameters) = included(900_000, 10);
        let inclusion = delegation.inclusion.as_mut().unwrap();
        inclusion.height += 1;
        let header = TrustedHeader { hash: inclusion.headers[0].block_hash(), height: Some(900_000) };
        let anchor = Anchor { min_work: None, header: Some(header) };
        listed(delegation.check_under(&parameters, None, ChainRules { anchor, ..REGTEST }))
    };
    StakeViolation::ParametersTooNew { .. } => "parameters_too_new":
        || broken_inclusion(10, |it| it.height = 0);
    // 2000 blocks of staking, 1008 of unbonding.
    StakeViolation::EndsTooSoon { .. } => "ends_too_soon": || broken_inclusion(992, |_| {});
}

/// The network, the depth and the kind of stake of [`included`].
const REGTEST: ChainRules = ChainRules { network: Network::Regtest, depth: 10, ..ChainRules::MAINNET };

fn listed(checked: Result<CheckedDelegation, Vec<StakeViolation>>) -> Vec<StakeViolation> {
    checked.err().unwrap_or_default()
}

/// Of a stake for Babylon Genesis.
fn broken(harm: impl FnOnce(&mut Delegation)) -> Vec<StakeViolation> {
    broken_on(ChainRules::MAINNET, genesis(), harm)
}

fn broken_on(
    chain: ChainRules,
    staked_to: StakedTo,
    harm: impl FnOnce(&mut Delegation),
) -> Vec<StakeViolation> {
    let (mut delegation, parameters) = honest(staked_to);
    harm(&mut delegation);
    listed(delegation.check_under(&parameters, None, chain))
}

/// Under parameters of which one field is another than those that the stake was made under.
fn broken_under(field: &str, value: serde_json::Value) -> Vec<StakeViolation> {
    let changed = parameters_changed(|fields| fields[field] = value.clone());
    let (delegation, _) = honest(genesis());
    listed(delegation.check_under(&changed, None, ChainRules::MAINNET))
}

/// With a changed staking transaction, for which all others are made.
fn broken_staking(harm: impl FnOnce(&mut Transaction)) -> Vec<StakeViolation> {
    let parameters = parameters(0);
    let mut transaction = staking_transaction(&[coin(1, 2_000_000)], &parameters).unsigned().clone();
    harm(&mut transaction);
    let staking = Funded::find(output(&genesis(), &parameters, 2000), &transaction).unwrap();
    let delegation = delegation_for(&staking, &transaction, &genesis(), &parameters);
    listed(delegation.check_under(&parameters, None, ChainRules::MAINNET))
}

/// Of a delegation that names a version of the two that there are, where the first is in force.
fn naming(version: u32) -> Vec<StakeViolation> {
    named_at(1, ParametersAt::Version(version))
}

/// Of a delegation that names a version, this many blocks after the block before the first is in force.
fn named_at(blocks: u32, named: ParametersAt) -> Vec<StakeViolation> {
    let history = history(&[0, 0]);
    let first = history.get(0).unwrap().activation_height().to_consensus_u32();
    let in_force = InForce::At(Height::from_consensus(first - 1 + blocks).unwrap());
    let (mut delegation, _) = honest(genesis());
    delegation.parameters = named;
    listed(delegation.check(&CheckRules { history: &history, in_force, chain: ChainRules::MAINNET }))
}

fn broken_extension(harm: impl FnOnce(&mut RunningStake)) -> Vec<StakeViolation> {
    let Extended { mut delegation, old, new, .. } = extended();
    harm(delegation.extends.as_mut().unwrap());
    listed(delegation.check_under(&new, Some(&old), consumer_rules()))
}

/// Of a stake that is this deep in the chain.
fn broken_inclusion(depth: usize, harm: impl FnOnce(&mut StakeInclusion)) -> Vec<StakeViolation> {
    let (mut delegation, parameters) = included(900_000, depth);
    harm(delegation.inclusion.as_mut().unwrap());
    listed(delegation.check_under(&parameters, None, REGTEST))
}

/// Of a transaction by itself.
fn broken_by(transaction: &impl LeafTransaction, parameters: &Parameters) -> Vec<StakeViolation> {
    broken_rules(&explain_psbt(transaction.psbt()), transaction.unsigned(), None, parameters)
}

fn unbonded() -> impl LeafTransaction {
    plain().presigned().unbonding.clone()
}

fn withdrawn() -> impl LeafTransaction {
    WithdrawalTransaction::new(plain().staking(), wallet(), FeeRate::BROADCAST_MIN).unwrap()
}

#[test]
fn rules_are_each_broken_under_their_name() {
    for Row { name, also, is_of_row, broken } in TABLE {
        let found = broken();
        let names: BTreeSet<_> = found.iter().map(StakeViolation::rule).collect();
        let expected: BTreeSet<_> = also.iter().chain([name]).copied().collect();
        assert_eq!(names, expected, "the row of {name}: {found:?}");
        let mut of_row = found.iter().filter(|rule| is_of_row(rule));
        assert!(of_row.any(|rule| rule.rule() == *name), "the row of {name}: {found:?}");
        for rule in &found {
            assert_eq!(rule.rule(), name_in_table(rule), "the row of {name}: {rule:?}");
        }
    }
}

/// What a row changes is the only reason for what it breaks.
#[test]
fn rules_are_all_kept_before_a_row_breaks_one() {
    let unchanged = [
        broken(|_| {}),
        broken_on(consumer_rules(), consumers(3), |_| {}),
        broken_under("max_staking_value_sat", "1000000".into()),
        broken_staking(|_| {}),
        naming(0),
        broken_extension(|_| {}),
        broken_inclusion(10, |_| {}),
        broken_inclusion(991, |_| {}),
        broken_by(&unbonded(), &parameters(0)),
        broken_by(&withdrawn(), &parameters(0)),
    ];
    for (number, found) in unchanged.iter().enumerate() {
        assert!(found.is_empty(), "delegation {number}: {found:?}");
    }
}

#[test]
fn rules_say_in_their_message_what_they_found() {
    let key: XOnlyPublicKey = *key("staker", 0).public_key();
    let parties = StakeViolation::Parties(InvalidParties::DuplicateKey(key));
    assert!(parties.to_string().contains(&key.to_string()), "{parties}");
}

/// An error prints its cause, or has it as its source; with both, a chain of causes would say it twice.
#[test]
fn errors_name_their_cause_once() {
    let lost = UnsafeOutput::NotADestination { script_pubkey: ScriptBuf::new() };
    let first = Height::from_consensus(2).unwrap();
    let not_in_force = ParametersError::NotInForce { height: Height::ZERO, first };
    let returned = ReturnedPsbtError::NoInput;
    let errors: [(&dyn Error, &dyn Error); 9] = [
        (&StakeViolation::Parties(InvalidParties::QuorumZero), &InvalidParties::QuorumZero),
        (&StakeViolation::Possession(PossessionError::HighS), &PossessionError::HighS),
        (&ParametersRule::Committee(InvalidParties::QuorumZero), &InvalidParties::QuorumZero),
        (&ParametersRule::SlashingDestination(lost.clone()), &lost),
        (&BuildError::Output { output: "slashed", cause: lost.clone() }, &lost),
        (&FinalizeError::Output(lost.clone()), &lost),
        (&FinalizeError::Returned(returned.clone()), &returned),
        (&DelegationError::NotInForce(not_in_force.clone()), &not_in_force),
        (&Phase1Error::Parties(InvalidParties::QuorumZero), &InvalidParties::QuorumZero),
    ];
    for (error, cause) in errors {
        let printed = error.to_string().contains(&cause.to_string());
        let source = error.source().is_some_and(|source| source.to_string() == cause.to_string());
        assert!(printed != source, "{error:?} names its cause twice, or not at all");
    }
}
