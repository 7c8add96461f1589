//! Delegations that other tools made: their slashing transactions are signed as they are, when they keep the
//! rules.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Psbt, ScriptBuf, Sequence, Transaction, TxOut};

use super::{slashing, unbonding};
use crate::delegation::{
    ChainRules, Delegation, DelegationError, DraftDifference, StakeTransaction, StakeViolation,
};
use crate::outputs::SpendPath;
use crate::parameters::Parameters;
use crate::psbt::sign_psbt;
use crate::testing::{genesis, honest, key, wallet};
use crate::transactions::{LeafTransaction as _, ReturnedPsbtError};

const BOTH: [StakeTransaction; 2] = [StakeTransaction::Slashing, StakeTransaction::UnbondingSlashing];

/// Returns an unsigned delegation whose slashing transactions another tool made: of this version, with a fee
/// and a slashed part that are larger than the least by this much.
fn made_elsewhere(version: i32, fee: u64, slashed: u64) -> (Delegation, Parameters) {
    let (mut delegation, parameters) = honest(genesis());
    for given in [&mut delegation.slashing, &mut delegation.unbonding_slashing] {
        let given = given.as_mut().unwrap();
        given.staker_signature = None;
        given.transaction.version = Version(version);
        given.transaction.output[0].value += Amount::from_sat(slashed);
        given.transaction.output[1].value -= Amount::from_sat(fee + slashed);
    }
    (delegation, parameters)
}

fn given(delegation: &Delegation) -> [&Transaction; 2] {
    [&delegation.slashing, &delegation.unbonding_slashing].map(|it| &it.as_ref().unwrap().transaction)
}

#[test]
fn slashing_transactions_of_other_tools_are_signed_as_they_are() {
    for (version, fee, slashed) in [(1, 0, 0), (2, 0, 0), (1, 1, 0), (2, 50_000, 0), (2, 0, 7), (1, 9, 5)] {
        let (mut delegation, parameters) = made_elsewhere(version, fee, slashed);
        let before = given(&delegation).map(Clone::clone);
        let presigned = delegation.presigned(&parameters).unwrap();
        let built = [&presigned.slashing, &presigned.unbonding_slashing];
        assert_eq!(built.map(|it| it.unsigned()), [&before[0], &before[1]]);
        assert!(built.iter().all(|it| it.fee() == parameters.min_slashing_fee() + Amount::from_sat(fee)));
        delegation.sign_as_staker(&key("staker", 0), &parameters).unwrap();
        assert_eq!(given(&delegation), [&before[0], &before[1]]);
        let checked = delegation.check_under(&parameters, None, ChainRules::MAINNET);
        checked.unwrap_or_else(|found| panic!("version {version}, {fee}, {slashed}: {found:?}"));

        // The same through PSBTs, for a wallet.
        let signed = delegation.clone();
        let (mut delegation, _) = made_elsewhere(version, fee, slashed);
        let [first, second] = built.map(|it| sign_psbt(it.psbt(), &key("staker", 0)).unwrap().0);
        let others = delegation.take_staker_signatures(&first, &second, &parameters).unwrap();
        assert_eq!((others, given(&delegation)), (vec![], [&before[0], &before[1]]));
        delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
        assert_eq!(delegation.unbonding_transaction, signed.unbonding_transaction);
    }
}

#[test]
fn differences_from_our_drafts_are_said() {
    let of = |version, fee, slashed| {
        let (delegation, parameters) = made_elsewhere(version, fee, slashed);
        delegation.presigned(&parameters).unwrap().differences(&parameters)
    };
    assert_eq!(of(2, 0, 0), []);
    let least = honest(genesis()).1.min_slashing_fee();
    let versions = BOTH.map(|part| DraftDifference::Version { part, found: 1 });
    assert_eq!(of(1, 0, 0), versions);
    let fees = BOTH.map(|part| DraftDifference::Fee { part, found: least + Amount::from_sat(3), least });
    assert_eq!(of(2, 3, 0), fees);
    let slashed = of(2, 0, 4);
    let more = Amount::from_sat(4);
    for (part, found) in BOTH.into_iter().zip(&slashed) {
        let DraftDifference::Slashed { part: own, found, least } = found else { panic!("{found:?}") };
        assert_eq!((*own, *found), (part, *least + more));
    }
    assert_eq!((slashed.len(), of(1, 3, 4).len()), (2, 6));
    let texts: Vec<_> = of(1, 3, 4).iter().take(3).map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "the slashing transaction has version 1; one drafted here has 2",
            "the slashing transaction pays a fee of 100003 sat; one drafted here pays the least, 100000 sat",
            "the slashing transaction slashes 1004 sat; one drafted here slashes the least, 1000 sat",
        ]
    );
}

