//! Coins of every kind with a descriptor fund a stake.

use std::collections::BTreeMap;

use bitcoin::bip32::{DerivationPath, Fingerprint};
use bitcoin::hashes::{Hash, hash160};
use bitcoin::secp256k1::SECP256K1;
use bitcoin::{Amount, FeeRate, Network, OutPoint, PrivateKey, PublicKey, TxOut, Txid, psbt};
use miniscript::{DefiniteDescriptorKey, Descriptor};

use crate::coins::{CoinError, FundingCoin, key_path_script};
use crate::explain::explain_psbt;
use crate::testing::{Scene, key};
use crate::transactions::{NewStake, StakingTransaction, unsettled_inputs};

fn secrets() -> BTreeMap<PublicKey, PrivateKey> {
    let secret = |number| {
        let bytes = key("wallet", number).to_bytes();
        PrivateKey::from_slice(bytes.as_slice(), Network::Regtest).unwrap()
    };
    (0..3).map(secret).map(|secret| (secret.public_key(SECP256K1), secret)).collect()
}

fn descriptor(text: &str) -> Descriptor<DefiniteDescriptorKey> {
    let keys: Vec<_> = secrets().into_keys().collect();
    let text = text.replace("K0", &keys[0].to_string()).replace("K1", &keys[1].to_string());
    text.replace("K2", &keys[2].to_string()).parse().unwrap()
}

fn output(descriptor: &Descriptor<DefiniteDescriptorKey>) -> TxOut {
    TxOut { value: Amount::from_sat(700_000), script_pubkey: descriptor.script_pubkey() }
}

fn outpoint(number: usize) -> OutPoint {
    OutPoint::new(Txid::from_byte_array([u8::try_from(number).unwrap(); 32]), 0)
}

#[test]
fn coin_of_every_witness_program_funds_a_stake() {
    let kinds = [
        "wpkh(K0)",
        "sh(wpkh(K1))",
        "wsh(multi(2,K0,K1,K2))",
        "sh(wsh(sortedmulti(1,K0,K1)))",
        "wsh(and_v(v:pk(K2),or_d(pk(K0),older(12))))",
    ];
    let coins = kinds.iter().enumerate().map(|(number, text)| {
        let descriptor = descriptor(text);
        FundingCoin::with_descriptor(outpoint(number), output(&descriptor), &descriptor).unwrap()
    });
    let coins: Vec<_> = coins.collect();
    let stake = Scene::new(1, 3, 2).staking.output().clone();
    let change = key_path_script(key("change", 0).public_key());
    let rate = FeeRate::from_sat_per_vb_u32(10);
    let amount = Amount::from_sat(3_400_000);
    let staking = StakingTransaction::build(NewStake {
        output: stake,
        amount,
        coins: &coins,
        change,
        fee_rate: rate,
        op_return_tag: None,
    })
    .unwrap();
    assert_eq!(staking.unsigned().input.len(), kinds.len(), "all are needed");

    // The PSBT alone tells the id: unsigned, signed and finalized.
    assert_eq!(explain_psbt(staking.psbt()).txid, staking.txid());
    assert_eq!(unsettled_inputs(staking.psbt()), Vec::<usize>::new());
    let mut signed = staking.psbt().clone();
    signed.sign(&secrets(), SECP256K1).unwrap();
    assert_eq!(explain_psbt(&signed).txid, staking.txid());
    let transaction = staking.finalize(&signed).unwrap();
    for (input, finalized) in signed.inputs.iter_mut().zip(&transaction.input) {
        input.final_script_sig = Some(finalized.script_sig.clone()).filter(|script| !script.is_empty());
        input.final_script_witness = Some(finalized.witness.clone());
    }
    assert_eq!(explain_psbt(&signed).txid, transaction.compute_txid());
    // The redeem scripts are part of the id, and known before signing.
    assert_eq!(transaction.compute_txid(), staking.txid());
    assert_ne!(staking.unsigned().compute_txid(), staking.txid());
    assert_eq!(staking.staking_output().outpoint().txid, transaction.compute_txid());
    // The fee is for the largest satisfactions: at or little above the rate.
    let needed = rate.fee_wu(transaction.weight()).unwrap();
    assert!(staking.fee() >= needed && staking.fee() < needed * 110 / 100, "{} {needed}", staking.fee());
}

