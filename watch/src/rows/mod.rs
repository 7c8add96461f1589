//! What is stored: rows of a key and a value, of which the core can be made again.

mod ready;
mod reports;
mod stake;

use std::ops::ControlFlow;

use bitcoin::hashes::Hash as _;
use bitcoin::{BlockHash, Txid};
use chain::{BlockHeight, ChainTip};
use finality::Evidence;
use staking_scripts::Delegation;
use store::{ChangeSet, Schema, Store};

pub(crate) use self::ready::{StoredReady, put_ready, stored_ready};
pub use self::reports::stored_slashing;
pub(crate) use self::reports::{
    delete_posted, delete_slashing, put_posted, put_slashing, read_posted, read_slashed,
};
use self::stake::read_txid;
pub(crate) use self::stake::{put_stake, read_stakes};

/// The position in Bitcoin's chain, under one key.
const TIP: &str = "tip";
/// The stakes, by staking transaction.
const STAKE: &str = "stake";
/// Their delegations, in the toolkit's JSON, by staking transaction.
const DELEGATION: &str = "delegation";
/// Evidence, by provider and height.
const EVIDENCE: &str = "evidence";
/// The keys of what was told.
const TOLD: &str = "told";

/// The newest blocks that were passed, by height: whoever starts again finds the fork point with them.
const PASSED: &str = "passed";
/// How many of them are kept.
const MOST_PASSED: u32 = 2_016;
/// The stakes of which the blocks before they were learned are still to be looked at.
const LOOK_BACK: &str = "look_back";

/// The slashing transactions that show a provider's key, by staking transaction.
const SLASHING: &str = "slashing";
/// The reports that were taken, by what they are about.
const POSTED: &str = "posted";

/// What is ready to be completed with a provider's key, by staking transaction: it follows from the
/// delegations.
const READY: &str = "ready";

/// The tables of a watchtower.
pub const SCHEMA: Schema = Schema {
    program: "btcstake_watch",
    versions: &[&[TIP, STAKE, DELEGATION, EVIDENCE, TOLD, LOOK_BACK, PASSED], &[SLASHING, POSTED], &[READY]],
};

