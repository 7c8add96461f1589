//! The rows of reports that were taken, and of what they rest on.

use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::hashes::Hash as _;
use bitcoin::{Transaction, Txid, XOnlyPublicKey};
use prost::Message;
use staking_scripts::Delegation;
use store::{ChangeSet, Store};

use super::stake::read_txid;
use super::{POSTED, RowError, SLASHING, damaged, each_row, stored_delegations};
use crate::report::Report;
use crate::reporter::{Posted, subject};

pub(crate) fn put_slashing(changes: &mut ChangeSet, stake: &Txid, slashing: &Transaction) {
    changes.put(SLASHING, stake.to_byte_array().to_vec(), serialize(slashing));
}

pub(crate) fn delete_slashing(changes: &mut ChangeSet, stake: &Txid) {
    changes.delete(SLASHING, stake.to_byte_array().to_vec());
}

/// Returns the stakes of which a slashing transaction is stored.
pub(crate) fn read_slashed(store: &mut dyn Store) -> Result<Vec<Txid>, RowError> {
    let mut stakes = Vec::new();
    each_row(store, SLASHING, |key, _| {
        stakes.push(read_txid(key)?);
        Ok(())
    })?;
    Ok(stakes)
}

/// Returns the stored delegation of a stake and the stored transaction that slashes it, where both are there.
///
/// # Errors
/// [`RowError`].
pub fn stored_slashing(
    store: &mut dyn Store,
    stake: &Txid,
) -> Result<Option<(Delegation, Transaction)>, RowError> {
    let Some(bytes) = store.get(SLASHING, &stake.to_byte_array())? else { return Ok(None) };
    let slashing = deserialize(&bytes).map_err(|error| damaged(SLASHING, error))?;
    let delegation = stored_delegations(store, &[*stake])?.pop();
    Ok(delegation.map(|delegation| (delegation, slashing)))
}

#[derive(Clone, PartialEq, Message)]
struct PostedRow {
    /// 0 for an inclusion, 1 for an undelegation, 2 for a selective slashing.
    #[prost(uint32, tag = "1")]
    kind: u32,
    /// The spending transaction.
    #[prost(bytes = "vec", tag = "2")]
    by: Vec<u8>,
    /// The height of the block that is reported.
    #[prost(uint32, tag = "3")]
    height: u32,
    #[prost(uint32, tag = "4")]
    at: u32,
    #[prost(uint32, tag = "5")]
    times: u32,
}

pub(crate) fn put_posted(changes: &mut ChangeSet, posted: &Posted) {
    let (kind, by, height) = match posted.report {
        Report::Inclusion { height, .. } => (0, Vec::new(), height),
        Report::Undelegation { by, height, .. } => (1, by.to_byte_array().to_vec(), height),
        Report::SelectiveSlashing { .. } => (2, Vec::new(), 0),
    };
    let row = PostedRow { kind, by, height, at: posted.at, times: posted.times };
    changes.put(POSTED, subject(&posted.report).to_vec(), row.encode_to_vec());
}

pub(crate) fn delete_posted(changes: &mut ChangeSet, report: &Report) {
    changes.delete(POSTED, subject(report).to_vec());
}

fn read_row(key: &[u8], value: &[u8]) -> Result<Posted, RowError> {
    let row = PostedRow::decode(value).map_err(|error| damaged(POSTED, error))?;
    let about = key.get(1..).unwrap_or_default();
    let (at, times, height) = (row.at, row.times, row.height);
    let report = match row.kind {
        0 => Report::Inclusion { stake: read_txid(about)?, height },
        1 => Report::Undelegation { stake: read_txid(about)?, by: read_txid(&row.by)?, height },
        2 => {
            let provider = XOnlyPublicKey::from_slice(about).map_err(|error| damaged(POSTED, error))?;
            Report::SelectiveSlashing { provider }
        }
        kind => return Err(damaged(POSTED, format!("the kind of a report is {kind}; must be 0 to 2"))),
    };
    Ok(Posted { report, at, times })
}

/// Calls with each report that was taken.
pub(crate) fn read_posted(store: &mut dyn Store, mut each: impl FnMut(Posted)) -> Result<(), RowError> {
    each_row(store, POSTED, |key, value| {
        each(read_row(key, value)?);
        Ok(())
    })
}
