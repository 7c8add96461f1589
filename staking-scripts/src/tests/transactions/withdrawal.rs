//! Withdrawals.

use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, ScriptBuf, Sequence};

use crate::coins::key_path_script;
use crate::outputs::UnsafeOutput;
use crate::testing::{Scene, key, lost_scripts};
use crate::transactions::spend::FinalizeError;
use crate::transactions::{
    BuildError, LeafTransaction as _, SigningError, SlashingTransaction, UnbondingTransaction,
    WithdrawalTransaction,
};

fn unbonding(scene: &Scene, fee: u64) -> Result<UnbondingTransaction, BuildError> {
    UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(fee))
}

#[test]
fn withdrawal_spends_each_of_the_three_outputs() {
    let scene = Scene::new(1, 3, 2);
    let destination = key_path_script(scene.staker.public_key());
    let rate = FeeRate::from_sat_per_vb_u32(3);
    let slashing = SlashingTransaction::new(&scene.staking, &scene.slashing_parameters).unwrap();
    let unbonding = unbonding(&scene, 1000).unwrap();
    let withdrawals = [
        (WithdrawalTransaction::new(&scene.staking, destination.clone(), rate).unwrap(), 1000),
        (WithdrawalTransaction::new(&unbonding.unbonding_output(), destination.clone(), rate).unwrap(), 100),
        (WithdrawalTransaction::new(&slashing.refund_output(), destination.clone(), rate).unwrap(), 100),
    ];
    for (tx, blocks) in withdrawals {
        let unsigned = tx.unsigned();
        assert_eq!(
            (unsigned.version, unsigned.input[0].sequence),
            (Version::TWO, Sequence::from_height(blocks))
        );
        let finalized = tx.finalize(&tx.sign_as_staker(&scene.staker).unwrap()).unwrap();
        assert_eq!(tx.fee(), rate.fee_wu(finalized.weight()).unwrap(), "the fee is exact");
    }
}

#[test]
fn withdrawal_refuses_fees_and_scripts_out_of_range() {
    let scene = Scene::new(1, 3, 2);
    let destination = key_path_script(scene.staker.public_key());
    let new = |rate| WithdrawalTransaction::new(&scene.staking, destination.clone(), rate).unwrap_err();
    assert!(matches!(new(FeeRate::from_sat_per_vb_u32(10_000)), BuildError::WithdrawalFeeNotPaid { .. }));
    assert!(matches!(new(FeeRate::from_sat_per_vb_u32(10_001)), BuildError::FeeRateTooHigh(_)));
    for lost in lost_scripts().into_iter().chain([ScriptBuf::from_hex("6a0101").unwrap()]) {
        let error = WithdrawalTransaction::new(&scene.staking, lost, FeeRate::BROADCAST_MIN).unwrap_err();
        assert!(matches!(
            error,
            BuildError::Output { output: "withdrawal", cause: UnsafeOutput::NotADestination { .. } }
        ));
    }
    assert!(matches!(new(FeeRate::MAX), BuildError::FeeRateTooHigh(_)));
    // A fee that leaves dust.
    let weight =
        WithdrawalTransaction::new(&scene.staking, destination.clone(), FeeRate::BROADCAST_MIN).unwrap();
    let weight = weight.finalize(&weight.sign_as_staker(&scene.staker).unwrap()).unwrap().weight();
    let rate = FeeRate::from_sat_per_kwu(999_900 * 1000 / weight.to_wu());
    assert!(matches!(
        new(rate),
        BuildError::Output { output: "withdrawal", cause: UnsafeOutput::Dust { .. } }
    ));
}

#[test]
fn withdrawal_is_signed_by_the_staker_alone() {
    let scene = Scene::new(1, 3, 2);
    let destination = key_path_script(scene.staker.public_key());
    let tx = WithdrawalTransaction::new(&scene.staking, destination, FeeRate::BROADCAST_MIN).unwrap();
    let (stranger, staker) = (key("stranger", 0), *scene.staker.public_key());
    let not_staker = SigningError::NotTheStaker { key: *stranger.public_key(), staker };
    assert_eq!(tx.sign_as_staker(&stranger).unwrap_err(), not_staker);
    let signature = stranger.sign_bip340(tx.sighash()).unwrap();
    assert_eq!(tx.finalize(&signature).unwrap_err(), FinalizeError::InvalidStakerSignature(staker));
}
