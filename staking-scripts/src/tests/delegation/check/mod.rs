//! The check of a delegation: each rule is broken once, and all broken rules are listed.

mod extension;
mod in_force;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxOut, Txid};

use super::{slashing, unbonding};
use crate::coins::key_path_script;
use crate::delegation::{ChainRules, Delegation, PresignedSlashing, StakeViolation};
use crate::outputs::StakedTo;
use crate::parameters::Parameters;
use crate::possession::PossessionMessage;
use crate::testing::{
    coin, consumer_rules, consumers, delegation_for, genesis, honest, key, output, parameters, possession,
    proven, staking_transaction,
};
use crate::transactions::{Funded, LeafTransaction as _, SlashingTransaction};

fn later(delegation: &mut Delegation) -> &mut PresignedSlashing {
    delegation.unbonding_slashing.as_mut().unwrap()
}

/// The reference in Go builds slashing transactions of version 1; the TypeScript library slashes as much or
/// more.
#[test]
fn check_accepts_another_version_and_a_larger_slash() {
    let (mut delegation, parameters) = honest(genesis());
    let checked = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
    let given = slashing(&mut delegation);
    given.transaction.version = Version::ONE;
    given.transaction.output[0].value += Amount::from_sat(5);
    given.transaction.output[1].value -= Amount::from_sat(1000);
    assert_eq!(violated(&delegation, &parameters), ["staker_signature"]);
    let given = delegation.slashing.as_ref().unwrap().transaction.output.clone();
    let theirs = SlashingTransaction::laid_out(
        checked.staking(),
        checked.presigned().slashing.refund_output().output().clone(),
        Version::ONE,
        given[0].clone(),
        given[1].value,
    )
    .unwrap();
    slashing(&mut delegation).staker_signature = Some(theirs.sign_as_staker(&key("staker", 0)).unwrap());
    assert_eq!(
        delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap().presigned().slashing.fee(),
        parameters.min_slashing_fee() + Amount::from_sat(995)
    );
}

fn violated(delegation: &Delegation, parameters: &Parameters) -> Vec<&'static str> {
    delegation
        .check_under(parameters, None, ChainRules::MAINNET)
        .unwrap_err()
        .iter()
        .map(StakeViolation::rule)
        .collect()
}

