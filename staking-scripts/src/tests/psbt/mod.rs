//! Review and signing of a PSBT by itself.

mod bip370;
mod hostile;
mod malformed;
mod maps;
mod review;
mod summary;
mod verifier;
mod versions;
mod weight;

use bitcoin::secp256k1::{Message, SECP256K1, SecretKey as EcdsaKey};
use bitcoin::sighash::SighashCache;
use bitcoin::{
    Amount, EcdsaSighashType, FeeRate, OutPoint, Psbt, PublicKey, ScriptBuf, TapSighashType, TxOut, Witness,
    ecdsa,
};

use crate::coins::{FundingCoin, key_path_script};
use crate::psbt::{PsbtQuorum, PsbtReview, PsbtSigner, PsbtSigningError, sign_psbt};
use crate::testing::{Scene, genesis, honest, key};
use crate::transactions::{
    CovenantTransaction as _, LeafTransaction as _, NewStake, SlashingTransaction, StakingTransaction,
    UnbondingTransaction,
};
use crate::{Delegation, Parameters};

/// A delegation whose staking transaction is known, and its parameters.
fn staked() -> (Delegation, Parameters) {
    honest(genesis())
}

/// Reviews a PSBT that is not too heavy.
fn review_psbt(psbt: &Psbt) -> PsbtReview {
    crate::psbt::review_psbt(psbt).unwrap()
}

fn unbonding(scene: &Scene) -> UnbondingTransaction {
    UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(500)).unwrap()
}

#[test]
fn sign_psbt_is_for_the_staker_and_nobody_else() {
    let scene = Scene::new(2, 4, 3);
    let unbonding = unbonding(&scene);
    let (signed, count) = sign_psbt(unbonding.psbt(), &scene.staker).unwrap();
    assert_eq!((count, &signed.unsigned_tx), (1, unbonding.unsigned()));
    let staker = unbonding.signatures(&signed).unwrap().staker.unwrap();
    unbonding.verify_staker(&staker).unwrap();
    let review = review_psbt(&signed);
    assert_eq!(
        (review.fee, review.missing.len(), review.invalid_witnesses.len()),
        (Some(Amount::from_sat(500)), 4, 0)
    );
    let quorum = |signed, members, quorum| PsbtQuorum { input: 0, signed, members, quorum };
    assert_eq!((&review.unsigned, &review.quorums), (&vec![], &vec![quorum(0, 4, 3)]));
    let found = review.signatures[0];
    assert!(found.valid && found.signer == PsbtSigner::Leaf(*scene.staker.public_key()) && found.input == 0);

    for other in [&scene.covenant[0], &scene.providers[0], &key("stranger", 0)] {
        let refused = PsbtSigningError::NothingToSign(*other.public_key());
        assert_eq!(sign_psbt(unbonding.psbt(), other).unwrap_err(), refused);
    }
    // A leaf that is not of the output that is spent, two leaves, an unknown prevout.
    let mut psbt = unbonding.psbt().clone();
    psbt.inputs[0].witness_utxo.as_mut().unwrap().script_pubkey = key_path_script(scene.staker.public_key());
    assert!(matches!(sign_psbt(&psbt, &scene.staker), Err(PsbtSigningError::NothingToSign(_))));
    let mut psbt = unbonding.psbt().clone();
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    psbt.inputs[0].tap_scripts.extend(slashing.psbt().inputs[0].tap_scripts.clone());
    assert!(matches!(sign_psbt(&psbt, &scene.staker), Err(PsbtSigningError::NothingToSign(_))));
    let mut psbt = unbonding.psbt().clone();
    psbt.inputs[0].witness_utxo = None;
    assert_eq!(sign_psbt(&psbt, &scene.staker).unwrap_err(), PsbtSigningError::Incomplete);
    assert_eq!(review_psbt(&psbt).fee, None);
    psbt.inputs.clear();
    assert_eq!(sign_psbt(&psbt, &scene.staker).unwrap_err(), PsbtSigningError::Incomplete);
}

/// The staker's slashing signature is given to others, so it must be for a slashing transaction alone.
#[test]
fn sign_psbt_signs_no_slashing_beside_something_else() {
    let scene = Scene::new(1, 3, 2);
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let (signed, _) = sign_psbt(slashing.psbt(), &scene.staker).unwrap();
    slashing.verify_staker(&slashing.signatures(&signed).unwrap().staker.unwrap()).unwrap();
    let mut more = slashing.psbt().clone();
    let mut second = more.unsigned_tx.input[0].clone();
    second.previous_output.vout += 1;
    more.unsigned_tx.input.push(second);
    let coin =
        TxOut { value: Amount::from_sat(5), script_pubkey: key_path_script(key("wallet", 0).public_key()) };
    more.inputs.push(bitcoin::psbt::Input { witness_utxo: Some(coin), ..Default::default() });
    assert_eq!(sign_psbt(&more, &scene.staker).unwrap_err(), PsbtSigningError::SlashesMore);
}

