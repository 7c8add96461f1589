//! The interchange of signing records: from one signer to another, as EIP-3076 does for Ethereum's.
//!
//! A file has, for each lane, the watermarks, the heights whose randomness is committed, and the records. In
//! the *complete* form all records are there; in the *minimal* form none, and the low watermark is at the
//! highest height that was signed: smaller, and enough that nothing is signed twice. `data/` has the schema.
//!
//! An import merges to the stricter of both: it never lowers a low watermark, and raises it to the highest
//! height that it brings.

mod json;

#[cfg(test)]
pub(crate) mod tests;

use finality::ConsumerHeight;

pub use self::json::InterchangeError;
use crate::protection::{
    ChangeKind, Changed, HeightRange, Lane, LaneChange, SigningRecord, Store, StoreError, Watermarks,
};

/// How many records are read from a store at a time.
const PAGE: usize = 10_000;

/// Which records an export has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// All of them.
    Complete,
    /// None: the low watermark stands for them.
    Minimal,
}

/// What is known of some lanes, to be read by another signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interchange {
    /// The lanes, each once.
    pub lanes: Vec<LaneHistory>,
}

/// What is known of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneHistory {
    /// The lane.
    pub lane: Lane,
    /// The watermarks.
    pub watermarks: Watermarks,
    /// The heights whose randomness is committed.
    pub committed: Vec<HeightRange>,
    /// The records, ascending; none in the minimal form.
    pub records: Vec<SigningRecord>,
}

impl Interchange {
    /// Exports every lane of a store.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn export(store: &dyn Store, form: ExportForm) -> Result<Self, StoreError> {
        let lanes = store.lanes()?;
        Ok(Self { lanes: lanes.into_iter().map(|lane| export(store, lane, form)).collect::<Result<_, _>>()? })
    }

    /// Imports every lane into a store, all or none of them, and returns what each is after it.
    ///
    /// # Errors
    /// [`StoreError`], and nothing is imported: [`StoreError::UnknownLane`] for a lane that the store does
    /// not know, with neither a record nor a low watermark.
    pub fn import(self, store: &dyn Store) -> Result<Vec<(Lane, Changed)>, StoreError> {
        let (mut changes, mut lanes, known) = (Vec::new(), Vec::new(), store.lanes()?);
        for LaneHistory { lane, watermarks, committed, records } in self.lanes {
            // What says nothing of what was signed makes no lane known: it would begin at height 0.
            if records.is_empty() && watermarks.low.is_none() && !known.contains(&lane) {
                return Err(StoreError::UnknownLane(Box::new(lane)));
            }
            let kinds = [ChangeKind::Import(records)]
                .into_iter()
                .chain(watermarks.low.map(ChangeKind::RaiseLow))
                .chain(committed.into_iter().map(ChangeKind::Committed))
                // The own high watermark is the owner's; one that is brought makes it stricter.
                .chain(watermarks.high.map(ChangeKind::LowerHigh));
            let before = changes.len();
            changes.extend(kinds.map(|kind| LaneChange { lane: lane.clone(), kind }));
            lanes.push((lane, changes.len().saturating_sub(before)));
        }
        let mut changed = store.change(changes)?.into_iter();
        let merged = lanes.into_iter().map(|(lane, count)| {
            // The first change of a lane has its records, the last its watermarks.
            let all: Vec<_> = changed.by_ref().take(count).collect();
            let last = all.last().map(|last| last.watermarks).unwrap_or_default();
            let first = all.into_iter().next().unwrap_or_default();
            (lane, Changed { watermarks: last, ..first })
        });
        Ok(merged.collect())
    }
}

fn export(store: &dyn Store, lane: Lane, form: ExportForm) -> Result<LaneHistory, StoreError> {
    let state = store.state(&lane)?;
    let (mut records, mut watermarks) = (Vec::new(), state.watermarks);
    match form {
        ExportForm::Minimal => watermarks.low = state.highest,
        ExportForm::Complete => {
            let mut from = Some(ConsumerHeight(0));
            while let Some(at) = from {
                let page = store.records(&lane, at, PAGE)?;
                let is_whole = page.len() == PAGE;
                from = page.last().filter(|_| is_whole).and_then(|last| last.height.checked_add(1));
                records.extend(page);
            }
        }
    }
    Ok(LaneHistory { lane, watermarks, committed: state.committed, records })
}