#[test]
fn check_names_each_rule_broken_once() {
    type Break = fn(&mut Delegation);
    let cases: &[(&[&str], Break)] = &[
        (&["parties"], |r| r.staked_to = StakedTo::Genesis(r.staker)),
        (&["parties"], |r| r.staked_to = StakedTo::Genesis(*key("member", 3).public_key())),
        (&["possession"], |r| r.proof_of_possession = Some(possession(&key("another", 0)))),
        (&["staking_time", "staking_output"], |r| r.staking_time_blocks = 999),
        (&["staking_time"], |r| r.staking_time_blocks = 0),
        (&["staking_time"], |r| r.staking_time_blocks = 65536),
        (&["staking_output"], |r| r.staking_time_blocks = 2001),
        (
            &[
                "unbonding_time",
                "output_script",
                "output_script",
                "unbonding_fee",
                "spends",
                "output_script",
                "fee_too_small",
                "staker_signature",
            ],
            |r| {
                r.unbonding_time_blocks = 1009;
                unbonding(r).output[0].value -= Amount::from_sat(1);
            },
        ),
        (&["staking_amount", "staked_amount"], |r| r.staking_amount = Amount::from_sat(499_999)),
        (&["staked_amount"], |r| r.staking_amount += Amount::from_sat(1)),
        (&["staking_output"], |r| {
            let again = r.staking_transaction.output[0].clone();
            r.staking_transaction.output.push(again);
        }),
        (&["staking_output"], |r| r.staking_transaction.output[0].script_pubkey = ScriptBuf::new()),
        (&["version", "spends"], |r| unbonding(r).version = Version::ONE),
        (&["version", "staker_signature"], |r| slashing(r).transaction.version = Version::non_standard(3)),
        (&["version", "staker_signature"], |r| later(r).transaction.version = Version::non_standard(0)),
        (&["lock_time", "spends"], |r| unbonding(r).lock_time = LockTime::from_consensus(1)),
        (&["lock_time", "staker_signature"], |r| {
            slashing(r).transaction.lock_time = LockTime::from_consensus(1)
        }),
        (&["inputs", "staker_signature"], |r| {
            let again = slashing(r).transaction.input[0].clone();
            slashing(r).transaction.input.push(again);
        }),
        (&["inputs", "spends"], |r| unbonding(r).input.clear()),
        (&["outputs", "spends"], |r| {
            let out = TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(vec![0x6a]) };
            unbonding(r).output.push(out);
        }),
        (&["input", "spends"], |r| unbonding(r).input[0].sequence = Sequence::ZERO),
        (&["input"], |r| slashing(r).transaction.input[0].script_sig = ScriptBuf::from_bytes(vec![0x51])),
        (&["spends", "staker_signature"], |r| later(r).transaction.input[0].previous_output.vout = 1),
        (&["spends", "staker_signature"], |r| {
            slashing(r).transaction.input[0].previous_output.txid = Txid::from_byte_array([9; 32])
        }),
        (&["output_script", "staker_signature"], |r| {
            slashing(r).transaction.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x6a, 0])
        }),
        (&["output_script", "staker_signature"], |r| {
            slashing(r).transaction.output[1].script_pubkey = key_path_script(key("wallet", 0).public_key());
        }),
        (&["output_amount", "staker_signature"], |r| {
            slashing(r).transaction.output[0].value -= Amount::from_sat(1);
        }),
        (&["fee_too_small", "staker_signature"], |r| {
            slashing(r).transaction.output[1].value += Amount::from_sat(1)
        }),
        (&["fee_too_small", "staker_signature"], |r| slashing(r).transaction.output[1].value = Amount::MAX),
        (&["unbonding_fee", "spends", "fee_too_small", "staker_signature"], |r| {
            unbonding(r).output[0].value -= Amount::from_sat(1)
        }),
        (&["unbonding_fee", "spends", "output_amount", "staker_signature"], |r| {
            unbonding(r).output[0].value += Amount::from_sat(64_000)
        }),
        (&["dust", "staker_signature"], |r| slashing(r).transaction.output[1].value = Amount::from_sat(329)),
        (&["staker_signature"], |r| slashing(r).staker_signature = later(r).staker_signature),
        (&["staker_signature"], |r| later(r).staker_signature = slashing(r).staker_signature),
        (&["too_heavy"], |r| {
            slashing(r).transaction.input[0].witness = bitcoin::Witness::from_slice(&[vec![0; 400_000]]);
        }),
        (&["coinbase"], |r| {
            r.staking_transaction.input.truncate(1);
            r.staking_transaction.input[0].previous_output = OutPoint::null();
        }),
    ];
    for (number, (rules, harm)) in cases.iter().enumerate() {
        let (mut delegation, parameters) = honest(genesis());
        harm(&mut delegation);
        let mut found = violated(&delegation, &parameters);
        // A changed staking transaction is not spent by the others.
        if rules == &["coinbase"] {
            found.retain(|rule| *rule != "spends");
        }
        assert_eq!(found, *rules, "case {number}");
    }
}

/// All broken rules are listed.
#[test]
fn check_lists_all_violations() {
    let (mut delegation, parameters) = honest(genesis());
    delegation.staking_amount = Amount::from_sat(1);
    delegation.proof_of_possession = Some(possession(&key("another", 0)));
    unbonding(&mut delegation).lock_time = LockTime::from_consensus(5);
    unbonding(&mut delegation).output[0].value = Amount::from_sat(100);
    slashing(&mut delegation).transaction.input[0].sequence = Sequence::ZERO;
    slashing(&mut delegation).transaction.output[1].value = Amount::from_sat(100);
    let found = violated(&delegation, &parameters);
    let expected = [
        "staking_amount",
        "possession",
        "input",
        "dust",
        "lock_time",
        "dust",
        "staked_amount",
        "staker_signature",
        "unbonding_fee",
        // Of the unbonding's slashing: the unbonding is another transaction now, and holds less.
        "spends",
        "fee_too_small",
        "staker_signature",
    ];
    assert_eq!(found, expected);
    for violation in delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap_err() {
        assert!(!violation.to_string().is_empty());
    }
}

