//! The weight of a finalized transaction is known before it is signed.

use bitcoin::{Amount, FeeRate, ScriptBuf};

use crate::coins::key_path_script;
use crate::testing::{Scene, key};
use crate::transactions::{
    CovenantTransaction as _, LeafTransaction as _, SlashingTransaction, UnbondingTransaction,
    WithdrawalTransaction,
};

fn wallet() -> ScriptBuf {
    key_path_script(key("wallet", 0).public_key())
}

/// The rate is that of the finalized transaction, exactly.
#[test]
fn fee_rate_is_known_before_signing() {
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
        let finalized = unbonding.finalize(&staker, &covenant).unwrap();
        let rate = |fee: Amount, weight: bitcoin::Weight| {
            FeeRate::from_sat_per_kwu(fee.to_sat() * 1000 / weight.to_wu())
        };
        assert_eq!(unbonding.fee_rate(), Some(rate(unbonding.fee(), finalized.weight())));

        let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
        let covenant: Vec<_> = scene
            .covenant
            .iter()
            .map(|member| slashing.sign_as_covenant_member_unchecked(member, &[0; 32]).unwrap())
            .collect();
        let staker = slashing.sign_as_staker(&scene.staker).unwrap();
        let finalized = slashing.slash(&staker, &covenant, &scene.providers[0]).unwrap();
        assert_eq!(slashing.fee_rate(), Some(rate(slashing.fee(), finalized.weight())));
    }
    let scene = Scene::new(1, 3, 2);
    let withdrawal =
        WithdrawalTransaction::new(&scene.staking, wallet(), FeeRate::from_sat_per_vb_u32(7)).unwrap();
    assert_eq!(withdrawal.fee_rate().unwrap().to_sat_per_vb_floor(), 7);
}
