//! PSBTs that signers return: read when they are right, and refused with an error for each rule.

use bitcoin::bip32::{DerivationPath, Fingerprint, KeySource};
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::schnorr;
use bitcoin::{
    Amount, FeeRate, Psbt, TapLeafHash, TapSighash, TapSighashType, Witness, XOnlyPublicKey, taproot,
};
use eots::SecretKey;

use crate::outputs::SpendPath;
use crate::testing::{Scene, key};
use crate::transactions::{
    FinalizeError, LeafSignatures, LeafTransaction as _, ReturnedPsbtError, SlashingTransaction,
    UnbondingTransaction, WithdrawalTransaction,
};

fn unbonding(scene: &Scene) -> UnbondingTransaction {
    UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(500)).unwrap()
}

/// Signs as a signer does: the one leaf that the PSBT offers, over the sighash that the PSBT describes.
fn sign(psbt: &mut Psbt, signer: &SecretKey, sighash: TapSighash) {
    let input = &mut psbt.inputs[0];
    let (script, version) = input.tap_scripts.values().next().unwrap();
    let hash = TapLeafHash::from_script(script, *version);
    let signature = taproot::Signature {
        signature: signer.sign_bip340(sighash).unwrap(),
        sighash_type: TapSighashType::Default,
    };
    input.tap_script_sigs.insert((*signer.public_key(), hash), signature);
}

#[test]
fn signatures_of_a_returned_psbt_finalize_the_transaction() {
    let scene = Scene::new(2, 4, 3);
    let unbonding = unbonding(&scene);
    let mut psbt = unbonding.psbt().clone();
    assert_eq!(unbonding.signatures(&psbt).unwrap(), LeafSignatures::default());
    for signer in scene.covenant.iter().take(3).chain([&scene.staker]) {
        sign(&mut psbt, signer, unbonding.sighash());
    }
    // Serialized and parsed again.
    let psbt = Psbt::deserialize(&psbt.serialize()).unwrap();
    let signatures = unbonding.signatures(&psbt).unwrap();
    assert_eq!((signatures.covenant.len(), signatures.finality_providers.len()), (3, 0));
    unbonding.finalize(&signatures.staker.unwrap(), &signatures.covenant).unwrap();

    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let mut psbt = slashing.psbt().clone();
    for signer in [&scene.providers[1], &scene.staker] {
        sign(&mut psbt, signer, slashing.sighash());
    }
    let signatures = slashing.signatures(&psbt).unwrap();
    slashing.verify_staker(&signatures.staker.unwrap()).unwrap();
    assert_eq!(signatures.finality_providers[0].0, *scene.providers[1].public_key());
}

/// Wallets finalize what they sign: with a complete witness, or with their one signature where the script has
/// more keys.
#[test]
fn signatures_are_read_from_a_finalized_witness() {
    let scene = Scene::new(1, 3, 2);
    let rate = FeeRate::from_sat_per_vb_u32(2);
    let destination = crate::coins::key_path_script(key("wallet", 0).public_key());
    let withdrawal = WithdrawalTransaction::new(&scene.staking, destination, rate).unwrap();
    let staker = withdrawal.sign_as_staker(&scene.staker).unwrap();
    let mut psbt = withdrawal.psbt().clone();
    psbt.inputs[0].final_script_witness =
        Some(withdrawal.finalize(&staker).unwrap().input[0].witness.clone());
    psbt.inputs[0].tap_scripts.clear();
    assert_eq!(withdrawal.signatures(&psbt).unwrap().staker, Some(staker));

    let unbonding = unbonding(&scene);
    let leaf = scene.staking.output().taproot().leaf(SpendPath::Unbonding).unwrap();
    let signed = unbonding.sign_as_staker(&scene.staker).unwrap();
    let one = Witness::from_slice(&[
        signed.serialize().as_slice(),
        leaf.script.as_bytes(),
        &leaf.control_block.serialize(),
    ]);
    let mut psbt = unbonding.psbt().clone();
    psbt.inputs[0].final_script_witness = Some(one.clone());
    let signatures = unbonding.signatures(&psbt).unwrap();
    assert_eq!((signatures.staker, signatures.covenant.len()), (Some(signed), 0));

    // A witness of another leaf, an empty one, and one with a signature of a key that is not in the leaf.
    let other = scene.staking.output().taproot().leaf(SpendPath::Timelock).unwrap();
    let mut elements = one.to_vec();
    elements[1] = other.script.to_bytes();
    let stranger = key("stranger", 0).sign_bip340(unbonding.sighash()).unwrap();
    let mut strange = one.to_vec();
    strange[0] = stranger.serialize().to_vec();
    let many: Vec<Vec<u8>> = std::iter::repeat_n(Vec::new(), 5).chain(one.to_vec()).collect();
    for wrong in [elements, strange, many, vec![], vec![vec![1]]] {
        psbt.inputs[0].final_script_witness = Some(Witness::from_slice(&wrong));
        assert_eq!(unbonding.signatures(&psbt).unwrap_err(), ReturnedPsbtError::Witness);
    }
}

