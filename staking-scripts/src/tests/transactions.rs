//! Unbonding, slashing and withdrawal.

use bitcoin::absolute::LockTime;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Sequence, Transaction};
use eots::Parity;
use proptest::prelude::*;

use super::{Scene, key, keys, public};
use crate::transactions::spend::FinalizeError;
use crate::{
    CovenantAdaptorSignatures, CovenantCommittee, CovenantSignature, Funded, FundedError, Parties,
    SigningError, SlashingError, SlashingTransaction, UnbondingError, UnbondingOutput, UnbondingTransaction,
    WithdrawalError, WithdrawalTransaction, key_path_script,
};

fn unbonding(scene: &Scene, fee: u64) -> Result<UnbondingTransaction, UnbondingError> {
    UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(fee))
}

fn covenant(scene: &Scene, tx: &UnbondingTransaction) -> Vec<CovenantSignature> {
    scene.covenant.iter().map(|member| tx.sign_as_covenant_member_unchecked(member).unwrap()).collect()
}

fn adaptors(scene: &Scene, tx: &SlashingTransaction) -> Vec<CovenantAdaptorSignatures> {
    scene
        .covenant
        .iter()
        .map(|member| tx.sign_as_covenant_member_unchecked(member, &[3; 32]).unwrap())
        .collect()
}