/// A stored row is none of ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A row has another form.
    #[error("a row of the table {table} is damaged: {what}")]
    Damaged {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

fn damaged(table: &'static str, what: impl ToString) -> RowError {
    RowError::Damaged { table, what: what.to_string() }
}

pub(crate) fn put_tip(changes: &mut ChangeSet, tip: ChainTip) {
    let height = tip.height.to_u32().to_be_bytes();
    changes.put(TIP, Vec::new(), [height.as_slice(), &tip.hash.to_byte_array()].concat());
}

fn read_tip(value: &[u8]) -> Result<ChainTip, RowError> {
    let read = value.split_first_chunk().and_then(|(height, hash)| {
        let height = BlockHeight::new(u32::from_be_bytes(*height));
        Some(ChainTip { height, hash: BlockHash::from_slice(hash).ok()? })
    });
    read.ok_or_else(|| damaged(TIP, "it is no height and hash"))
}

/// Under which key of the table of the tip the depth is.
const DEPTH_KEY: &[u8] = b"depth";

pub(crate) fn put_depth(changes: &mut ChangeSet, depth: u32) {
    changes.put(TIP, DEPTH_KEY.to_vec(), depth.to_be_bytes().to_vec());
}

/// Returns how deep what counts as final must be; `None` of an empty store.
pub(crate) fn stored_depth(store: &mut dyn Store) -> Result<Option<u32>, RowError> {
    let read = |value: Vec<u8>| value.try_into().map(u32::from_be_bytes);
    let value = store.get(TIP, DEPTH_KEY)?.map(read).transpose();
    value.map_err(|_| damaged(TIP, "the depth has not 4 bytes"))
}

/// Under which key of the table of the tip the height is from which on blocks were leapt over.
const LEAP_KEY: &[u8] = b"leap";

pub(crate) fn put_leap(changes: &mut ChangeSet, since: u32) {
    changes.put(TIP, LEAP_KEY.to_vec(), since.to_be_bytes().to_vec());
}

pub(crate) fn delete_leap(changes: &mut ChangeSet) {
    changes.delete(TIP, LEAP_KEY.to_vec());
}

/// Returns from which height on blocks are still to be looked at for all stakes.
pub(crate) fn stored_leap(store: &mut dyn Store) -> Result<Option<u32>, RowError> {
    let read = |value: Vec<u8>| value.try_into().map(u32::from_be_bytes);
    let value = store.get(TIP, LEAP_KEY)?.map(read).transpose();
    value.map_err(|_| damaged(TIP, "the height of a leap has not 4 bytes"))
}

/// Forgets the blocks that were passed before a leap and are too old.
pub(crate) fn delete_passed_before(changes: &mut ChangeSet, from: u32, to: u32) {
    let oldest = to.saturating_sub(MOST_PASSED);
    for height in from.saturating_sub(MOST_PASSED)..=from.min(oldest) {
        changes.delete(PASSED, height.to_be_bytes().to_vec());
    }
}

pub(crate) fn put_passed(changes: &mut ChangeSet, at: ChainTip) {
    let height = at.height.to_u32();
    changes.put(PASSED, height.to_be_bytes().to_vec(), at.hash.to_byte_array().to_vec());
    if let Some(old) = height.checked_sub(MOST_PASSED) {
        changes.delete(PASSED, old.to_be_bytes().to_vec());
    }
}

/// Forgets the blocks above the fork point at this height, of which so many were.
pub(crate) fn delete_passed(changes: &mut ChangeSet, fork_height: u32, blocks: u32) {
    for above in 1..=blocks.min(MOST_PASSED) {
        // From the top: of a deeper reorg the lower ones are not there any more.
        let height = fork_height.saturating_add(blocks).saturating_sub(above).saturating_add(1);
        changes.delete(PASSED, height.to_be_bytes().to_vec());
    }
}

/// Returns the newest blocks that were passed, the oldest first.
pub(crate) fn passed_blocks(store: &mut dyn Store) -> Result<Vec<ChainTip>, RowError> {
    let mut passed = Vec::new();
    each_row(store, PASSED, |key, value| {
        let height = key.try_into().map(u32::from_be_bytes).map_err(|error| damaged(PASSED, error))?;
        let hash = BlockHash::from_slice(value).map_err(|error| damaged(PASSED, error))?;
        passed.push(ChainTip { height: BlockHeight::new(height), hash });
        Ok(())
    })?;
    Ok(passed)
}

pub(crate) fn put_delegation(changes: &mut ChangeSet, delegation: &Delegation) {
    let txid = delegation.staking_transaction.compute_txid();
    changes.put(DELEGATION, txid.to_byte_array().to_vec(), delegation.to_json().into_bytes());
}

/// Returns whether this very delegation is stored.
pub(crate) fn is_stored(store: &mut dyn Store, delegation: &Delegation) -> Result<bool, RowError> {
    let txid = delegation.staking_transaction.compute_txid();
    let stored = store.get(DELEGATION, &txid.to_byte_array())?;
    Ok(stored.is_some_and(|json| json == delegation.to_json().as_bytes()))
}

pub(crate) fn put_evidence(changes: &mut ChangeSet, evidence: &Evidence) {
    let height = evidence.canonical.height().to_be_bytes();
    let key = [evidence.public_key.serialize().as_slice(), &height].concat();
    // It has nothing that JSON cannot say.
    changes.put(EVIDENCE, key, serde_json::to_vec(evidence).unwrap_or_default());
}

pub(crate) fn put_told(changes: &mut ChangeSet, key: &str) {
    changes.put(TOLD, key.as_bytes().to_vec(), Vec::new());
}

pub(crate) fn put_look_back(changes: &mut ChangeSet, stake: &Txid, since: u32) {
    changes.put(LOOK_BACK, stake.to_byte_array().to_vec(), since.to_be_bytes().to_vec());
}

pub(crate) fn delete_look_back(changes: &mut ChangeSet, stake: &Txid) {
    changes.delete(LOOK_BACK, stake.to_byte_array().to_vec());
}

/// Calls for every row of a table, as long as all of them are right.
fn each_row(
    store: &mut dyn Store,
    table: &'static str,
    mut each: impl FnMut(&[u8], &[u8]) -> Result<(), RowError>,
) -> Result<(), RowError> {
    let mut result = Ok(());
    store.scan(table, &[], &mut |key, value| {
        result = each(key, value);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    result
}

/// Returns the last block that was seen; `None` of an empty store.
pub(crate) fn stored_tip(store: &mut dyn Store) -> Result<Option<ChainTip>, RowError> {
    store.get(TIP, &[])?.map(|value| read_tip(&value)).transpose()
}

/// Calls with the key of each alert that was told.
pub(crate) fn read_told(store: &mut dyn Store, mut each: impl FnMut(String)) -> Result<(), RowError> {
    each_row(store, TOLD, |key, _| {
        each(std::str::from_utf8(key).map_err(|error| damaged(TOLD, error))?.to_owned());
        Ok(())
    })
}

/// Calls with each evidence.
pub(crate) fn read_evidence(store: &mut dyn Store, mut each: impl FnMut(&Evidence)) -> Result<(), RowError> {
    each_row(store, EVIDENCE, |_, value| {
        each(&serde_json::from_slice(value).map_err(|error| damaged(EVIDENCE, error))?);
        Ok(())
    })
}

/// Returns the stakes for which blocks are still to be looked at again, and from which height on.
pub(crate) fn read_look_backs(store: &mut dyn Store) -> Result<Vec<(Txid, u32)>, RowError> {
    let mut stakes = Vec::new();
    each_row(store, LOOK_BACK, |key, value| {
        let since = value.try_into().map(u32::from_be_bytes).map_err(|error| damaged(LOOK_BACK, error))?;
        stakes.push((read_txid(key)?, since));
        Ok(())
    })?;
    Ok(stakes)
}

/// Returns the stored delegations of these stakes, of those that are there.
///
/// # Errors
/// [`RowError`].
pub fn stored_delegations(store: &mut dyn Store, stakes: &[Txid]) -> Result<Vec<Delegation>, RowError> {
    let mut found = Vec::with_capacity(stakes.len());
    for stake in stakes {
        let Some(json) = store.get(DELEGATION, &stake.to_byte_array())? else { continue };
        let json = std::str::from_utf8(&json).map_err(|error| damaged(DELEGATION, error))?;
        found.push(Delegation::from_json(json).map_err(|error| damaged(DELEGATION, error))?);
    }
    Ok(found)
}
