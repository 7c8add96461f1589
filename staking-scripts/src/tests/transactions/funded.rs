//! Outputs with their outpoints.

use bitcoin::{Amount, OutPoint};

use crate::testing::Scene;
use crate::transactions::{BuildError, Funded, FundedError, LeafTransaction as _, UnbondingTransaction};

fn unbonding(scene: &Scene, fee: u64) -> Result<UnbondingTransaction, BuildError> {
    UnbondingTransaction::new(&scene.staking, scene.unbonding.clone(), Amount::from_sat(fee))
}

#[test]
fn funded_checks_script_and_index() {
    let scene = Scene::new(1, 1, 1);
    let mut tx = unbonding(&scene, 10).unwrap().unsigned().clone();
    let (txid, output) = (tx.compute_txid(), scene.staking.output());
    let script_pubkey = output.taproot().script_pubkey();
    let absent = FundedError::Absent { txid, script_pubkey: script_pubkey.clone() };
    assert_eq!(Funded::find(output.clone(), &tx).unwrap_err(), absent);
    let (outpoint, found) = (OutPoint::new(txid, 0), tx.output[0].script_pubkey.clone());
    let wrong = FundedError::WrongOutput { outpoint, found: found.clone(), expected: script_pubkey };
    assert_eq!(Funded::at(output.clone(), &tx, 0).unwrap_err(), wrong);
    let nowhere = FundedError::NoSuchOutput { outpoint: OutPoint::new(txid, 1), outputs: 1 };
    assert_eq!(Funded::at(scene.unbonding.clone(), &tx, 1).unwrap_err(), nowhere);
    assert!(Funded::at(scene.unbonding.clone(), &tx, u32::MAX).is_err());
    let there = Funded::at(scene.unbonding.clone(), &tx, 0).unwrap();
    assert_eq!(there, Funded::find(scene.unbonding.clone(), &tx).unwrap());
    tx.output.push(tx.output[0].clone());
    let repeated = FundedError::Repeated { txid: tx.compute_txid(), script_pubkey: found, count: 2 };
    assert_eq!(Funded::find(scene.unbonding.clone(), &tx).unwrap_err(), repeated);
}