/// How many places of a witness hold a signature.
fn signatures(tx: &Transaction) -> usize {
    tx.input[0].witness.iter().filter(|element| element.len() == 64).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_quorum_completes_every_transaction(providers in 1usize..6, members in 1usize..21, quorum in any::<prop::sample::Index>(), offender in any::<prop::sample::Index>()) {
        let quorum = quorum.index(members) + 1;
        let scene = Scene::new(providers, members, quorum as u16);
        let tx = unbonding(&scene, 1000).unwrap();
        let finished = tx.finalize(&tx.sign_as_staker(&scene.staker).unwrap(), &covenant(&scene, &tx)).unwrap();
        prop_assert_eq!(finished.compute_txid(), tx.txid());
        prop_assert_eq!(signatures(&finished), quorum + 1);

        let offender = &scene.providers[offender.index(providers)];
        for (slashing, amount) in [
            (SlashingTransaction::new(&scene.staking, &scene.terms).unwrap(), scene.staking.amount()),
            (SlashingTransaction::new(&tx.unbonding_output(), &scene.terms).unwrap(), tx.unbonding_output().amount()),
        ] {
            let covenant = adaptors(&scene, &slashing);
            covenant.iter().for_each(|given| slashing.verify_covenant(given).unwrap());
            let staker = slashing.sign_as_staker(&scene.staker).unwrap();
            slashing.verify_staker(&staker).unwrap();
            let finished = slashing.slash(&staker, &covenant, offender).unwrap();
            prop_assert_eq!(signatures(&finished), quorum + 2);
            // Value is conserved: slashed, refunded, fee.
            let paid: Amount = finished.output.iter().map(|out| out.value).sum();
            prop_assert_eq!(paid + scene.terms.fee, amount);
            prop_assert_eq!(slashing.fee(), scene.terms.fee);
        }
    }
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
fn slashing_has_the_protocols_form() {
    let scene = Scene::new(1, 3, 2);
    let tx = SlashingTransaction::new(&scene.staking, &scene.terms).unwrap();
    let unsigned = tx.unsigned();
    assert_eq!((unsigned.version, unsigned.lock_time), (Version::ONE, LockTime::ZERO));
    assert_eq!(unsigned.input[0].sequence, Sequence::MAX);
    let outputs: Vec<_> = unsigned.output.iter().map(|out| out.value.to_sat()).collect();
    assert_eq!(outputs, [1000, 1_000_000 - 1000 - 2000]);
    assert_eq!(unsigned.output[0].script_pubkey, scene.terms.pk_script);
    assert_eq!(tx.refund_output().outpoint(), OutPoint::new(tx.txid(), 1));
    assert_eq!(tx.refund_output().tx_out(), unsigned.output[1]);
}

#[test]
fn psbts_carry_what_any_signer_needs() {
    let scene = Scene::new(2, 3, 2);
    let tx = SlashingTransaction::new(&scene.staking, &scene.terms).unwrap();
    let input = &tx.psbt().inputs[0];
    assert_eq!(input.witness_utxo.as_ref(), Some(&scene.staking.tx_out()));
    assert_eq!(input.tap_scripts.len(), 1, "the one path that may be signed");
    assert!(
        input.tap_internal_key.is_some() && input.tap_merkle_root.is_some() && input.sighash_type.is_some()
    );
    let refund = &tx.psbt().outputs[1];
    assert!(refund.tap_internal_key.is_some() && refund.tap_tree.is_some());
    let bytes = tx.psbt().serialize();
    assert_eq!(&bitcoin::Psbt::deserialize(&bytes).unwrap(), tx.psbt());
}

#[test]
fn withdrawals_of_all_three_outputs() {
    let scene = Scene::new(1, 3, 2);
    let destination = key_path_script(scene.staker.public_key());
    let rate = FeeRate::from_sat_per_vb_u32(3);
    let slashing = SlashingTransaction::new(&scene.staking, &scene.terms).unwrap();
    let unbonding = unbonding(&scene, 1000).unwrap();
    let withdrawals = [
        (WithdrawalTransaction::new(&scene.staking, destination.clone(), rate).unwrap(), 1000),
        (WithdrawalTransaction::new(&unbonding.unbonding_output(), destination.clone(), rate).unwrap(), 100),
        (WithdrawalTransaction::new(&slashing.refund_output(), destination.clone(), rate).unwrap(), 100),
    ];
    for (tx, blocks) in withdrawals {
        let unsigned = tx.unsigned();
        assert_eq!(
            (unsigned.version, unsigned.input[0].sequence),
            (Version::TWO, Sequence::from_height(blocks))
        );
        let finished = tx.finalize(&tx.sign_as_staker(&scene.staker).unwrap()).unwrap();
        assert_eq!(tx.fee(), rate.fee_wu(finished.weight()).unwrap(), "the fee is exact");
    }
}

#[test]
fn unbondings_that_cannot_be() {
    let scene = Scene::new(1, 3, 2);
    let fee_not_paid =
        |fee| UnbondingError::FeeNotPaid { amount: scene.staking.amount(), fee: Amount::from_sat(fee) };
    assert_eq!(unbonding(&scene, 1_000_000).unwrap_err(), fee_not_paid(1_000_000));
    assert_eq!(unbonding(&scene, u64::MAX).unwrap_err(), fee_not_paid(u64::MAX));
    assert!(matches!(unbonding(&scene, 999_999).unwrap_err(), UnbondingError::Dust(_)));
    let other = Parties::new(
        *key("else", 0).public_key(),
        public(&scene.providers),
        scene.parties.covenant().clone(),
    );
    let output = UnbondingOutput::new(other.unwrap(), scene.unbonding.unbonding_time()).unwrap();
    let error = UnbondingTransaction::new(&scene.staking, output, Amount::from_sat(1)).unwrap_err();
    assert_eq!(error, UnbondingError::OtherParties);
}

#[test]
fn slashings_that_cannot_be() {
    let scene = Scene::new(1, 3, 2);
    let new = |change: &dyn Fn(&mut crate::SlashingTerms)| {
        let mut terms = scene.terms.clone();
        change(&mut terms);
        SlashingTransaction::new(&scene.staking, &terms).unwrap_err()
    };
    assert_eq!(new(&|terms| terms.fee = Amount::ZERO), SlashingError::NoFee);
    assert!(matches!(new(&|terms| terms.fee = Amount::from_sat(999_000)), SlashingError::FeeNotPaid { .. }));
    assert!(matches!(new(&|terms| terms.fee = Amount::MAX), SlashingError::FeeNotPaid { .. }));
    assert!(matches!(new(&|terms| terms.fee = Amount::from_sat(998_900)), SlashingError::Dust(_)));
    // What is slashed must not be dust either, unless it is burnt.
    let pays = key_path_script(scene.staker.public_key());
    let tiny =
        Funded::new(scene.staking.output().clone(), scene.staking.outpoint(), Amount::from_sat(100_000));
    let terms = crate::SlashingTerms { pk_script: pays, ..scene.terms.clone() };
    assert!(matches!(SlashingTransaction::new(&tiny, &terms).unwrap_err(), SlashingError::Dust(_)));
    let burns = crate::SlashingTerms { pk_script: ScriptBuf::from_hex("6a").unwrap(), ..scene.terms.clone() };
    assert!(SlashingTransaction::new(&tiny, &burns).is_ok());
    // Too little to slash anything of, burnt or not; and more than there is.
    let holding = |amount| Funded::new(scene.staking.output().clone(), scene.staking.outpoint(), amount);
    let (amount, rate) = (Amount::from_sat(499), scene.terms.rate);
    let nothing = SlashingTransaction::new(&holding(amount), &burns).unwrap_err();
    assert_eq!(nothing, SlashingError::NothingSlashed { amount, rate });
    let too_much = SlashingTransaction::new(&holding(Amount::MAX), &burns).unwrap_err();
    assert_eq!(too_much, SlashingError::TooMuch(Amount::MAX));
}

#[test]
fn withdrawals_that_cannot_be() {
    let scene = Scene::new(1, 3, 2);
    let destination = key_path_script(scene.staker.public_key());
    let new = |rate| WithdrawalTransaction::new(&scene.staking, destination.clone(), rate).unwrap_err();
    assert!(matches!(new(FeeRate::from_sat_per_vb_u32(10_000)), WithdrawalError::FeeNotPaid { .. }));
    assert!(matches!(new(FeeRate::from_sat_per_vb_u32(10_001)), WithdrawalError::FeeRateTooHigh(_)));
    for lost in [ScriptBuf::new(), ScriptBuf::from_hex("6a0101").unwrap()] {
        let error = WithdrawalTransaction::new(&scene.staking, lost, FeeRate::BROADCAST_MIN).unwrap_err();
        assert!(matches!(error, WithdrawalError::Destination(_)));
    }
    assert!(matches!(new(FeeRate::MAX), WithdrawalError::FeeRateTooHigh(_)));
    // A fee that leaves an amount no node would relay.
    let weight =
        WithdrawalTransaction::new(&scene.staking, destination.clone(), FeeRate::BROADCAST_MIN).unwrap();
    let weight = weight.finalize(&weight.sign_as_staker(&scene.staker).unwrap()).unwrap().weight();
    let rate = FeeRate::from_sat_per_kwu(999_900 * 1000 / weight.to_wu());
    assert!(matches!(new(rate), WithdrawalError::Dust(_)));
}

#[test]
fn withdrawals_are_the_stakers() {
    let scene = Scene::new(1, 3, 2);
    let destination = key_path_script(scene.staker.public_key());
    let tx = WithdrawalTransaction::new(&scene.staking, destination, FeeRate::BROADCAST_MIN).unwrap();
    let (stranger, staker) = (key("stranger", 0), *scene.staker.public_key());
    let not_staker = SigningError::NotTheStaker { key: *stranger.public_key(), staker };
    assert_eq!(tx.sign_as_staker(&stranger).unwrap_err(), not_staker);
    let signature = stranger.sign_bip340(&tx.sighash().unwrap());
    assert_eq!(tx.finalize(&signature).unwrap_err(), FinalizeError::InvalidStakerSignature(staker));
}

#[test]
fn only_the_right_keys_sign() {
    let scene = Scene::new(1, 3, 2);
    let stranger = key("stranger", 0);
    let tx = unbonding(&scene, 1000).unwrap();
    let slashing = SlashingTransaction::new(&scene.staking, &scene.terms).unwrap();
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
        FinalizeError::Stranger(*scene.staker.public_key())
    );
    // Whoever gives nothing usable does not keep a quorum from unbonding.
    let finished = tx.finalize(&staker, &[swapped, stranger, good[0], good[0], good[2], good[3]]).unwrap();
    assert_eq!(signatures(&finished), 4);
    // A signature over another transaction: the other fee makes another output.
    let other = unbonding(&scene, 1001).unwrap();
    assert_eq!(finalize(&other.sign_as_staker(&scene.staker).unwrap(), &good), invalid);
}

