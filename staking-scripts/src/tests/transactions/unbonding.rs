//! Unbonding.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Sequence, Transaction};

use crate::outputs::{Parties, UnbondingOutput, UnsafeOutput};
use crate::testing::{Scene, key, public};
use crate::transactions::spend::FinalizeError;
use crate::transactions::{
    BuildError, CovenantSignature, CovenantTransaction as _, Funded, LeafTransaction as _, SigningError,
    SlashingTransaction, UnbondingTransaction,
};

fn unbonding(scene: &Scene, fee: u64) -> Result<UnbondingTransaction, BuildError> {
    UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(fee))
}

fn covenant(scene: &Scene, tx: &UnbondingTransaction) -> Vec<CovenantSignature> {
    scene.covenant.iter().map(|member| tx.sign_as_covenant_member_unchecked(member).unwrap()).collect()
}

/// Returns the number of signatures in a witness.
fn signatures(tx: &Transaction) -> usize {
    tx.input[0].witness.iter().filter(|element| element.len() == 64).count()
}

#[test]
fn unbonding_has_the_protocols_form() {
    let scene = Scene::new(1, 3, 2);
    let tx = unbonding(&scene, 1000).unwrap();
    let unsigned = tx.unsigned();
    assert_eq!((unsigned.version, unsigned.lock_time), (Version::TWO, LockTime::ZERO));
    assert_eq!((unsigned.input.len(), unsigned.output.len()), (1, 1));
    assert_eq!(unsigned.input[0].previous_output, scene.staking.outpoint());
    assert_eq!(unsigned.input[0].sequence, Sequence::MAX);
    assert_eq!(unsigned.output[0].value, Amount::from_sat(999_000));
    assert_eq!(tx.fee(), Amount::from_sat(1000));
    assert_eq!(tx.unbonding_output().outpoint(), OutPoint::new(tx.txid(), 0));
    // Funded::find finds the same output in the transaction.
    assert_eq!(Funded::find(scene.unbonding.clone(), unsigned).unwrap(), tx.unbonding_output());
}

#[test]
fn unbonding_refuses_fees_and_parties_out_of_range() {
    let scene = Scene::new(1, 3, 2);
    let fee_not_paid =
        |fee| BuildError::UnbondingFeeNotPaid { amount: scene.staking.amount(), fee: Amount::from_sat(fee) };
    assert_eq!(unbonding(&scene, 1_000_000).unwrap_err(), fee_not_paid(1_000_000));
    assert_eq!(unbonding(&scene, u64::MAX).unwrap_err(), fee_not_paid(u64::MAX));
    assert!(matches!(
        unbonding(&scene, 999_999).unwrap_err(),
        BuildError::Output { output: "unbonding", cause: UnsafeOutput::Dust { .. } }
    ));
    let other = Parties::new(
        *key("else", 0).public_key(),
        public(&scene.providers),
        scene.parties.covenant().clone(),
    );
    let output = UnbondingOutput::new(other.unwrap(), scene.unbonding.unbonding_time()).unwrap();
    let error = UnbondingTransaction::new(&scene.staking, output, Amount::from_sat(1)).unwrap_err();
    assert_eq!(error, BuildError::OtherParties);
}

#[test]
fn unbonding_and_slashing_are_signed_by_the_right_keys() {
    let scene = Scene::new(1, 3, 2);
    let stranger = key("stranger", 0);
    let tx = unbonding(&scene, 1000).unwrap();
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let not_staker =
        SigningError::NotTheStaker { key: *stranger.public_key(), staker: *scene.staker.public_key() };
    assert_eq!(tx.sign_as_staker(&stranger).unwrap_err(), not_staker);
    assert_eq!(slashing.sign_as_staker(&stranger).unwrap_err(), not_staker);
    let not_member = SigningError::NotAMember(*scene.staker.public_key());
    assert_eq!(tx.sign_as_covenant_member_unchecked(&scene.staker).unwrap_err(), not_member);
    assert_eq!(slashing.sign_as_covenant_member_unchecked(&scene.staker, &[0; 32]).unwrap_err(), not_member);
}

#[test]
fn unbonding_names_the_culprit() {
    let scene = Scene::new(1, 5, 3);
    let tx = unbonding(&scene, 1000).unwrap();
    let staker = tx.sign_as_staker(&scene.staker).unwrap();
    let good = covenant(&scene, &tx);
    let (a, b) = (*scene.covenant[0].public_key(), *scene.covenant[1].public_key());
    let finalize = |staker, covenant: &[CovenantSignature]| tx.finalize(staker, covenant).unwrap_err();

    let invalid = FinalizeError::InvalidStakerSignature(*scene.staker.public_key());
    assert_eq!(finalize(&good[0].signature, &good), invalid);
    assert_eq!(tx.verify_staker(&good[0].signature).unwrap_err(), invalid);
    assert_eq!(finalize(&staker, &good[..2]), FinalizeError::BelowQuorum { signatures: 2, quorum: 3 });
    assert_eq!(finalize(&staker, &[]), FinalizeError::BelowQuorum { signatures: 0, quorum: 3 });
    assert_eq!(finalize(&staker, &[good[0], good[1], good[0]]), FinalizeError::RepeatedMember(a));
    let swapped = CovenantSignature { member: b, signature: good[0].signature };
    assert_eq!(finalize(&staker, &[good[0], swapped, good[2]]), FinalizeError::InvalidCovenantSignature(b));
    assert_eq!(tx.verify_covenant(&swapped).unwrap_err(), FinalizeError::InvalidCovenantSignature(b));
    let stranger = CovenantSignature { member: *scene.staker.public_key(), signature: staker };
    assert_eq!(
        finalize(&staker, &[stranger, good[1], good[2]]),
        FinalizeError::NotAMember(*scene.staker.public_key())
    );
    // A member without a usable signature does not keep a quorum from unbonding.
    let finalized = tx.finalize(&staker, &[swapped, stranger, good[0], good[0], good[2], good[3]]).unwrap();
    assert_eq!(signatures(&finalized), 4);
    // A signature over another transaction: the other fee makes another output.
    let other = unbonding(&scene, 1001).unwrap();
    assert_eq!(finalize(&other.sign_as_staker(&scene.staker).unwrap(), &good), invalid);
}