#[test]
fn review_psbt_sees_a_signature_that_was_tampered_with() {
    let scene = Scene::new(1, 3, 2);
    let unbonding = unbonding(&scene);
    let (signed, _) = sign_psbt(unbonding.psbt(), &scene.staker).unwrap();
    let first = |psbt: &Psbt| review_psbt(psbt).signatures[0].valid;
    assert!(first(&signed));
    let mut other = signed.clone();
    other.inputs[0].tap_script_sigs.values_mut().next().unwrap().sighash_type = TapSighashType::All;
    assert!(!first(&other));
    let mut other = signed.clone();
    other.unsigned_tx.output[0].value -= Amount::from_sat(1);
    assert!(!first(&other));
    let mut other = signed.clone();
    other.inputs[0].witness_utxo.as_mut().unwrap().value += Amount::from_sat(1);
    assert!(!first(&other));

    // The same in a finalized witness: every signature is read, and empty elements are skipped.
    let sign = |member| unbonding.sign_as_covenant_member_unchecked(member).unwrap();
    let covenant: Vec<_> = scene.covenant.iter().take(2).map(sign).collect();
    let staker = unbonding.sign_as_staker(&scene.staker).unwrap();
    let finalized = unbonding.finalize(&staker, &covenant).unwrap();
    let mut psbt = unbonding.psbt().clone();
    psbt.inputs[0].final_script_witness = Some(finalized.input[0].witness.clone());
    let review = review_psbt(&psbt);
    assert!(review.signatures.len() == 3 && review.signatures.iter().all(|found| found.valid), "{review:?}");
    assert!(review.missing.is_empty() && review.invalid_witnesses.is_empty() && review.unsigned.is_empty());
    assert_eq!(review.quorums, [PsbtQuorum { input: 0, signed: 2, members: 3, quorum: 2 }]);
    for (place, element) in
        finalized.input[0].witness.iter().enumerate().take(4).filter(|(_, place)| !place.is_empty())
    {
        let mut elements = finalized.input[0].witness.to_vec();
        elements[place][element.len() - 1] ^= 1;
        psbt.inputs[0].final_script_witness = Some(Witness::from_slice(&elements));
        let signed = if place == 3 { 2 } else { 1 };
        assert_eq!(review_psbt(&psbt).quorums[0].signed, signed, "the staker's place is the last");
        assert_eq!(review_psbt(&psbt).signatures.iter().filter(|found| !found.valid).count(), 1);
    }
    psbt.inputs[0].final_script_witness = Some(Witness::from_slice(&[[1_u8; 64]]));
    assert_eq!((review_psbt(&psbt).invalid_witnesses, review_psbt(&psbt).signatures.len()), (vec![0], 0));
}

/// Coins of two wallets and of two kinds: each signs its own, and what each signed is verified.
#[test]
fn sign_psbt_signs_coins_of_their_owner() {
    let scene = Scene::new(1, 3, 2);
    let (first, second) = (key("wallet", 0), key("wallet", 1));
    let wpkh = EcdsaKey::from_slice(&[9; 32]).unwrap();
    let wpkh_key = PublicKey::new(wpkh.public_key(SECP256K1));
    let scripts = [
        key_path_script(first.public_key()),
        key_path_script(second.public_key()),
        ScriptBuf::new_p2wpkh(&wpkh_key.wpubkey_hash().unwrap()),
    ];
    let coins = scripts.iter().zip(0..).map(|(script_pubkey, vout)| {
        let outpoint = OutPoint { vout, ..scene.staking.outpoint() };
        let output = TxOut { value: Amount::from_sat(400_000), script_pubkey: script_pubkey.clone() };
        FundingCoin::new(outpoint, output).unwrap()
    });
    let coins: Vec<_> = coins.collect();
    let rate = FeeRate::from_sat_per_vb_u32(2);
    let amount = Amount::from_sat(1_000_000);
    let staking = StakingTransaction::build(NewStake {
        output: scene.staking.output().clone(),
        amount,
        coins: &coins,
        change: scripts[0].clone(),
        fee_rate: rate,
        op_return_tag: None,
    })
    .unwrap();
    assert_eq!(review_psbt(staking.psbt()).unsigned, [0, 1, 2]);
    let (psbt, one) = sign_psbt(staking.psbt(), &first).unwrap();
    let (mut psbt, two) = sign_psbt(&psbt, &second).unwrap();
    assert_eq!((one, two, review_psbt(&psbt).signatures.len()), (1, 1, 2));
    let index = psbt.unsigned_tx.input.iter().position(|input| input.previous_output.vout == 2).unwrap();
    assert_eq!((review_psbt(&psbt).unsigned, review_psbt(&psbt).missing.len()), (vec![index], 0));
    let (message, _) = psbt.sighash_ecdsa(index, &mut SighashCache::new(&psbt.unsigned_tx)).unwrap();
    let mut sign = |message: &Message| {
        let signature = ecdsa::Signature {
            signature: SECP256K1.sign_ecdsa(message, &wpkh),
            sighash_type: EcdsaSighashType::All,
        };
        psbt.inputs[index].partial_sigs.insert(wpkh_key, signature);
        psbt.clone()
    };
    let wrong = sign(&Message::from_digest([1; 32]));
    let bad: Vec<_> = review_psbt(&wrong).signatures.into_iter().filter(|found| !found.valid).collect();
    assert!(bad.len() == 1 && bad[0].signer == PsbtSigner::Ecdsa(wpkh_key) && bad[0].input == index);
    let right = sign(&message);
    assert!(review_psbt(&right).signatures.iter().all(|found| found.valid));
    assert_eq!(review_psbt(&right).fee, Some(staking.fee()));
    staking.finalize(&right).unwrap();
    // A signature of the wrong wallet, and one of another input.
    let mut swapped = right.clone();
    let (a, b) = (swapped.inputs[0].tap_key_sig, swapped.inputs[1].tap_key_sig);
    (swapped.inputs[0].tap_key_sig, swapped.inputs[1].tap_key_sig) = (b, a);
    assert!(review_psbt(&swapped).signatures.iter().filter(|found| !found.valid).count() >= 1);
}
