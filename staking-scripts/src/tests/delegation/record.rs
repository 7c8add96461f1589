//! The record of what a covenant member has signed.

use bitcoin::Txid;

use super::plain;
use crate::delegation::{CovenantRecord as _, MemoryCovenantRecord, RecordVerdict, SignedStake};
use crate::transactions::LeafTransaction as _;

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