/// What is checked is the rule: each one that is broken is named, and nothing is signed.
#[test]
fn slashing_transactions_that_break_rules_are_not_signed() {
    let broken = |harm: &dyn Fn(&mut Delegation)| {
        let (mut delegation, parameters) = made_elsewhere(1, 0, 0);
        harm(&mut delegation);
        let before = delegation.clone();
        let error = delegation.sign_as_staker(&key("staker", 0), &parameters).unwrap_err();
        assert_eq!(delegation, before);
        match error {
            DelegationError::Broken(found) => found.iter().map(StakeViolation::rule).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    let tx = |harm: fn(&mut Transaction)| broken(&|it| harm(&mut slashing(it).transaction));
    let sat = Amount::from_sat(1);
    assert_eq!(tx(|tx| tx.version = Version(3)), ["version"]);
    assert_eq!(tx(|tx| tx.version = Version(0)), ["version"]);
    assert_eq!(tx(|tx| tx.lock_time = LockTime::from_consensus(1)), ["lock_time"]);
    assert_eq!(tx(|tx| tx.input[0].sequence = Sequence::ZERO), ["input"]);
    assert_eq!(tx(|tx| tx.input.push(tx.input[0].clone())), ["inputs"]);
    assert_eq!(tx(|tx| tx.input[0].previous_output.vout += 1), ["spends"]);
    assert_eq!(tx(|tx| tx.output[1].value += Amount::from_sat(1)), ["fee_too_small"]);
    assert_eq!(tx(|tx| tx.output[0].value -= Amount::from_sat(1)), ["output_amount"]);
    assert_eq!(tx(|tx| tx.output[0].script_pubkey = wallet()), ["output_script"]);
    assert_eq!(tx(|tx| tx.output[1].script_pubkey = wallet()), ["output_script"]);
    assert_eq!(tx(|tx| tx.output.swap(0, 1)), ["output_script", "output_script"]);
    assert_eq!(
        tx(|tx| tx
            .output
            .push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(vec![0x6a]) })),
        ["outputs"]
    );
    // The rule for the unbonding transaction leaves one.
    let later = ["unbonding_fee", "spends"];
    assert_eq!(broken(&|it| unbonding(it).output[0].value += sat), later);
    assert_eq!(broken(&|it| unbonding(it).version = Version::ONE), ["version", "spends"]);
    // Each is named once, of both.
    let both = broken(&|it| {
        slashing(it).transaction.version = Version(3);
        it.unbonding_slashing.as_mut().unwrap().transaction.output[1].value += sat;
    });
    assert_eq!(both, ["version", "fee_too_small"]);
    let (mut delegation, parameters) = made_elsewhere(3, 0, 0);
    let error = delegation.sign_as_staker(&key("staker", 0), &parameters).unwrap_err().to_string();
    assert!(error.starts_with("the version of the slashing transaction is 3; must be 1 or 2; "), "{error}");
    delegation.slashing = None;
    let absent = delegation.presigned(&parameters).unwrap_err();
    assert!(matches!(absent, DelegationError::Absent("slashing_transaction")), "{absent:?}");
}

/// A PSBT of the transaction as we would draft it is of another one.
#[test]
fn signatures_must_be_over_the_delegations_own_transactions() {
    let (mut delegation, parameters) = made_elsewhere(1, 0, 0);
    let (ours, _) = made_elsewhere(2, 0, 0);
    let ours = ours.presigned(&parameters).unwrap();
    let sign = |psbt: &Psbt| sign_psbt(psbt, &key("staker", 0)).unwrap().0;
    let (first, second) = (sign(ours.slashing.psbt()), sign(ours.unbonding_slashing.psbt()));
    let error = delegation.take_staker_signatures(&first, &second, &parameters).unwrap_err();
    let DelegationError::Field { field: "slashing_transaction", cause } = error else { panic!("{error:?}") };
    assert!(matches!(cause.downcast_ref(), Some(ReturnedPsbtError::OtherTransaction { .. })), "{cause}");
}

/// A wallet that signs every leaf that it knows: the right signature is taken, the others are named.
#[test]
fn signatures_for_other_leaves_of_a_slashing_transaction_are_named() {
    let (mut delegation, parameters) = made_elsewhere(2, 0, 0);
    let presigned = delegation.presigned(&parameters).unwrap();
    let staker = key("staker", 0);
    let stake = delegation.stake(parameters.covenant()).unwrap().staking;
    let mut first = sign_psbt(presigned.slashing.psbt(), &staker).unwrap().0;
    let signature = *first.inputs[0].tap_script_sigs.values().next().unwrap();
    for path in [SpendPath::Timelock, SpendPath::Unbonding] {
        let leaf = stake.output().taproot().leaf(path).unwrap().hash();
        first.inputs[0].tap_script_sigs.insert((*staker.public_key(), leaf), signature);
    }
    let second = sign_psbt(presigned.unbonding_slashing.psbt(), &staker).unwrap().0;
    let mut found = delegation.take_staker_signatures(&first, &second, &parameters).unwrap();
    found.sort();
    let of = |path| (StakeTransaction::Slashing, *staker.public_key(), path);
    assert_eq!(found, [of(SpendPath::Timelock), of(SpendPath::Unbonding)]);
    delegation.check_under(&parameters, None, ChainRules::MAINNET).unwrap();
}

/// A refund that no fee can be paid from is nobody's: the rules allow it, the staker is told.
#[test]
fn refund_that_cannot_be_withdrawn_is_named() {
    let lost = |left: u64| {
        let (mut delegation, parameters) = made_elsewhere(2, 0, 0);
        for given in [&mut delegation.slashing, &mut delegation.unbonding_slashing] {
            given.as_mut().unwrap().transaction.output[1].value = Amount::from_sat(left);
        }
        let found = delegation.presigned(&parameters).unwrap().differences(&parameters);
        let lost = |found: &DraftDifference| match found {
            DraftDifference::LostRefund { part, found } => Some((*part, found.to_sat())),
            _ => None,
        };
        found.iter().filter_map(lost).collect::<Vec<_>>()
    };
    assert_eq!(lost(330), BOTH.map(|part| (part, 330)));
    assert_eq!(lost(400), BOTH.map(|part| (part, 400)));
    assert_eq!(lost(1000), []);
}
