//! The records of the reference daemon's own database, which it keeps in a bbolt file: read without changing
//! it, under its lock, so that the daemon cannot sign on meanwhile.

pub mod bbolt;
pub mod records;

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use eots::Signature;
use finality::ConsumerHeight;

pub use bbolt::{Database, DatabaseError, Entries, Entry, Location, MetaFault, PageFault, ReadError};
pub use records::{ImportError, NamedKey, SignRecord, SignRecordError, SignRecordFault};

use crate::interchange::{Interchange, LaneHistory};
use crate::protection::{Lane, SigningRecord, Watermarks};

#[cfg(test)]
mod tests;

/// Returns every record of the reference daemon's database as an interchange. The daemon has no watermarks,
/// and does not keep what it committed to: [`ChangeKind::Committed`](crate::protection::ChangeKind) notes it.
///
/// A signature that is no number below the group order is left out; its message counts all the same.
///
/// # Errors
/// [`ImportError`] at the first page or record that the daemon does not write: half of its records are no
/// protection.
pub fn interchange<S: Read + Seek>(database: &mut Database<S>) -> Result<Interchange, ImportError> {
    let mut lanes: BTreeMap<Lane, Vec<SigningRecord>> = BTreeMap::new();
    for record in database.sign_records()? {
        let SignRecord { chain_id, public_key, height, message, signature, .. } = record?;
        let signature = Signature::from_bytes(signature).ok();
        let record = SigningRecord { height: ConsumerHeight(height), message, signature };
        lanes.entry(Lane { public_key, chain_id }).or_default().push(record);
    }
    let history = |(lane, records)| LaneHistory {
        lane,
        watermarks: Watermarks::default(),
        committed: Vec::new(),
        records,
    };
    Ok(Interchange { lanes: lanes.into_iter().map(history).collect() })
}
