//! The staking transaction: selection, change, fee.

use bitcoin::hashes::Hash;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, Sequence, TxOut, Txid};
use eots::SecretKey;
use proptest::prelude::*;

use super::{Scene, key};
use crate::{FundingCoin, FundingSignError, StakingError, StakingTransaction, key_path_script, sign_key_path};

fn coin(owner: &SecretKey, number: u8, sat: u64) -> FundingCoin {
    let output = TxOut { value: Amount::from_sat(sat), script_pubkey: key_path_script(owner.public_key()) };
    FundingCoin::new(OutPoint::new(Txid::from_byte_array([number; 32]), 0), output).unwrap()
}

fn build(coins: &[FundingCoin], amount: u64, rate: u32) -> Result<StakingTransaction, StakingError> {
    build_at(coins, amount, FeeRate::from_sat_per_vb_u32(rate))
}

fn build_at(coins: &[FundingCoin], amount: u64, rate: FeeRate) -> Result<StakingTransaction, StakingError> {
    let output = Scene::new(1, 3, 2).staking.output().clone();
    let change = key_path_script(key("owner", 0).public_key());
    StakingTransaction::build(output, Amount::from_sat(amount), coins, change, rate)
}

proptest! {
    #[test]
    fn value_is_conserved_and_the_fee_is_the_rate(values in prop::collection::vec(1_000u64..5_000_000, 1..12), amount in 1_000u64..10_000_000, rate in 1u32..50) {
        let owner = key("owner", 0);
        let coins: Vec<_> = (0u8..).zip(&values).map(|(number, sat)| coin(&owner, number, *sat)).collect();
        let tx = match build(&coins, amount, rate) {
            Ok(tx) => tx,
            Err(StakingError::InsufficientFunds { available, needed, .. }) => {
                prop_assert!(available < needed);
                return Ok(());
            }
            Err(other) => panic!("{other}"),
        };
        let finished = sign_key_path(tx.psbt(), &owner).unwrap();
        prop_assert_eq!(finished.compute_txid(), tx.txid());
        prop_assert_eq!(finished.output[0].clone(), tx.staking_output().tx_out());
        prop_assert!(finished.input.iter().all(|input| input.sequence == Sequence::MAX));
        let least = FeeRate::from_sat_per_vb_u32(rate).fee_wu(finished.weight()).unwrap();
        prop_assert!(tx.fee() >= least, "{} under {least}", tx.fee());
        // Beyond the rate, the fee takes only what would make dust or not pay for its own output.
        let slack = Amount::from_sat(330 + 43 * u64::from(rate) + 2);
        prop_assert!(tx.fee() <= least + slack, "{} over {least}", tx.fee());
        let change: Amount = finished.output[1..].iter().map(|out| out.value).sum();
        let spent: Amount = finished.input.iter().map(|i| coins[usize::from(i.previous_output.txid.to_byte_array()[0])].output().value).sum();
        prop_assert_eq!(spent, Amount::from_sat(amount) + change + tx.fee());
    }
}

#[test]
fn stakes_that_cannot_be() {
    let owner = key("owner", 0);
    let coins = [coin(&owner, 1, 100_000)];
    assert!(matches!(build(&coins, 100, 1).unwrap_err(), StakingError::Dust(_)));
    assert!(matches!(build(&coins, 100_000, 1).unwrap_err(), StakingError::InsufficientFunds { .. }));
    assert!(matches!(build(&[], 10_000, 1).unwrap_err(), StakingError::InsufficientFunds { .. }));
    let twice = [coins[0].clone(), coins[0].clone()];
    assert!(matches!(build(&twice, 10_000, 1).unwrap_err(), StakingError::RepeatedCoin(_)));
    assert!(matches!(build_at(&coins, 10_000, FeeRate::MAX).unwrap_err(), StakingError::FeeRateTooHigh(_)));
    let rich = [coin(&owner, 1, u64::MAX), coin(&owner, 2, 1)];
    assert_eq!(build(&rich, 10_000, 1).unwrap_err(), StakingError::TooMuch);
    assert_eq!(build(&coins, u64::MAX, 1).unwrap_err(), StakingError::TooMuch);
    let p2sh = TxOut {
        value: Amount::ONE_BTC,
        script_pubkey: ScriptBuf::from_hex("a914000000000000000000000000000000000000000087").unwrap(),
    };
    assert!(matches!(FundingCoin::new(OutPoint::null(), p2sh).unwrap_err(), StakingError::UnknownCoin { .. }));
    let output = Scene::new(1, 3, 2).staking.output().clone();
    let change = output.taproot().script_pubkey();
    let rate = FeeRate::from_sat_per_vb_u32(1);
    let error = StakingTransaction::build(output, Amount::from_sat(10_000), &coins, change, rate).unwrap_err();
    assert_eq!(error, StakingError::ChangeToStake);
}

#[test]
fn another_owners_coin_is_named() {
    let tx = build(&[coin(&key("owner", 0), 1, 100_000)], 50_000, 1).unwrap();
    let error = sign_key_path(tx.psbt(), &key("thief", 0)).unwrap_err();
    assert!(matches!(error, FundingSignError::OtherCoin { index: 0, .. }), "{error}");
}