#[test]
fn slashing_names_the_culprit() {
    let scene = Scene::new(2, 5, 3);
    let tx = SlashingTransaction::new(&scene.staking, &scene.terms).unwrap();
    let staker = tx.sign_as_staker(&scene.staker).unwrap();
    let good = adaptors(&scene, &tx);
    let (member, offender) = (*scene.covenant[0].public_key(), &scene.providers[1]);
    let slash = |covenant: &[CovenantAdaptorSignatures]| tx.slash(&staker, covenant, offender).unwrap_err();

    let stranger = key("stranger", 0);
    assert_eq!(
        tx.slash(&staker, &good, &stranger).unwrap_err(),
        SlashingError::NotAFinalityProvider(*stranger.public_key())
    );
    let mut changed = good[..3].to_vec();
    changed[0].signatures.swap(0, 1);
    let invalid =
        SlashingError::InvalidAdaptorSignature { member, finality_provider: *offender.public_key() };
    assert_eq!(slash(&changed), invalid);
    assert!(matches!(
        tx.verify_covenant(&changed[0]).unwrap_err(),
        SlashingError::InvalidAdaptorSignature { .. }
    ));
    changed[0].signatures.truncate(1);
    assert_eq!(slash(&changed), SlashingError::AdaptorCount { member, found: 1, providers: 2 });
    changed[0] = CovenantAdaptorSignatures { member: *stranger.public_key(), ..good[0].clone() };
    assert_eq!(slash(&changed), SlashingError::Finalize(FinalizeError::Stranger(*stranger.public_key())));
    // Whoever gave nothing usable does not keep a quorum from slashing.
    changed.extend_from_slice(&good[3..]);
    assert_eq!(signatures(&tx.slash(&staker, &changed, offender).unwrap()), 5);
    let below = FinalizeError::BelowQuorum { signatures: 2, quorum: 3 };
    assert_eq!(slash(&good[..2]), SlashingError::Finalize(below));
    let other =
        SlashingTransaction::new(&unbonding(&scene, 9).unwrap().unbonding_output(), &scene.terms).unwrap();
    assert_eq!(
        other.slash(&staker, &good, offender).unwrap_err(),
        SlashingError::Finalize(FinalizeError::InvalidStakerSignature(*scene.staker.public_key()))
    );
}