/// The proof must have the signing context of the kind of stake, the operation and the chain.
#[test]
fn check_refuses_proofs_of_possession_of_another_context() {
    use finality::{Operation, SigningContext};
    let staker = key("staker", 0);
    let account = || "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm".parse().unwrap();
    let (mut delegation, parameters) = honest(genesis());
    for operation in [Operation::StakerPop, Operation::FinalityProviderPop, Operation::FinalityVote] {
        let context = SigningContext::consumer(operation, "some-other-chain", "bbn1whatever");
        delegation.proof_of_possession =
            Some(proven(&staker, PossessionMessage::new(context, account()).unwrap()));
        assert_eq!(violated(&delegation, &parameters), ["signing_context"]);
        let rules = ChainRules { signing_context: context, ..ChainRules::MAINNET };
        let found = delegation.check_under(&parameters, None, rules).unwrap_err();
        assert_eq!(
            found,
            [StakeViolation::StakeKind { genesis: false }],
            "a genesis stake on a consumer chain"
        );
    }
    let (mut delegation, parameters) = honest(consumers(3));
    assert_eq!(violated(&delegation, &parameters), ["signing_context", "stake_kind"]);
    delegation.check_under(&parameters, None, consumer_rules()).unwrap();
    delegation.proof_of_possession =
        Some(proven(&staker, PossessionMessage::new(SigningContext::GENESIS, account()).unwrap()));
    assert_eq!(violated(&delegation, &parameters), ["stake_kind"], "several providers on genesis");
}

#[test]
fn check_refuses_staking_transactions_that_no_block_holds() {
    type Harm = fn(&mut Transaction);
    let harms: [(&str, Harm); 5] = [
        ("no inputs", |tx| tx.input.clear()),
        ("twice", |tx| tx.input.push(tx.input[0].clone())),
        ("spends no output", |tx| {
            let mut input = tx.input[0].clone();
            input.previous_output = OutPoint::null();
            tx.input.push(input);
        }),
        ("21 million", |tx| {
            tx.output.push(TxOut { value: Amount::from_sat(1 << 63), script_pubkey: ScriptBuf::new() })
        }),
        ("21 million", |tx| {
            tx.output.push(TxOut { value: Amount::MAX_MONEY, script_pubkey: ScriptBuf::new() })
        }),
    ];
    for (name, harm) in harms {
        let parameters = parameters(0);
        let mut transaction = staking_transaction(&[coin(1, 2_000_000)], &parameters).unsigned().clone();
        harm(&mut transaction);
        let funded = Funded::find(output(&genesis(), &parameters, 2000), &transaction).unwrap();
        let delegation = delegation_for(&funded, &transaction, &genesis(), &parameters);
        let found = delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap_err();
        assert!(
            matches!(&found[..], [StakeViolation::Impossible(why)] if why.contains(name)),
            "{name}: {found:?}"
        );
    }
}

/// One broken rule does not hide another.
#[test]
fn check_hides_no_violation_behind_another() {
    let (mut delegation, parameters) = honest(genesis());
    unbonding(&mut delegation).version = Version::ONE;
    later(&mut delegation).transaction.version = Version::non_standard(9);
    let found = violated(&delegation, &parameters);
    assert_eq!(found, ["version", "version", "spends", "staker_signature"]);
    let (mut delegation, parameters) = honest(genesis());
    delegation.staking_time_blocks = 0;
    delegation.staked_to = StakedTo::Genesis(delegation.staker);
    slashing(&mut delegation).transaction.version = Version::non_standard(9);
    assert_eq!(violated(&delegation, &parameters), ["staking_time", "version", "parties"]);
}
