//! What a store has, for whoever looks into it and changes nothing.

use std::collections::BTreeSet;

use bitcoin::XOnlyPublicKey;
use finality::Evidence;
use store::Store;

use crate::rows::{self, RowError};
use crate::tracker::Tracker;

/// What a watchtower has stored.
#[derive(Debug)]
pub struct Stored {
    /// Its stakes, and the last block it has seen.
    pub tracker: Tracker,
    /// How many blocks must be on one for what it has to count as final.
    pub depth: u32,
    /// The providers against which it has evidence.
    pub accused: BTreeSet<XOnlyPublicKey>,
    /// How many stakes it still looks for in blocks that it has passed.
    pub looks_back: usize,
}

impl Stored {
    /// Reads all of it; `None` of a store in which nothing is yet. Where a watchtower writes meanwhile, parts
    /// of it may be some moments older than others.
    ///
    /// # Errors
    /// [`RowError`].
    pub fn read(store: &mut dyn Store) -> Result<Option<Self>, RowError> {
        let (Some(tip), Some(depth)) = (rows::stored_tip(store)?, rows::stored_depth(store)?) else {
            return Ok(None);
        };
        let mut tracker = Tracker::new(tip);
        rows::read_stakes(store, &mut tracker)?;
        let mut accused = BTreeSet::new();
        rows::read_evidence(store, |evidence| {
            accused.insert(evidence.public_key);
        })?;
        let looks_back = rows::read_look_backs(store)?.len();
        Ok(Some(Self { tracker, depth, accused, looks_back }))
    }
}

/// Returns the evidence that is stored, by provider and height.
///
/// # Errors
/// [`RowError`].
pub fn stored_evidence(store: &mut dyn Store) -> Result<Vec<Evidence>, RowError> {
    let mut all = Vec::new();
    rows::read_evidence(store, |evidence| all.push(*evidence))?;
    Ok(all)
}