/// The signature that appears on chain reveals the provider's key to whoever holds the adaptor signature.
#[test]
fn a_slashing_transaction_on_chain_reveals_the_key() {
    let scene = Scene::new(2, 9, 6);
    let tx = SlashingTransaction::new(&scene.staking, &scene.terms).unwrap();
    let covenant = adaptors(&scene, &tx);
    let offender = scene.providers[0].with_parity(Parity::Even);
    let finished = tx.slash(&tx.sign_as_staker(&scene.staker).unwrap(), &covenant, &offender).unwrap();
    let explained = crate::explain(&finished);
    let spent = &explained.spent[0];
    assert_eq!(spent.provider_signers, [*offender.public_key()]);
    assert_eq!(spent.covenant_signers.len(), 6);
    let message = Message::from_digest(tx.sighash().unwrap());
    let on_chain: Vec<_> = finished.input[0].witness.iter().filter(|element| element.len() == 64).collect();
    let member = spent.covenant_signers[5];
    let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(on_chain[0]).unwrap();
    SECP256K1.verify_schnorr(&signature, &message, &member).unwrap();
    let adaptor = covenant.iter().find(|given| given.member == member).unwrap().signatures[0];
    assert_eq!(adaptor.recover(&signature).unwrap().public_key(), offender.public_key());
}

#[test]
fn outputs_are_where_they_are_said_to_be() {
    let scene = Scene::new(1, 1, 1);
    let mut tx = unbonding(&scene, 10).unwrap().unsigned().clone();
    let (txid, output) = (tx.compute_txid(), scene.staking.output());
    let script_pubkey = output.taproot().script_pubkey();
    let absent = FundedError::Absent { txid, script_pubkey: script_pubkey.clone() };
    assert_eq!(Funded::find(output.clone(), &tx).unwrap_err(), absent);
    let (outpoint, found) = (OutPoint::new(txid, 0), tx.output[0].script_pubkey.clone());
    let wrong = FundedError::WrongOutput { outpoint, found: found.clone(), expected: script_pubkey };
    assert_eq!(Funded::at(output.clone(), &tx, 0).unwrap_err(), wrong);
    let nowhere = FundedError::NoSuchOutput { outpoint: OutPoint::new(txid, 1), outputs: 1 };
    assert_eq!(Funded::at(scene.unbonding.clone(), &tx, 1).unwrap_err(), nowhere);
    assert!(Funded::at(scene.unbonding.clone(), &tx, u32::MAX).is_err());
    let there = Funded::at(scene.unbonding.clone(), &tx, 0).unwrap();
    assert_eq!(there, Funded::find(scene.unbonding.clone(), &tx).unwrap());
    tx.output.push(tx.output[0].clone());
    let repeated = FundedError::Repeated { txid: tx.compute_txid(), script_pubkey: found, count: 2 };
    assert_eq!(Funded::find(scene.unbonding.clone(), &tx).unwrap_err(), repeated);
}

#[test]
fn a_member_outside_its_committee_is_refused_by_a_smaller_committee() {
    let members = keys("member", 3);
    let committee = CovenantCommittee::new(public(&members[..2]), 2).unwrap();
    assert!(committee.contains(members[0].public_key()) && !committee.contains(members[2].public_key()));
}
