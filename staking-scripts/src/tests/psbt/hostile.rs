//! PSBTs of hostile wallets: each attack is refused.

use crate::transactions::ChildTransaction;
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{Message, SECP256K1, SecretKey as EcdsaKey};
use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache};
use bitcoin::{
    Amount, CompressedPublicKey, FeeRate, OutPoint, Psbt, ScriptBuf, TapSighashType, TxOut, Txid, Witness,
    ecdsa, taproot,
};

use super::review_psbt;
use crate::coins::{FundingCoin, key_path_script};
use crate::delegation::WithdrawnOutput;
use crate::outputs::{Parties, StakingOutput, Timelock, UnbondingOutput};
use crate::testing::{
    Extended, coin, consumer_rules, covenant_signatures, extended, genesis, honest, key, keys, output,
    parameters, wallet,
};
use crate::transactions::{
    FinalizeError, Funded, LeafTransaction as _, NewStake, ReturnedPsbtError, StakingTransaction,
    UnbondingTransaction,
};

fn staking(coins: &[FundingCoin]) -> StakingTransaction {
    let (parameters, change) = (parameters(0), key_path_script(key("wallet", 0).public_key()));
    let rate = FeeRate::from_sat_per_vb_u32(5);
    StakingTransaction::build(NewStake {
        output: output(&genesis(), &parameters, 2000),
        amount: Amount::from_sat(1_000_000),
        coins,
        change,
        fee_rate: rate,
        op_return_tag: None,
    })
    .unwrap()
}

fn with_witness(psbt: &Psbt, input: usize, elements: &[Vec<u8>]) -> Psbt {
    let mut psbt = psbt.clone();
    psbt.inputs[input].final_script_witness = Some(Witness::from_slice(elements));
    psbt
}

/// Inputs that a wallet or a combiner of PSBTs has finalized with a wrong witness.
#[test]
fn finalize_verifies_witnesses_of_wallets() {
    let staking = staking(&[coin(1, 2_000_000)]);
    let wallet = key_path_script(key("wallet", 0).public_key());
    let child =
        ChildTransaction::paying_for_stake(&staking, wallet, FeeRate::from_sat_per_vb_u32(50)).unwrap();
    let Extended { delegation, old, new, .. } = extended();
    let checked = delegation.check_under(&new, Some(&old), consumer_rules()).unwrap();
    let extension = checked.extension().unwrap();
    let answer = |n| covenant_signatures(&checked, &key("member", n));
    let covenant: Vec<_> = (2..9).filter_map(|n| answer(n).extension).collect();
    let staker = extension.sign_as_staker(&key("staker", 0)).unwrap();
    for elements in [vec![vec![0xab; 64]], vec![], vec![vec![0; 64], vec![0x51], vec![0xc0; 33]]] {
        let stake = staking.finalize(&with_witness(staking.psbt(), 0, &elements));
        assert!(matches!(stake, Err(ReturnedPsbtError::Unsigned(_))), "{stake:?}");
        let paid = child.finalize(&with_witness(child.psbt(), 0, &elements));
        assert!(matches!(paid, Err(ReturnedPsbtError::Unsigned(_))), "{paid:?}");
        let extended = extension.finalize(&staker, &covenant, &with_witness(extension.psbt(), 1, &elements));
        assert!(matches!(extended, Err(FinalizeError::Unsatisfied(_))), "{extended:?}");
        assert!(crate::psbt::finalize_psbt(&with_witness(staking.psbt(), 0, &elements)).is_err());
        let review = review_psbt(&with_witness(staking.psbt(), 0, &elements));
        assert_eq!(review.invalid_witnesses, [0]);
    }
    // A witness that an honest wallet finalized is accepted.
    let signed = crate::coins::sign_key_path(staking.psbt(), &key("wallet", 0)).unwrap();
    let done = staking.finalize(&signed).unwrap();
    let again = with_witness(staking.psbt(), 0, &done.input[0].witness.to_vec());
    assert_eq!(staking.finalize(&again).unwrap(), done);
    assert!(review_psbt(&again).signatures[0].valid);
}

/// Returns the PSBT with the coin's signature of this sighash type.
fn signed_p2tr(staking: &StakingTransaction, kind: TapSighashType) -> Psbt {
    let mut psbt = staking.psbt().clone();
    let prevouts = [psbt.inputs[0].witness_utxo.clone().unwrap()];
    let wallet = key("wallet", 0);
    let tweak = bitcoin::TapTweakHash::from_key_and_tweak(*wallet.public_key(), None).to_scalar();
    let sighash = SighashCache::new(&psbt.unsigned_tx)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&prevouts), kind)
        .unwrap();
    let signature = wallet.add_x_only_tweak(&tweak).unwrap().sign_bip340(sighash).unwrap();
    psbt.inputs[0].tap_internal_key = Some(*wallet.public_key());
    psbt.inputs[0].tap_key_sig = Some(taproot::Signature { signature, sighash_type: kind });
    psbt
}

