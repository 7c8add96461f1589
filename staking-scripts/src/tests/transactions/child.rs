//! Child transactions that pay for a stake (CPFP).

use crate::transactions::ChildTransaction;
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, FeeRate, OutPoint, ScriptBuf, TxOut, Txid};

use crate::coins::{FundingCoin, key_path_script, sign_key_path};
use crate::outputs::UnsafeOutput;
use crate::testing::{Scene, key, lost_scripts};
use crate::transactions::{BuildError, NewStake, ReturnedPsbtError, StakingTransaction};

fn wallet() -> ScriptBuf {
    key_path_script(key("wallet", 0).public_key())
}

fn staking(sat: u64, rate: u32) -> StakingTransaction {
    let output = TxOut { value: Amount::from_sat(sat), script_pubkey: wallet() };
    let coin = FundingCoin::new(OutPoint::new(Txid::from_byte_array([1; 32]), 0), output).unwrap();
    let stake = Scene::new(1, 3, 2).staking.output().clone();
    let rate = FeeRate::from_sat_per_vb_u32(rate);
    StakingTransaction::build(NewStake {
        output: stake,
        amount: Amount::from_sat(100_000),
        coins: &[coin],
        change: wallet(),
        fee_rate: rate,
        op_return_tag: None,
    })
    .unwrap()
}

#[test]
fn child_refuses_change_that_does_not_pay() {
    let rate = FeeRate::from_sat_per_vb_u32;
    assert_eq!(
        ChildTransaction::paying_for_stake(&staking(100_200, 1), wallet(), rate(5)),
        Err(BuildError::NoChange(staking(100_200, 1).txid()))
    );
    let rich = staking(900_000, 10);
    assert_eq!(
        ChildTransaction::paying_for_stake(&rich, wallet(), rate(9)),
        Err(BuildError::ChildNotNeeded(rich.txid()))
    );
    assert_eq!(
        ChildTransaction::paying_for_stake(&rich, wallet(), rate(20_000)),
        Err(BuildError::FeeRateTooHigh(rate(20_000)))
    );
    for lost in lost_scripts() {
        let cause = UnsafeOutput::NotADestination { script_pubkey: lost.clone() };
        assert_eq!(
            ChildTransaction::paying_for_stake(&rich, lost, rate(20)),
            Err(BuildError::Output { output: "child", cause })
        );
    }
    let poor = staking(101_000, 1);
    assert!(matches!(
        ChildTransaction::paying_for_stake(&poor, wallet(), rate(50)),
        Err(BuildError::ChildFeeNotPaid { .. })
    ));
    // What the wallet returns is checked.
    let child = ChildTransaction::paying_for_stake(&rich, wallet(), rate(20)).unwrap();
    assert!(matches!(child.finalize(child.psbt()), Err(ReturnedPsbtError::Unsigned(_))));
    let other = ChildTransaction::paying_for_stake(&rich, wallet(), rate(21)).unwrap();
    let signed = sign_key_path(other.psbt(), &key("wallet", 0)).unwrap();
    assert!(matches!(child.finalize(&signed), Err(ReturnedPsbtError::OtherTransaction { .. })));
    let signed = sign_key_path(child.psbt(), &key("wallet", 0)).unwrap();
    assert_eq!(
        child.finalize(&signed).unwrap().output[0].value + child.fee(),
        rich.unsigned().output[1].value
    );
}