/// Some signers sign nothing for a key without an origin, and report no error.
#[test]
fn coin_has_an_origin_of_each_key_without_one_given() {
    let keys: Vec<_> = secrets().into_keys().collect();
    let x_only = keys[0].inner.x_only_public_key().0;
    let own = |bytes: &[u8]| {
        let hash = hash160::Hash::hash(bytes).to_byte_array();
        (Fingerprint::from(<[u8; 4]>::try_from(&hash[..4]).unwrap()), DerivationPath::master())
    };
    let input = |text: &str| {
        let descriptor = descriptor(&text.replace('X', &x_only.to_string()));
        FundingCoin::with_descriptor(outpoint(1), output(&descriptor), &descriptor).unwrap().psbt_input()
    };
    for (text, count) in [("wpkh(K0)", 1), ("sh(wpkh(K0))", 1), ("wsh(multi(2,K0,K1,K2))", 3)] {
        let found = input(text).bip32_derivation;
        let expected = keys[..count].iter().map(|key| (key.inner, own(&key.to_bytes())));
        assert_eq!(found, expected.collect(), "{text}");
    }
    assert_eq!(input("tr(X)").tap_key_origins, [(x_only, (vec![], own(&x_only.serialize())))].into());
    // One that is given stays.
    let given = input("tr([d34db33f/86h/0h]X)").tap_key_origins[&x_only].1.clone();
    assert_eq!((given.0.to_string(), given.1.to_string()), ("d34db33f".into(), "86'/0'".into()));
}

/// A scriptSig that is not known yet is named: of coins of no witness program, and of nested ones whose
/// redeem script is absent, or is not theirs.
#[test]
fn input_whose_signing_changes_the_id_is_named() {
    let stake = Scene::new(1, 3, 2).staking.output().clone();
    let descriptor = descriptor("sh(wpkh(K1))");
    let coin = FundingCoin::with_descriptor(outpoint(1), output(&descriptor), &descriptor).unwrap();
    let staking = StakingTransaction::build(NewStake {
        output: stake,
        amount: Amount::from_sat(500_000),
        coins: &[coin],
        change: key_path_script(key("change", 0).public_key()),
        fee_rate: FeeRate::from_sat_per_vb_u32(10),
        op_return_tag: None,
    })
    .unwrap();
    let unsigned = staking.unsigned().compute_txid();
    let unsettled = |change: &dyn Fn(&mut psbt::Input)| {
        let mut changed = staking.psbt().clone();
        change(&mut changed.inputs[0]);
        assert_eq!(explain_psbt(&changed).txid, unsigned);
        unsettled_inputs(&changed)
    };
    assert_eq!(unsettled(&|input| input.redeem_script = None), [0]);
    let other = self::descriptor("wpkh(K0)").script_pubkey();
    assert_eq!(unsettled(&|input| input.redeem_script = Some(other.clone())), [0]);
    let legacy = self::descriptor("pkh(K0)").script_pubkey();
    assert_eq!(unsettled(&|input| input.witness_utxo.as_mut().unwrap().script_pubkey = legacy.clone()), [0]);
    // Nothing is said of an output that the PSBT does not have.
    assert_eq!(unsettled(&|input| input.witness_utxo = None), Vec::<usize>::new());
}

#[test]
fn coin_that_cannot_fund_a_stake_is_refused() {
    let refused = |text: &str| {
        let descriptor = descriptor(text);
        FundingCoin::with_descriptor(outpoint(1), output(&descriptor), &descriptor).unwrap_err()
    };
    // Their signatures are part of the id.
    for legacy in ["pkh(K0)", "sh(multi(1,K0,K1))", "pk(K0)"] {
        assert_eq!(refused(legacy), CoinError::NotSegwit(outpoint(1)));
    }
    let (mine, other) = (descriptor("wpkh(K0)"), descriptor("wpkh(K1)"));
    let error = FundingCoin::with_descriptor(outpoint(1), output(&other), &mine).unwrap_err();
    assert!(matches!(error, CoinError::OtherScript { .. }));
    let nested = output(&descriptor("sh(wpkh(K1))"));
    assert!(matches!(FundingCoin::new(outpoint(1), nested), Err(CoinError::UnknownScript { .. })));
}
