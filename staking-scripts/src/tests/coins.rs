//! Coins of every kind with a descriptor fund a stake.

use std::collections::BTreeMap;

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::SECP256K1;
use bitcoin::{Amount, FeeRate, Network, OutPoint, PrivateKey, PublicKey, TxOut, Txid};
use miniscript::{DefiniteDescriptorKey, Descriptor};

use crate::coins::{CoinError, FundingCoin, key_path_script};
use crate::testing::{Scene, key};
use crate::transactions::NewStake;
use crate::transactions::StakingTransaction;

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

    let mut signed = staking.psbt().clone();
    signed.sign(&secrets(), SECP256K1).unwrap();
    let transaction = staking.finalize(&signed).unwrap();
    // The redeem scripts are part of the id, and known before signing.
    assert_eq!(transaction.compute_txid(), staking.txid());
    assert_ne!(staking.unsigned().compute_txid(), staking.txid());
    assert_eq!(staking.staking_output().outpoint().txid, transaction.compute_txid());
    // The fee is for the largest satisfactions: at or little above the rate.
    let needed = rate.fee_wu(transaction.weight()).unwrap();
    assert!(staking.fee() >= needed && staking.fee() < needed * 110 / 100, "{} {needed}", staking.fee());
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
