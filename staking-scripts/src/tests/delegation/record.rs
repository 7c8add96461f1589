//! The record of what a covenant member has signed.

use bitcoin::{Amount, Txid};

use super::plain;
use crate::delegation::{
    CovenantRecord as _, CovenantSigningError, MemoryCovenantRecord, RecordVerdict, SignedStake,
};
use crate::testing::{Extended, consumer_rules, delegation_for, extended, key, output};
use crate::transactions::{Funded, LeafTransaction as _};

#[test]
fn memory_covenant_record_tells_new_again_and_conflict() {
    let mut record = MemoryCovenantRecord::default();
    let checked = plain();
    let txid: Txid = checked.presigned().unbonding.txid();
    let [one, two] = [0, 1].map(|vout| SignedStake {
        staking_output: bitcoin::OutPoint::new(txid, vout),
        unbonding: txid,
        slashing: txid,
        unbonding_slashing: txid,
        extends: None,
    });
    let changed = SignedStake { unbonding_slashing: checked.presigned().slashing.txid(), ..one };
    for (stake, verdict) in [
        (one, RecordVerdict::New),
        (one, RecordVerdict::Again),
        (changed, RecordVerdict::Conflict(one)),
        (two, RecordVerdict::New),
        (one, RecordVerdict::Again),
    ] {
        assert_eq!(record.check_and_record(&stake), Ok(verdict));
    }
}

/// Two extensions of one stake spend one output: whichever confirms, the other's stakers count on nothing.
#[test]
fn covenant_record_refuses_a_second_extension_of_one_stake() {
    let Extended { delegation, old, new, previous, .. } = extended();
    let checked = delegation.check_under(&new, Some(&old), consumer_rules()).unwrap();
    let running = previous.check_under(&old, None, consumer_rules()).unwrap();
    let member = key("member", 2);
    let mut record = MemoryCovenantRecord::default();
    running.sign_as_covenant_member(&member, &[0; 32], &mut record).unwrap();
    checked.sign_as_covenant_member(&member, &[0; 32], &mut record).unwrap();
    checked.sign_as_covenant_member(&member, &[0; 32], &mut record).unwrap();
    // The same extension with another output for the change.
    let mut changed = delegation.staking_transaction.clone();
    changed.output[1].value -= Amount::from_sat(1);
    let staking = Funded::find(output(&delegation.staked_to, &new, 3000), &changed).unwrap();
    let mut second = delegation_for(&staking, &changed, &delegation.staked_to, &new);
    (second.parameters, second.extends) = (delegation.parameters, delegation.extends.clone());
    let second = second.check_under(&new, Some(&old), consumer_rules()).unwrap();
    assert_ne!(second.staking().outpoint(), checked.staking().outpoint());
    let refused = second.sign_as_covenant_member(&member, &[0; 32], &mut record).unwrap_err();
    let CovenantSigningError::Conflict { earlier, own } = refused else { panic!("{refused:?}") };
    assert_eq!((earlier.extends, own.extends), (Some(running.staking().outpoint()), earlier.extends));
    assert_eq!(earlier.staking_output, checked.staking().outpoint());
}
