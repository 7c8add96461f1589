//! Slashing.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{Message, SECP256K1};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction};
use eots::Parity;
use proptest::prelude::*;

use crate::coins::key_path_script;
use crate::outputs::UnsafeOutput;
use crate::testing::{Scene, key, lost_scripts};
use crate::transactions::spend::FinalizeError;
use crate::transactions::{
    BuildError, CovenantAdaptorSignatures, CovenantSignature, CovenantTransaction as _, Funded,
    LeafTransaction as _, SlashingError, SlashingTransaction, UnbondingTransaction,
};

fn unbonding(scene: &Scene, fee: u64) -> Result<UnbondingTransaction, BuildError> {
    UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(fee))
}

fn is_dust(error: &BuildError, of: &str) -> bool {
    matches!(error, BuildError::Output { output, cause: UnsafeOutput::Dust { .. } } if *output == of)
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

/// Returns the number of signatures in a witness.
fn signatures(tx: &Transaction) -> usize {
    tx.input[0].witness.iter().filter(|element| element.len() == 64).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn slashing_and_unbonding_are_completed_by_a_quorum(
        providers in 1usize..6,
        members in 1usize..21,
        quorum in any::<prop::sample::Index>(),
        offender in any::<prop::sample::Index>(),
    ) {
        let quorum = quorum.index(members) + 1;
        let scene = Scene::new(providers, members, quorum as u16);
        let tx = unbonding(&scene, 1000).unwrap();
        let staker = tx.sign_as_staker(&scene.staker).unwrap();
        let finalized = tx.finalize(&staker, &covenant(&scene, &tx)).unwrap();
        prop_assert_eq!(finalized.compute_txid(), tx.txid());
        prop_assert_eq!(signatures(&finalized), quorum + 1);

        let offender = &scene.providers[offender.index(providers)];
        let (unbonding, parameters) = (tx.unbonding_output(), &scene.slashing_parameters);
        for (slashing, amount) in [
            (SlashingTransaction::new(&scene.staking, parameters).unwrap(), scene.staking.amount()),
            (SlashingTransaction::new(&unbonding, parameters).unwrap(), unbonding.amount()),
        ] {
            let covenant = adaptors(&scene, &slashing);
            covenant.iter().for_each(|given| slashing.verify_covenant(given).unwrap());
            let staker = slashing.sign_as_staker(&scene.staker).unwrap();
            slashing.verify_staker(&staker).unwrap();
            let finalized = slashing.slash(&staker, &covenant, offender).unwrap();
            prop_assert_eq!(signatures(&finalized), quorum + 2);
            // Value is conserved: slashed, refunded, fee.
            let paid: Amount = finalized.output.iter().map(|out| out.value).sum();
            prop_assert_eq!(paid + scene.slashing_parameters.fee, amount);
            prop_assert_eq!(slashing.fee(), scene.slashing_parameters.fee);
        }
    }
}

#[test]
fn slashing_has_the_protocols_form() {
    let scene = Scene::new(1, 3, 2);
    let tx = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let unsigned = tx.unsigned();
    assert_eq!((unsigned.version, unsigned.lock_time), (Version::TWO, LockTime::ZERO));
    assert_eq!(unsigned.input[0].sequence, Sequence::MAX);
    let outputs: Vec<_> = unsigned.output.iter().map(|out| out.value.to_sat()).collect();
    assert_eq!(outputs, [1000, 1_000_000 - 1000 - 2000]);
    assert_eq!(unsigned.output[0].script_pubkey, scene.slashing_parameters.pk_script);
    assert_eq!(tx.refund_output().outpoint(), OutPoint::new(tx.txid(), 1));
    assert_eq!(tx.refund_output().tx_out(), unsigned.output[1]);
}

/// Drafted with version 2, which every signer takes; the reference's have version 1, and the chain takes
/// both.
#[test]
fn slashing_of_version_1_is_built_where_it_is_asked_for() {
    let scene = Scene::new(1, 3, 2);
    let built = |version| {
        SlashingTransaction::of_version(&scene.staking, &scene.slashing_parameters, Version(version))
    };
    let drafted = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    assert_eq!(built(2).unwrap(), drafted);
    let first = built(1).unwrap();
    assert_eq!(first.unsigned().version, Version::ONE);
    assert_eq!((&first.unsigned().input, &first.unsigned().output), {
        let unsigned = drafted.unsigned();
        (&unsigned.input, &unsigned.output)
    });
    assert_ne!(first.txid(), drafted.txid());
    let staker = first.sign_as_staker(&scene.staker).unwrap();
    let finalized = first.slash(&staker, &adaptors(&scene, &first), &scene.providers[0]).unwrap();
    assert_eq!(finalized.version, Version::ONE);
    for other in [0, 3, -1] {
        assert_eq!(built(other).unwrap_err(), BuildError::SlashingVersion(other));
    }
}

/// What is slashed goes to somebody, or burns in one output that nodes relay.
#[test]
fn slashing_refuses_scripts_that_nobody_can_spend_and_burns_that_are_not_relayed() {
    let scene = Scene::new(1, 3, 2);
    let pays = |pk_script: ScriptBuf| {
        SlashingTransaction::new(
            &scene.staking,
            &crate::transactions::SlashingParameters { pk_script, ..scene.slashing_parameters.clone() },
        )
    };
    for lost in lost_scripts() {
        let cause = UnsafeOutput::NotADestination { script_pubkey: lost.clone() };
        assert_eq!(pays(lost).unwrap_err(), BuildError::Output { output: "slashed", cause });
    }
    // Two pushes, an opcode that pushes nothing, a push that is cut off.
    for burn in ["6a01010102", "6a01aaac", "6a02aa"].map(|hex| ScriptBuf::from_hex(hex).unwrap()) {
        let cause = UnsafeOutput::NotABurn { script_pubkey: burn.clone() };
        assert_eq!(pays(burn).unwrap_err(), BuildError::Output { output: "slashed", cause });
    }
}

#[test]
fn slashing_psbt_carries_what_any_signer_needs() {
    let scene = Scene::new(2, 3, 2);
    let tx = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let input = &tx.psbt().inputs[0];
    assert_eq!(input.witness_utxo.as_ref(), Some(&scene.staking.tx_out()));
    assert_eq!(input.tap_scripts.len(), 1, "the one path that may be signed");
    assert!(input.tap_internal_key.is_some());
    let refund = &tx.psbt().outputs[1];
    assert!(refund.tap_internal_key.is_some() && refund.tap_tree.is_some());
    let bytes = tx.psbt().serialize();
    assert_eq!(&bitcoin::Psbt::deserialize(&bytes).unwrap(), tx.psbt());
}

#[test]
fn slashing_refuses_amounts_and_fees_out_of_range() {
    let scene = Scene::new(1, 3, 2);
    let new = |change: &dyn Fn(&mut crate::transactions::SlashingParameters)| {
        let mut parameters = scene.slashing_parameters.clone();
        change(&mut parameters);
        SlashingTransaction::new(&scene.staking, &parameters).unwrap_err()
    };
    assert_eq!(new(&|parameters| parameters.fee = Amount::ZERO), BuildError::NoSlashingFee);
    assert!(matches!(
        new(&|parameters| parameters.fee = Amount::from_sat(999_000)),
        BuildError::SlashingFeeNotPaid { .. }
    ));
    assert!(matches!(new(&|parameters| parameters.fee = Amount::MAX), BuildError::SlashingFeeNotPaid { .. }));
    assert!(is_dust(&new(&|parameters| parameters.fee = Amount::from_sat(998_900)), "slashing refund"));
    // The slashed output must not be dust either, unless it burns.
    let pays = key_path_script(scene.staker.public_key());
    let tiny =
        Funded::new(scene.staking.output().clone(), scene.staking.outpoint(), Amount::from_sat(100_000));
    let parameters =
        crate::transactions::SlashingParameters { pk_script: pays, ..scene.slashing_parameters.clone() };
    assert!(is_dust(&SlashingTransaction::new(&tiny, &parameters).unwrap_err(), "slashed"));
    let burns = crate::transactions::SlashingParameters {
        pk_script: ScriptBuf::from_hex("6a").unwrap(),
        ..scene.slashing_parameters.clone()
    };
    assert!(SlashingTransaction::new(&tiny, &burns).is_ok());
    // A stake of which the rate takes 0 sat, and one above 21 million bitcoin.
    let holding = |amount| Funded::new(scene.staking.output().clone(), scene.staking.outpoint(), amount);
    let (amount, rate) = (Amount::from_sat(499), scene.slashing_parameters.rate);
    let nothing = SlashingTransaction::new(&holding(amount), &burns).unwrap_err();
    assert_eq!(nothing, BuildError::NothingSlashed { amount, rate });
    let too_much = SlashingTransaction::new(&holding(Amount::MAX), &burns).unwrap_err();
    assert_eq!(too_much, BuildError::StakeTooLarge(Amount::MAX));
}

#[test]
fn slashing_names_the_culprit() {
    let scene = Scene::new(2, 5, 3);
    let tx = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
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
    assert_eq!(slash(&changed), SlashingError::Finalize(FinalizeError::NotAMember(*stranger.public_key())));
    // A member without usable signatures does not keep a quorum from slashing.
    changed.extend_from_slice(&good[3..]);
    assert_eq!(signatures(&tx.slash(&staker, &changed, offender).unwrap()), 5);
    let below = FinalizeError::BelowQuorum { signatures: 2, quorum: 3 };
    assert_eq!(slash(&good[..2]), SlashingError::Finalize(below));
    let other = SlashingTransaction::new(
        &unbonding(&scene, 9).unwrap().unbonding_output(),
        &scene.slashing_parameters,
    )
    .unwrap();
    assert_eq!(
        other.slash(&staker, &good, offender).unwrap_err(),
        SlashingError::Finalize(FinalizeError::InvalidStakerSignature(*scene.staker.public_key()))
    );
}

/// The covenant signature on chain and its adaptor signature reveal the provider's key.
#[test]
fn slashing_on_chain_reveals_the_key() {
    let scene = Scene::new(2, 9, 6);
    let tx = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let covenant = adaptors(&scene, &tx);
    let offender = scene.providers[0].with_parity(Parity::Even);
    let finalized = tx.slash(&tx.sign_as_staker(&scene.staker).unwrap(), &covenant, &offender).unwrap();
    let explained = crate::explain(&finalized);
    let spent = &explained.spent[0];
    assert_eq!(spent.provider_signers, [*offender.public_key()]);
    assert_eq!(spent.covenant_signers.len(), 6);
    let message = Message::from_digest(tx.sighash().to_byte_array());
    let on_chain: Vec<_> = finalized.input[0].witness.iter().filter(|element| element.len() == 64).collect();
    let member = spent.covenant_signers[5];
    let signature = bitcoin::secp256k1::schnorr::Signature::from_slice(on_chain[0]).unwrap();
    SECP256K1.verify_schnorr(&signature, &message, &member).unwrap();
    let adaptor = covenant.iter().find(|given| given.member == member).unwrap().signatures[0];
    assert_eq!(adaptor.recover(&signature).unwrap().public_key(), offender.public_key());
}
