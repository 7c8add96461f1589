//! What the tables hold, read and written.

use eots::{Signature, XOnlyPublicKey};
use finality::ConsumerHeight;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::error::damaged;
use crate::protection::store::StoreError;
use crate::protection::types::{Lane, SigningRecord};

/// Returns a column of a row.
pub(super) fn column<'a, T: FromSql<'a>>(row: &'a Row, number: usize) -> Result<T, StoreError> {
    row.try_get(number).map_err(|error| damaged(format!("a column cannot be read: {error}")))
}

pub(super) fn height(bytes: &[u8]) -> Result<ConsumerHeight, StoreError> {
    let bytes = bytes.try_into().map_err(|_| damaged("a height is not of 8 bytes"))?;
    Ok(ConsumerHeight(u64::from_be_bytes(bytes)))
}

pub(super) fn optional(row: &Row, number: usize) -> Result<Option<ConsumerHeight>, StoreError> {
    column::<Option<&[u8]>>(row, number)?.map(height).transpose()
}

/// Reads a lane in the first two columns.
pub(super) fn lane(row: &Row) -> Result<Lane, StoreError> {
    let public_key = XOnlyPublicKey::from_slice(column(row, 0)?)
        .map_err(|_| damaged("a lane's public key is not valid"))?;
    Ok(Lane { public_key, chain_id: column(row, 1)? })
}

/// Reads a record in three columns from this one on.
pub(super) fn record(row: &Row, from: usize) -> Result<SigningRecord, StoreError> {
    let at = |more: usize| from.saturating_add(more);
    let signature = column::<Option<&[u8]>>(row, at(2))?.map(|bytes| {
        let bytes = bytes.try_into().ok();
        bytes
            .and_then(|bytes| Signature::from_bytes(bytes).ok())
            .ok_or_else(|| damaged("a signature is not valid"))
    });
    Ok(SigningRecord {
        height: height(column(row, from)?)?,
        message: column(row, at(1))?,
        signature: signature.transpose()?,
    })
}

/// Columns of keys, chain ids and more, one row for each lane or record.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) chains: Vec<Vec<u8>>,
    pub(super) heights: Vec<Vec<u8>>,
    pub(super) messages: Vec<Vec<u8>>,
    pub(super) signatures: Vec<Option<Vec<u8>>>,
}

impl Columns {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn lane(&mut self, lane: &Lane) {
        self.keys.push(lane.public_key.serialize().to_vec());
        self.chains.push(lane.chain_id.clone());
    }

    pub(super) fn height(&mut self, lane: &Lane, height: ConsumerHeight) {
        self.lane(lane);
        self.heights.push(bytes(height));
    }

    pub(super) fn record(&mut self, lane: &Lane, record: SigningRecord) {
        self.height(lane, record.height);
        self.messages.push(record.message);
        self.signatures.push(record.signature.map(|signature| signature.to_bytes().to_vec()));
    }
}

pub(super) fn bytes(height: ConsumerHeight) -> Vec<u8> {
    height.to_be_bytes().to_vec()
}
