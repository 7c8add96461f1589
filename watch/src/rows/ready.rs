//! The rows of slashing transactions that a key alone is missing of.

use bitcoin::Txid;
use bitcoin::hashes::Hash as _;
use prost::Message;
use staking_scripts::delegation::ReadySlashing;
use store::{ChangeSet, Store};

use super::{READY, RowError};
use crate::complete::ReadyStake;

#[derive(Clone, PartialEq, Message)]
struct ReadyRow {
    #[prost(bytes = "vec", tag = "1")]
    staking: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    unbonding: Vec<u8>,
}

/// In place of what was ready of another delegation of the stake.
pub(crate) fn put_ready(changes: &mut ChangeSet, stake: &Txid, ready: Option<&ReadyStake>) {
    let key = stake.to_byte_array().to_vec();
    let Some(ReadyStake { staking, unbonding }) = ready else {
        changes.delete(READY, key);
        return;
    };
    let row = ReadyRow { staking: staking.to_bytes(), unbonding: unbonding.to_bytes() };
    changes.put(READY, key, row.encode_to_vec());
}

fn read_row(value: &[u8]) -> Option<ReadyStake> {
    let row = ReadyRow::decode(value).ok()?;
    let read = |bytes: &[u8]| ReadySlashing::from_bytes(bytes).ok();
    Some(ReadyStake { staking: read(&row.staking)?, unbonding: read(&row.unbonding)? })
}

/// What is stored of the slashing transactions of stakes.
#[derive(Debug, Default)]
pub(crate) struct StoredReady {
    /// What is ready, by stake.
    pub(crate) ready: Vec<(Txid, ReadyStake)>,
    /// The stakes of which nothing is: their delegations say it too.
    pub(crate) others: Vec<Txid>,
}

/// Returns what is ready of these stakes.
pub(crate) fn stored_ready(store: &mut dyn Store, stakes: &[Txid]) -> Result<StoredReady, RowError> {
    let mut found = StoredReady::default();
    for stake in stakes {
        match store.get(READY, &stake.to_byte_array())?.and_then(|value| read_row(&value)) {
            Some(ready) => found.ready.push((*stake, ready)),
            None => found.others.push(*stake),
        }
    }
    Ok(found)
}