/// With any type but ALL, somebody could use the coin in another transaction, which would void the pre-signed
/// ones.
#[test]
fn finalize_refuses_signatures_of_a_part_of_the_transaction() {
    let p2tr = staking(&[coin(1, 2_000_000)]);
    for kind in [TapSighashType::Default, TapSighashType::All] {
        let done = p2tr.finalize(&signed_p2tr(&p2tr, kind)).unwrap();
        assert_eq!(
            done.input[0].witness.nth(0).unwrap().len(),
            if kind == TapSighashType::All { 65 } else { 64 }
        );
    }
    let partial = [TapSighashType::None, TapSighashType::Single, TapSighashType::AllPlusAnyoneCanPay];
    for kind in partial.into_iter().chain([TapSighashType::NonePlusAnyoneCanPay]) {
        let error = p2tr.finalize(&signed_p2tr(&p2tr, kind)).unwrap_err();
        assert!(
            matches!(&error, ReturnedPsbtError::Unsigned(why) if why.contains("whole")),
            "{kind}: {error}"
        );
        assert!(!review_psbt(&signed_p2tr(&p2tr, kind)).signatures[0].valid);
    }
    let secret = EcdsaKey::from_slice(&[0x21; 32]).unwrap();
    let public = CompressedPublicKey(secret.public_key(SECP256K1));
    let out = TxOut {
        value: Amount::from_sat(2_000_000),
        script_pubkey: ScriptBuf::new_p2wpkh(&public.wpubkey_hash()),
    };
    let coin = FundingCoin::new(OutPoint::new(Txid::from_byte_array([5; 32]), 0), out.clone()).unwrap();
    let p2wpkh = staking(&[coin]);
    for kind in [EcdsaSighashType::All, EcdsaSighashType::NonePlusAnyoneCanPay, EcdsaSighashType::Single] {
        let mut psbt = p2wpkh.psbt().clone();
        let sighash = SighashCache::new(&psbt.unsigned_tx)
            .p2wpkh_signature_hash(0, &out.script_pubkey, out.value, kind)
            .unwrap();
        let signature = SECP256K1.sign_ecdsa(&Message::from_digest(sighash.to_byte_array()), &secret);
        let signature = ecdsa::Signature { signature, sighash_type: kind };
        psbt.inputs[0].partial_sigs.insert(bitcoin::PublicKey::new(public.0), signature);
        assert_eq!(p2wpkh.finalize(&psbt).is_ok(), kind == EcdsaSighashType::All, "{kind}");
        assert_eq!(review_psbt(&psbt).signatures[0].valid, kind == EcdsaSighashType::All, "{kind}");
    }
}

/// One valid signature in every witness element, which would have to be tried with every key.
#[test]
fn signatures_of_a_witness_with_one_repeated_take_little_time() {
    let covenant = keys("member", 480);
    let committee =
        crate::outputs::CovenantCommittee::new(covenant.iter().map(|k| *k.public_key()), 241).unwrap();
    let provider = *key("provider", 0).public_key();
    let parties = Parties::new(*key("staker", 0).public_key(), [provider], committee).unwrap();
    let time = |blocks| Timelock::from_blocks(blocks).unwrap();
    let stake = StakingOutput::new(parties.clone(), time(1000)).unwrap();
    let outpoint = OutPoint::new(Txid::from_byte_array([7; 32]), 1);
    let funded = Funded::new(stake, outpoint, Amount::from_sat(1_000_000));
    let waiting = UnbondingOutput::new(parties, time(100)).unwrap();
    let unbonding = UnbondingTransaction::new(&funded, waiting, Amount::from_sat(50_000)).unwrap();
    let leaf = funded.output().taproot().leaf(crate::outputs::SpendPath::Unbonding).unwrap();
    let last = *leaf.keys.in_script_order().last().unwrap();
    let signer = covenant.iter().find(|key| *key.public_key() == last).unwrap();
    let signature = signer.sign_bip340(unbonding.sighash()).unwrap().serialize().to_vec();
    let mut elements = vec![signature; 481];
    elements.extend([leaf.script.to_bytes(), leaf.control_block.serialize()]);
    let start = std::time::Instant::now();
    let found = unbonding.signatures(&with_witness(unbonding.psbt(), 0, &elements));
    assert_eq!(found, Err(ReturnedPsbtError::Witness));
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

/// The time of thousands of signatures in one PSBT is linear.
#[test]
fn sign_psbt_and_review_psbt_of_large_psbts_take_little_time() {
    let staking = staking(&[coin(1, 2_000_000)]);
    let mut psbt = staking.psbt().clone();
    let (input, described) = (psbt.unsigned_tx.input[0].clone(), psbt.inputs[0].clone());
    let withdrawal = {
        let (delegation, parameters) = honest(genesis());
        let (to, rate) = (wallet(), FeeRate::BROADCAST_MIN);
        let built = delegation.withdrawal(WithdrawnOutput::Staking, to, rate, parameters.covenant());
        built.unwrap().psbt().inputs[0].clone()
    };
    // As heavy as nodes relay.
    for number in 0..1300_u32 {
        let mut input = input.clone();
        input.previous_output.vout = number + 10;
        psbt.unsigned_tx.input.push(input);
        psbt.inputs.push(if number % 2 == 0 { withdrawal.clone() } else { described.clone() });
    }
    let start = std::time::Instant::now();
    let (signed, count) = crate::psbt::sign_psbt(&psbt, &key("staker", 0)).unwrap();
    assert_eq!((count, review_psbt(&signed).signatures.len()), (650, 650));
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}
