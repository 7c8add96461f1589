//! `review_psbt`: each signature is tied to what it spends.

use bitcoin::taproot::ControlBlock;
use bitcoin::{Amount, Psbt, TapLeafHash, TapSighashType, Witness, taproot};
use eots::SecretKey;

use super::{review_psbt, staked, unbonding};
use crate::outputs::SpendPath;
use crate::psbt::{
    PsbtQuorum, PsbtSigner, PsbtSigningError, finalize_psbt, keys_of_several_leaves, sign_psbt,
};
use crate::testing::{Scene, key, members};
use crate::transactions::{
    CovenantTransaction as _, LeafTransaction, SlashingTransaction, UnbondingTransaction,
};

/// Returns the PSBT with this key's signature for a leaf, over the leaf's own sighash.
fn signed_for(psbt: &Psbt, key: &SecretKey, leaf: TapLeafHash) -> Psbt {
    let mut psbt = psbt.clone();
    let prevouts: Vec<_> = psbt.inputs.iter().map(|input| input.witness_utxo.clone().unwrap()).collect();
    let sighash = bitcoin::sighash::SighashCache::new(&psbt.unsigned_tx)
        .taproot_script_spend_signature_hash(
            0,
            &bitcoin::sighash::Prevouts::All(&prevouts),
            leaf,
            TapSighashType::Default,
        )
        .unwrap();
    let signature = taproot::Signature {
        signature: key.sign_bip340(sighash).unwrap(),
        sighash_type: TapSighashType::Default,
    };
    psbt.inputs[0].tap_script_sigs.insert((*key.public_key(), leaf), signature);
    psbt
}

/// The one leaf that a PSBT's first input offers.
fn offered(psbt: &mut Psbt) -> (ControlBlock, bitcoin::ScriptBuf) {
    let (block, (script, _)) = psbt.inputs[0].tap_scripts.iter().next().unwrap();
    (block.clone(), script.clone())
}

fn slashing(scene: &Scene) -> SlashingTransaction {
    SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap()
}

fn leaf(transaction: &impl LeafTransaction) -> TapLeafHash {
    *transaction.psbt().inputs[0]
        .tap_scripts
        .values()
        .map(|(script, version)| TapLeafHash::from_script(script, *version))
        .collect::<Vec<_>>()
        .first()
        .unwrap()
}

#[test]
fn review_psbt_names_the_path_of_each_signature() {
    let scene = Scene::new(1, 3, 2);
    for (psbt, path) in [
        (unbonding(&scene).psbt().clone(), SpendPath::Unbonding),
        (slashing(&scene).psbt().clone(), SpendPath::Slashing),
    ] {
        let review = review_psbt(&sign_psbt(&psbt, &scene.staker).unwrap().0);
        assert_eq!((review.signatures[0].path, review.signatures[0].valid), (Some(path), true));
        assert!(review.several_leaves.is_empty());
    }
}

/// The control block is another one: the parity bit, the sibling, the internal key, the leaf's version.
#[test]
fn review_psbt_refuses_a_leaf_that_the_output_does_not_commit_to() {
    let (delegation, parameters) = staked();
    let made = delegation.unbonding(parameters.covenant()).unwrap();
    let signed = sign_psbt(made.psbt(), &key("staker", 0)).unwrap().0;
    assert!(review_psbt(&signed).signatures[0].valid);
    let harms: [&dyn Fn(&mut ControlBlock); 4] = [
        &|block| block.leaf_version = bitcoin::taproot::LeafVersion::from_consensus(0xc2).unwrap(),
        &|block| {
            block.output_key_parity = match block.output_key_parity {
                bitcoin::key::Parity::Even => bitcoin::key::Parity::Odd,
                bitcoin::key::Parity::Odd => bitcoin::key::Parity::Even,
            };
        },
        &|block| {
            let mut branch = block.merkle_branch.to_vec();
            branch.swap(0, 1);
            block.merkle_branch = branch.try_into().unwrap();
        },
        &|block| block.internal_key = *key("another", 0).public_key(),
    ];
    // By the output alone, by the transaction that has it alone, by both.
    let shapes: [&dyn Fn(&mut Psbt); 3] = [
        &|_| {},
        &|psbt| {
            psbt.inputs[0].witness_utxo = None;
            psbt.inputs[0].non_witness_utxo = Some(delegation.staking_transaction.clone());
        },
        &|psbt| psbt.inputs[0].non_witness_utxo = Some(delegation.staking_transaction.clone()),
    ];
    for shape in shapes {
        let mut known = signed.clone();
        shape(&mut known);
        let review = review_psbt(&known);
        assert_eq!((review.signatures[0].valid, review.missing.len()), (true, 9));
        for harm in harms {
            let mut psbt = known.clone();
            let (mut block, script) = offered(&mut psbt);
            harm(&mut block);
            psbt.inputs[0].tap_scripts.clear();
            psbt.inputs[0].tap_scripts.insert(block, (script, bitcoin::taproot::LeafVersion::TapScript));
            let review = review_psbt(&psbt);
            assert_eq!((review.signatures[0].valid, review.signatures[0].path), (false, None));
            assert!(review.quorums.is_empty() && review.missing.is_empty(), "{review:?}");
            psbt.inputs[0].tap_script_sigs.clear();
            let refused = sign_psbt(&psbt, &key("staker", 0)).unwrap_err();
            assert!(matches!(refused, PsbtSigningError::NothingToSign(_)), "{refused:?}");
        }
    }
}