#[test]
fn signatures_name_each_thing_that_can_be_wrong() {
    let scene = Scene::new(1, 3, 2);
    let unbonding = unbonding(&scene);
    let staker = *scene.staker.public_key();
    let mut good = unbonding.psbt().clone();
    sign(&mut good, &scene.staker, unbonding.sighash());
    let refused = |change: &dyn Fn(&mut Psbt)| {
        let mut psbt = good.clone();
        change(&mut psbt);
        unbonding.signatures(&psbt).unwrap_err()
    };
    let (place, signature) = good.inputs[0].tap_script_sigs.first_key_value().unwrap();
    let (place, signature) = (*place, *signature);

    let changed = refused(&|psbt| psbt.unsigned_tx.output[0].value -= Amount::from_sat(1));
    let txid = unbonding.txid();
    assert!(matches!(changed, ReturnedPsbtError::OtherTransaction { expected, .. } if expected == txid));
    let version = refused(&|psbt| psbt.unsigned_tx.version = bitcoin::transaction::Version::ONE);
    assert!(matches!(version, ReturnedPsbtError::OtherTransaction { .. }));
    assert_eq!(refused(&|psbt| psbt.inputs.clear()), ReturnedPsbtError::NoInput);

    let other = scene.staking.output().taproot().leaf(SpendPath::Slashing).unwrap().hash();
    let moved = refused(&|psbt| {
        psbt.inputs[0].tap_script_sigs = [((place.0, other), signature)].into();
    });
    assert_eq!(moved, ReturnedPsbtError::OtherLeaf(staker));
    let all = refused(&|psbt| {
        let signature = taproot::Signature { sighash_type: TapSighashType::All, ..signature };
        psbt.inputs[0].tap_script_sigs.insert(place, signature);
    });
    assert_eq!(all, ReturnedPsbtError::SighashType { key: staker, found: TapSighashType::All });
    let stranger = key("stranger", 0);
    let error = refused(&|psbt| sign(psbt, &stranger, unbonding.sighash()));
    assert_eq!(error, ReturnedPsbtError::NotInLeaf(*stranger.public_key()));
    // The finality provider is not in the unbonding leaf.
    let error = refused(&|psbt| sign(psbt, &scene.providers[0], unbonding.sighash()));
    assert_eq!(error, ReturnedPsbtError::NotInLeaf(*scene.providers[0].public_key()));
    // A signature over the amount in a PSBT that was changed.
    let error = refused(&|psbt| sign(psbt, &scene.covenant[0], TapSighash::from_byte_array([9; 32])));
    assert_eq!(error, ReturnedPsbtError::InvalidSignature(*scene.covenant[0].public_key()));
}

#[test]
fn add_key_origin_reaches_each_place_of_the_key() {
    let scene = Scene::new(1, 3, 2);
    let mut unbonding = unbonding(&scene);
    let source: KeySource =
        (Fingerprint::from([1, 2, 3, 4]), "m/86'/1'/0'/0/5".parse::<DerivationPath>().unwrap());
    let (staker, provider) = (*scene.staker.public_key(), *scene.providers[0].public_key());
    let stranger: XOnlyPublicKey = *key("stranger", 0).public_key();
    for key in [staker, provider, stranger] {
        unbonding.add_key_origin(key, &source);
    }
    let leaf = |path| scene.staking.output().taproot().leaf(path).unwrap().hash();
    let input = &unbonding.psbt().inputs[0];
    assert_eq!(input.tap_key_origins, [(staker, (vec![leaf(SpendPath::Unbonding)], source.clone()))].into());
    // In the unbonding output the staker's key is in both leaves, the provider's in one.
    let output = &unbonding.psbt().outputs[0];
    let hash = |path| scene.unbonding.taproot().leaf(path).unwrap().hash();
    let mut both = vec![hash(SpendPath::Slashing), hash(SpendPath::Timelock)];
    both.sort();
    let expected =
        [(staker, (both, source.clone())), (provider, (vec![hash(SpendPath::Slashing)], source))].into();
    assert_eq!(output.tap_key_origins, expected);
    // Nothing else changes.
    let signed: schnorr::Signature = unbonding.sign_as_staker(&scene.staker).unwrap();
    self::unbonding(&scene).verify_staker(&signed).unwrap();
}

#[test]
fn signatures_below_the_quorum_finalize_nothing() {
    let scene = Scene::new(1, 3, 2);
    let unbonding = unbonding(&scene);
    let mut psbt = unbonding.psbt().clone();
    for signer in [&scene.covenant[0], &scene.staker] {
        sign(&mut psbt, signer, unbonding.sighash());
    }
    let signatures = unbonding.signatures(&psbt).unwrap();
    let error = unbonding.finalize(&signatures.staker.unwrap(), &signatures.covenant).unwrap_err();
    assert_eq!(error, FinalizeError::BelowQuorum { signatures: 1, quorum: 2 });
}
