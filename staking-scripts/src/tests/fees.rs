//! Fees: what a finished transaction weighs is known before it is signed, and what can be done about a fee
//! that is too small.

use bitcoin::hashes::Hash;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, TxOut, Txid};

use super::{Scene, key};
use crate::{
    ChildError, FeeBump, FundingCoin, SlashingTransaction, StakingTransaction, TransactionKind,
    UnbondingTransaction, WithdrawalTransaction, key_path_script, sign_key_path,
};

fn wallet() -> ScriptBuf {
    key_path_script(key("wallet", 0).public_key())
}

/// The rate is that of the finished transaction, exactly.
#[test]
fn the_rate_of_a_fixed_fee_is_known_in_advance() {
    for (providers, members, quorum) in [(1, 1, 1), (1, 9, 6), (3, 9, 6), (5, 20, 20)] {
        let scene = Scene::new(providers, members, quorum);
        let unbonding =
            UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(5000))
                .unwrap();
        let covenant: Vec<_> = scene
            .covenant
            .iter()
            .map(|member| unbonding.sign_as_covenant_member_unchecked(member).unwrap())
            .collect();
        let staker = unbonding.sign_as_staker(&scene.staker).unwrap();
        let finished = unbonding.finalize(&staker, &covenant).unwrap();
        let rate = |fee: Amount, weight: bitcoin::Weight| {
            FeeRate::from_sat_per_kwu(fee.to_sat() * 1000 / weight.to_wu())
        };
        assert_eq!(unbonding.fee_rate(), Some(rate(unbonding.fee(), finished.weight())));

        let slashing = SlashingTransaction::new(&scene.staking, &scene.terms).unwrap();
        let covenant: Vec<_> = scene
            .covenant
            .iter()
            .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap())
            .collect();
        let staker = slashing.sign_as_staker(&scene.staker).unwrap();
        let finished = slashing.slash(&staker, &covenant, &scene.providers[0]).unwrap();
        assert_eq!(slashing.fee_rate(), Some(rate(slashing.fee(), finished.weight())));
    }
    let scene = Scene::new(1, 3, 2);
    let withdrawal =
        WithdrawalTransaction::new(&scene.staking, wallet(), FeeRate::from_sat_per_vb_u32(7)).unwrap();
    assert_eq!(withdrawal.fee_rate().unwrap().to_sat_per_vb_floor(), 7);
}

#[test]
fn what_can_be_bumped_and_how() {
    let bumps = [
        (TransactionKind::Stake, Some(FeeBump::Child)),
        (TransactionKind::Extension, Some(FeeBump::Child)),
        (TransactionKind::Withdrawal, Some(FeeBump::Replacement)),
        (TransactionKind::Unbonding, Some(FeeBump::Nothing)),
        (TransactionKind::Slashing, Some(FeeBump::Nothing)),
        (TransactionKind::Unknown, None),
    ];
    assert!(bumps.iter().all(|(kind, bump)| kind.fee_bump() == *bump));
}

fn staking(sat: u64, rate: u32) -> StakingTransaction {
    let output = TxOut { value: Amount::from_sat(sat), script_pubkey: wallet() };
    let coin = FundingCoin::new(OutPoint::new(Txid::from_byte_array([1; 32]), 0), output).unwrap();
    let stake = Scene::new(1, 3, 2).staking.output().clone();
    let rate = FeeRate::from_sat_per_vb_u32(rate);
    StakingTransaction::build(stake, Amount::from_sat(100_000), &[coin], wallet(), rate).unwrap()
}

#[test]
fn children_that_cannot_pay() {
    let rate = FeeRate::from_sat_per_vb_u32;
    assert_eq!(
        staking(100_200, 1).child_paying(wallet(), rate(5)),
        Err(ChildError::NoChange(staking(100_200, 1).txid()))
    );
    let rich = staking(900_000, 10);
    assert_eq!(rich.child_paying(wallet(), rate(9)), Err(ChildError::NotNeeded(rich.txid())));
    assert_eq!(rich.child_paying(wallet(), rate(20_000)), Err(ChildError::FeeRateTooHigh(rate(20_000))));
    assert!(matches!(rich.child_paying(ScriptBuf::new(), rate(20)), Err(ChildError::Destination(_))));
    let poor = staking(101_000, 1);
    assert!(matches!(poor.child_paying(wallet(), rate(50)), Err(ChildError::InsufficientFunds { .. })));
    // What the wallet returns is checked.
    let child = rich.child_paying(wallet(), rate(20)).unwrap();
    assert!(matches!(child.finalize(child.psbt()), Err(ChildError::Incomplete(_))));
    let other = rich.child_paying(wallet(), rate(21)).unwrap();
    let signed = sign_key_path(other.psbt(), &key("wallet", 0)).unwrap();
    assert!(matches!(child.finalize(&signed), Err(ChildError::Incomplete(_))));
    let signed = sign_key_path(child.psbt(), &key("wallet", 0)).unwrap();
    assert_eq!(
        child.finalize(&signed).unwrap().output[0].value + child.fee(),
        rich.unsigned().output[1].value
    );
}
