//! PSBTs that signers return: read when they are right, and refused with an error for each rule.

use std::collections::BTreeMap;

use bitcoin::bip32::{DerivationPath, Fingerprint, KeySource};
use bitcoin::hashes::{Hash as _, hash160};
use bitcoin::secp256k1::{SECP256K1, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::{
    Amount, FeeRate, Network, PrivateKey, Psbt, PublicKey, TapLeafHash, TapSighash, TapSighashType,
    TapTweakHash, Witness, XOnlyPublicKey, taproot,
};
use eots::SecretKey;

use crate::delegation::{SlashedOutput, WithdrawnOutput};
use crate::outputs::SpendPath;
use crate::psbt::review_psbt;
use crate::testing::{Extended, Scene, consumer_rules, extended, key, wallet};
use crate::transactions::{
    CovenantTransaction, FinalizeError, Funded, LeafSignatures, LeafTransaction as _, ReturnedPsbtError,
    SlashingTransaction, UnbondingTransaction, WithdrawalTransaction,
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
    // Two of three members had signed before: no place is left for the third, whichever it is.
    for absent in 0..3 {
        let others = scene.covenant.iter().enumerate().filter(|(number, _)| *number != absent);
        let members = others.map(|(_, key)| unbonding.sign_as_covenant_member_unchecked(key).unwrap());
        let members: Vec<_> = members.collect();
        let given = members.iter().map(|by| by.signature).chain([signed]);
        let mut elements: Vec<_> = given.map(|signature| signature.serialize().to_vec()).collect();
        elements.extend([leaf.script.to_bytes(), leaf.control_block.serialize()]);
        psbt.inputs[0].final_script_witness = Some(Witness::from_slice(&elements));
        let found = unbonding.signatures(&psbt).unwrap();
        assert_eq!(found.staker, Some(signed));
        assert!(found.covenant.len() == 2 && members.iter().all(|by| found.covenant.contains(by)));
        let review = review_psbt(&psbt).unwrap();
        assert_eq!((review.invalid_witnesses.len(), review.signatures.len()), (0, 3));
        assert!(review.signatures.iter().all(|found| found.valid));
    }

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
    for found in [
        TapSighashType::All,
        TapSighashType::None,
        TapSighashType::Single,
        TapSighashType::AllPlusAnyoneCanPay,
        TapSighashType::NonePlusAnyoneCanPay,
        TapSighashType::SinglePlusAnyoneCanPay,
    ] {
        let other = refused(&|psbt| {
            let signature = taproot::Signature { sighash_type: found, ..signature };
            psbt.inputs[0].tap_script_sigs.insert(place, signature);
        });
        assert_eq!(other, ReturnedPsbtError::SighashType { key: staker, found });
        let asked = refused(&|psbt| psbt.inputs[0].sighash_type = Some(found.into()));
        assert_eq!(asked, ReturnedPsbtError::AskedSighashType(found.into()));
    }
    let mut explicit = good.clone();
    explicit.inputs[0].sighash_type = Some(TapSighashType::Default.into());
    assert!(unbonding.signatures(&explicit).unwrap().staker.is_some());
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

/// Every transaction that spends an output of the protocol, of one stake.
fn every_spend() -> Vec<(&'static str, SpendPath, Psbt)> {
    let (delegation, parameters) = crate::testing::honest(crate::testing::genesis());
    let covenant = parameters.covenant();
    let rate = FeeRate::from_sat_per_vb_u32(2);
    let withdrawal = |from| delegation.withdrawal(from, wallet(), rate, covenant).unwrap().psbt().clone();
    let slashing = |which| delegation.slashing(which, covenant).unwrap().psbt().clone();
    let Extended { delegation: extended, old, new, .. } = extended();
    let checked = extended.check_under(&new, Some(&old), consumer_rules()).unwrap();
    vec![
        ("unbonding", SpendPath::Unbonding, delegation.unbonding(covenant).unwrap().psbt().clone()),
        ("slashing", SpendPath::Slashing, slashing(SlashedOutput::Staking)),
        ("unbonding slashing", SpendPath::Slashing, slashing(SlashedOutput::Unbonding)),
        ("withdrawal", SpendPath::Timelock, withdrawal(WithdrawnOutput::Staking)),
        ("of the unbonding output", SpendPath::Timelock, withdrawal(WithdrawnOutput::Unbonding)),
        ("of a refund", SpendPath::Timelock, withdrawal(WithdrawnOutput::Refund(SlashedOutput::Staking))),
        ("extension", SpendPath::Unbonding, checked.extension().unwrap().psbt().clone()),
    ]
}

/// With a Merkle root some wallets sign with the tweaked key, which is in no leaf; an explicit sighash type 0
/// is refused by some and dropped by others.
#[test]
fn leaf_spends_offer_one_leaf_without_merkle_root_and_sighash_type() {
    for (what, path, psbt) in every_spend() {
        let input = &psbt.inputs[0];
        assert_eq!((input.tap_merkle_root, input.sighash_type), (None, None), "{what}");
        assert!(input.tap_internal_key.is_some() && input.witness_utxo.is_some(), "{what}");
        let offered: Vec<_> = input.tap_scripts.iter().collect();
        let [(block, (script, version))] = offered.as_slice() else { panic!("{what}: {offered:?}") };
        let keys = crate::outputs::LeafKeys::from_script(script).unwrap();
        assert_eq!((keys.path(), version), (path, &LeafVersion::TapScript), "{what}");
        let spent = input.witness_utxo.as_ref().unwrap().script_pubkey.as_bytes();
        let output_key = XOnlyPublicKey::from_slice(&spent[2..]).unwrap();
        assert!(block.verify_taproot_commitment(SECP256K1, output_key, script), "{what}");
        // Nothing is lost where it is serialized: the types that say it are absent.
        let read = Psbt::deserialize(&psbt.serialize()).unwrap();
        assert_eq!(read, psbt, "{what}");
    }
}

/// Signers that look for their key among the origins find it: its own fingerprint, an empty path, the leaf.
#[test]
fn leaf_spends_have_an_origin_of_the_stakers_key_without_one_given() {
    let staker = *key("staker", 0).public_key();
    let fingerprint = hash160::Hash::hash(&staker.serialize()).to_byte_array();
    let own: KeySource =
        (Fingerprint::from(<[u8; 4]>::try_from(&fingerprint[..4]).unwrap()), DerivationPath::master());
    for (what, _, psbt) in every_spend() {
        let input = &psbt.inputs[0];
        let (script, version) = input.tap_scripts.values().next().unwrap();
        let leaf = TapLeafHash::from_script(script, *version);
        assert_eq!(input.tap_key_origins, [(staker, (vec![leaf], own.clone()))].into(), "{what}");
    }
    // One that is given takes its place; of another key, it stands beside it.
    let scene = Scene::new(1, 3, 2);
    let mut unbonding = unbonding(&scene);
    let given: KeySource = (Fingerprint::from([1, 2, 3, 4]), "m/86'/0'".parse().unwrap());
    unbonding.add_key_origin(*scene.covenant[0].public_key(), &given);
    let origins = |unbonding: &UnbondingTransaction| {
        let origins = &unbonding.psbt().inputs[0].tap_key_origins;
        [*scene.staker.public_key(), *scene.covenant[0].public_key()].map(|key| origins[&key].1.clone())
    };
    assert_eq!(origins(&unbonding), [own, given.clone()]);
    unbonding.add_key_origin(*scene.staker.public_key(), &given);
    assert_eq!(origins(&unbonding), [given.clone(), given]);
}

/// rust-bitcoin's own signer signs nothing, and reports no error, for a key without an origin.
#[test]
fn leaf_spends_are_signed_by_a_signer_that_goes_by_origins() {
    for number in 0..4 {
        // Keys of both parities.
        let staker = key("staker", number);
        let scene = Scene::new(1, 3, 2);
        let parties = crate::testing::parties(&staker, &scene.providers, &scene.covenant, 2);
        let output = crate::outputs::StakingOutput::new(parties, scene.staking.output().staking_time());
        let staking = Funded::new(output.unwrap(), scene.staking.outpoint(), scene.staking.amount());
        let slashing = SlashingTransaction::new(&staking, &scene.slashing_parameters).unwrap();
        let secret = PrivateKey::from_slice(staker.to_bytes().as_slice(), Network::Regtest).unwrap();
        let secrets: BTreeMap<PublicKey, PrivateKey> = [(secret.public_key(SECP256K1), secret)].into();
        let mut psbt = slashing.psbt().clone();
        psbt.sign(&secrets, SECP256K1).unwrap();
        let found = slashing.signatures(&psbt).unwrap();
        slashing.verify_staker(&found.staker.unwrap()).unwrap();
        assert_eq!((psbt.inputs[0].tap_script_sigs.len(), psbt.inputs[0].tap_key_sig), (1, None));
        let mut without = slashing.psbt().clone();
        without.inputs[0].tap_key_origins.clear();
        without.sign(&secrets, SECP256K1).unwrap();
        assert!(without.inputs[0].tap_script_sigs.is_empty(), "the entry is what makes it sign");
    }
}

/// Adds a key's signature for a leaf of the staking output, over the leaf's own sighash.
fn sign_leaf(psbt: &mut Psbt, signer: &SecretKey, leaf: TapLeafHash) {
    let prevouts = [psbt.inputs[0].witness_utxo.clone().unwrap()];
    let sighash = SighashCache::new(&psbt.unsigned_tx)
        .taproot_script_spend_signature_hash(0, &Prevouts::All(&prevouts), leaf, TapSighashType::Default)
        .unwrap();
    let signature = signer.sign_bip340(sighash).unwrap();
    let signature = taproot::Signature { signature, sighash_type: TapSighashType::Default };
    psbt.inputs[0].tap_script_sigs.insert((*signer.public_key(), leaf), signature);
}

/// Wallets that know the descriptor sign every leaf, and add every leaf's script.
#[test]
fn signatures_for_other_leaves_are_left_out_and_named() {
    let scene = Scene::new(1, 3, 2);
    let staker = *scene.staker.public_key();
    let taproot = scene.staking.output().taproot();
    let hash = |path| taproot.leaf(path).unwrap().hash();
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let mut psbt = slashing.psbt().clone();
    for leaf in taproot.leaves() {
        sign_leaf(&mut psbt, &scene.staker, leaf.hash());
        let script = (leaf.script.clone(), LeafVersion::TapScript);
        psbt.inputs[0].tap_scripts.insert(leaf.control_block.clone(), script);
    }
    let found = slashing.signatures(&psbt).unwrap();
    assert_eq!(found.staker, Some(slashing.sign_as_staker(&scene.staker).unwrap()));
    let mut others = found.other_leaves.clone();
    others.sort();
    assert_eq!(others, [(staker, SpendPath::Timelock), (staker, SpendPath::Unbonding)]);
    // The same where the wallet has finalized what it was asked for.
    let leaf = taproot.leaf(SpendPath::Slashing).unwrap();
    let own = psbt.inputs[0].tap_script_sigs.remove(&(staker, leaf.hash())).unwrap();
    let block = leaf.control_block.serialize();
    psbt.inputs[0].final_script_witness =
        Some(Witness::from_slice(&[own.to_vec().as_slice(), leaf.script.as_bytes(), &block]));
    let again = slashing.signatures(&psbt).unwrap();
    assert_eq!((again.staker, again.other_leaves.len()), (found.staker, 2));
    // Not asked for, of a key of another leaf alone.
    let unbonding = unbonding(&scene);
    let mut psbt = unbonding.psbt().clone();
    sign_leaf(&mut psbt, &scene.staker, hash(SpendPath::Unbonding));
    assert!(unbonding.signatures(&psbt).unwrap().other_leaves.is_empty());
    sign_leaf(&mut psbt, &scene.providers[0], hash(SpendPath::Slashing));
    let provider = *scene.providers[0].public_key();
    assert_eq!(unbonding.signatures(&psbt).unwrap().other_leaves, [(provider, SpendPath::Slashing)]);
}

/// A signature by a key that is in no leaf is none, nor is one for a leaf that the output does not have; and
/// another leaf's alone is not what was asked for.
#[test]
fn signatures_of_keys_that_are_in_no_leaf_are_refused() {
    let scene = Scene::new(1, 3, 2);
    let unbonding = unbonding(&scene);
    let taproot = scene.staking.output().taproot();
    let (staker, stranger) = (*scene.staker.public_key(), key("stranger", 0));
    let with = |signer: &SecretKey, leaf: TapLeafHash| {
        let mut psbt = unbonding.psbt().clone();
        sign_leaf(&mut psbt, signer, leaf);
        unbonding.signatures(&psbt).unwrap_err()
    };
    let elsewhere = TapLeafHash::from_byte_array([5; 32]);
    for leaf in taproot.leaves().map(|leaf| leaf.hash()).chain([elsewhere]) {
        assert_eq!(with(&stranger, leaf), ReturnedPsbtError::NotInLeaf(*stranger.public_key()));
    }
    assert_eq!(with(&scene.staker, elsewhere), ReturnedPsbtError::OtherLeaf(staker));
    for path in [SpendPath::Timelock, SpendPath::Slashing] {
        let leaf = taproot.leaf(path).unwrap().hash();
        assert_eq!(with(&scene.staker, leaf), ReturnedPsbtError::OtherLeaf(staker), "{path}");
    }
    // A member is in the slashing leaf, and not in the timelock leaf.
    let timelock = taproot.leaf(SpendPath::Timelock).unwrap().hash();
    let member = &scene.covenant[0];
    assert_eq!(with(member, timelock), ReturnedPsbtError::NotInLeaf(*member.public_key()));
    // The tweaked key, with which a wallet signs that takes the leaf for a key path.
    let root = taproot.merkle_root();
    let tweak = TapTweakHash::from_key_and_tweak(staker, root).to_scalar();
    let tweaked = scene.staker.add_x_only_tweak(&tweak).unwrap();
    let leaf = taproot.leaf(SpendPath::Unbonding).unwrap().hash();
    assert_eq!(with(&tweaked, leaf), ReturnedPsbtError::NotInLeaf(*tweaked.public_key()));
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