#[test]
fn review_psbt_refuses_a_key_that_is_in_no_leaf() {
    let scene = Scene::new(1, 3, 2);
    let unbonding = unbonding(&scene);
    let stranger = signed_for(unbonding.psbt(), &key("stranger", 0), leaf(&unbonding));
    assert!(!review_psbt(&stranger).signatures[0].valid);
}

/// A signature for the slashing leaf is none for the unbonding leaf, though the sighash of its own leaf is
/// signed.
#[test]
fn review_psbt_counts_signatures_of_the_offered_leaf_alone() {
    let scene = Scene::new(1, 3, 2);
    let unbonding = unbonding(&scene);
    let other = leaf(&slashing(&scene));
    let mut psbt = unbonding.psbt().clone();
    for member in &scene.covenant {
        psbt = signed_for(&psbt, member, other);
    }
    let review = review_psbt(&psbt);
    assert_eq!(review.quorums, [PsbtQuorum { input: 0, signed: 0, members: 3, quorum: 2 }]);
    assert!(review.signatures.iter().all(|signature| !signature.valid), "its leaf is not in the PSBT");
    assert_eq!(review.missing.len(), 4);
    // With both leaves in it, each signature is valid for its own.
    let mut both = psbt.clone();
    both.inputs[0].tap_scripts.extend(slashing(&scene).psbt().inputs[0].tap_scripts.clone());
    let review = review_psbt(&both);
    assert!(review.signatures.iter().all(|found| found.valid && found.path == Some(SpendPath::Slashing)));
    assert!(review.quorums.is_empty(), "it offers two leaves: {review:?}");
}

/// With the staker's signature for the unbonding leaf of a slashing transaction, a quorum slashes alone.
#[test]
fn review_psbt_warns_of_a_key_that_signed_several_leaves() {
    let scene = Scene::new(1, 3, 2);
    let (slashing, other) = (slashing(&scene), unbonding(&scene));
    let mut psbt = signed_for(slashing.psbt(), &scene.staker, leaf(&slashing));
    psbt.inputs[0].tap_scripts.extend(other.psbt().inputs[0].tap_scripts.clone());
    assert!(review_psbt(&psbt).several_leaves.is_empty() && keys_of_several_leaves(&psbt).is_empty());
    let psbt = signed_for(&psbt, &scene.staker, leaf(&other));
    assert_eq!(review_psbt(&psbt).several_leaves, [(0, *scene.staker.public_key())]);
    assert_eq!(keys_of_several_leaves(&psbt), [(0, *scene.staker.public_key())]);
}

/// Wallets that do not know the script finalize with the one signature that they make.
#[test]
fn review_psbt_reads_a_witness_with_one_signature_of_several() {
    let scene = Scene::new(1, 3, 2);
    let slashing = slashing(&scene);
    let mut signed = sign_psbt(slashing.psbt(), &scene.staker).unwrap().0;
    let (block, script) = offered(&mut signed);
    let signature = signed.inputs[0].tap_script_sigs.values().next().unwrap().to_vec();
    let input = &mut signed.inputs[0];
    let one = |signature: &[u8]| Witness::from_slice(&[signature, script.as_bytes(), &block.serialize()]);
    (input.tap_script_sigs, input.tap_scripts) = Default::default();
    input.final_script_witness = Some(one(&signature));
    let review = review_psbt(&signed);
    assert_eq!((review.invalid_witnesses.len(), review.missing.len()), (0, 4));
    let found = review.signatures[0];
    assert_eq!((found.valid, found.path), (true, Some(SpendPath::Slashing)));
    assert_eq!(found.signer, PsbtSigner::Leaf(*scene.staker.public_key()));
    let kind = crate::explain::explain_psbt(&signed).kind;
    assert_eq!(kind, crate::TransactionKind::Slashing);
    // The same key for another leaf beside it is warned of.
    let other = unbonding(&scene);
    let mut both = signed_for(&signed, &scene.staker, leaf(&other));
    both.inputs[0].final_script_witness = signed.inputs[0].final_script_witness.clone();
    assert_eq!(review_psbt(&both).several_leaves, [(0, *scene.staker.public_key())]);
    assert!(keys_of_several_leaves(&both).contains(&(0, *scene.staker.public_key())));
    // A type that is the default and said all the same, a scriptSig, and one signature for two: no block can
    // hold them.
    let explicit = [signature.as_slice(), &[0]].concat();
    let twice = [signature.as_slice(), &signature, script.as_bytes(), &block.serialize()];
    for witness in [one(&explicit), Witness::from_slice(&twice)] {
        signed.inputs[0].final_script_witness = Some(witness);
        assert_eq!(review_psbt(&signed).invalid_witnesses, [0]);
    }
    signed.inputs[0].final_script_witness = Some(one(&signature));
    signed.inputs[0].final_script_sig = Some(bitcoin::ScriptBuf::from_bytes(vec![0x51]));
    assert_eq!(review_psbt(&signed).invalid_witnesses, [0]);
    signed.inputs[0].final_script_sig = None;
    assert!(review_psbt(&signed).invalid_witnesses.is_empty());
    // Changed, it is a final witness that does not verify.
    let mut forged = signature.clone();
    forged[5] ^= 1;
    signed.inputs[0].final_script_witness = Some(one(&forged));
    assert_eq!(review_psbt(&signed).invalid_witnesses, [0]);
}

/// A final witness that reveals a leaf must satisfy it, and the output must have the leaf.
#[test]
fn review_psbt_names_final_witnesses_that_do_not_verify() {
    let scene = Scene::new(1, 3, 2);
    let made = unbonding(&scene);
    let covenant: Vec<_> =
        scene.covenant.iter().map(|member| made.sign_as_covenant_member_unchecked(member).unwrap()).collect();
    let complete = made.finalize(&made.sign_as_staker(&scene.staker).unwrap(), &covenant).unwrap();
    let with = |elements: &[Vec<u8>]| {
        let mut psbt = made.psbt().clone();
        psbt.inputs[0].final_script_witness = Some(Witness::from_slice(elements));
        psbt
    };
    let good: Vec<Vec<u8>> = complete.input[0].witness.iter().map(<[u8]>::to_vec).collect();
    let review = review_psbt(&with(&good));
    assert_eq!((review.invalid_witnesses.len(), review.quorums[0].signed), (0, 2));
    // Who signed another leaf beside the final witness is warned of, and nobody else.
    let mut both = with(&good);
    assert!(keys_of_several_leaves(&both).is_empty());
    both.inputs[0].tap_script_sigs =
        signed_for(slashing(&scene).psbt(), &scene.staker, leaf(&slashing(&scene))).inputs[0]
            .tap_script_sigs
            .clone();
    assert_eq!(keys_of_several_leaves(&both), [(0, *scene.staker.public_key())]);
    finalize_psbt(&with(&good)).unwrap();
    // No signature at all; one of the quorum absent; the staker's absent.
    let signed: Vec<usize> = (0..4).filter(|place| !good[*place].is_empty()).collect();
    for harm in [vec![0, 1, 2, 3], vec![signed[0]], vec![3]] {
        let mut less = good.clone();
        harm.iter().for_each(|place| less[*place].clear());
        let review = review_psbt(&with(&less));
        assert_eq!(review.invalid_witnesses, [0], "without the places {harm:?}");
        assert!(finalize_psbt(&with(&less)).is_err());
    }
    // A leaf with a committee of one's own, which the output does not have.
    let own = Scene { covenant: members(50), ..Scene::new(1, 3, 2) };
    let parties = crate::testing::parties(&own.staker, &own.providers, &own.covenant[..3], 2);
    let output = crate::outputs::StakingOutput::new(parties.clone(), scene.staking.output().staking_time());
    let staking =
        crate::transactions::Funded::new(output.unwrap(), scene.staking.outpoint(), scene.staking.amount());
    let unbonding_output =
        crate::outputs::UnbondingOutput::new(parties, scene.unbonding.unbonding_time()).unwrap();
    let theirs = UnbondingTransaction::new(&staking, unbonding_output, Amount::from_sat(500)).unwrap();
    let covenant: Vec<_> = own.covenant[..3]
        .iter()
        .map(|member| theirs.sign_as_covenant_member_unchecked(member).unwrap())
        .collect();
    let theirs = theirs.finalize(&theirs.sign_as_staker(&own.staker).unwrap(), &covenant).unwrap();
    let witness: Vec<Vec<u8>> = theirs.input[0].witness.iter().map(<[u8]>::to_vec).collect();
    let review = review_psbt(&with(&witness));
    assert_eq!(review.invalid_witnesses, [0]);
    assert!(review.signatures.iter().all(|signature| !signature.valid));
    assert!(review.quorums.iter().all(|quorum| quorum.signed == 0), "{:?}", review.quorums);
}

/// With the staker's signature for the unbonding leaf of a slashing transaction, a quorum slashes alone.
#[test]
fn sign_psbt_signs_the_unbonding_leaf_of_an_unbonding_or_extension_alone() {
    let scene = Scene::new(1, 3, 2);
    let mut psbt = slashing(&scene).psbt().clone();
    psbt.inputs[0].tap_scripts = unbonding(&scene).psbt().inputs[0].tap_scripts.clone();
    assert_eq!(sign_psbt(&psbt, &scene.staker).unwrap_err(), PsbtSigningError::NotUnbonding);
    sign_psbt(unbonding(&scene).psbt(), &scene.staker).unwrap();
}
