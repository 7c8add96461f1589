//! What is stored: rows of a key and a value, of which the core can be made again.

use std::ops::ControlFlow;

use bitcoin::hashes::Hash as _;
use bitcoin::{BlockHash, OutPoint, Txid, XOnlyPublicKey};
use chain::{BlockHeight, ChainTip};
use finality::Evidence;
use prost::Message;
use staking_scripts::delegation::StakeTimes;
use staking_scripts::outputs::Timelock;
use staking_scripts::{Delegation, SpendPath};
use store::{ChangeSet, Schema, Store};

use crate::facts::LeafMarks;
use crate::stake::{Spend, Spends, TrackedStake};
use crate::tracker::Tracker;

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

/// The tables of a watchtower.
pub const SCHEMA: Schema = Schema {
    program: "btcstake_watch",
    versions: &[&[TIP, STAKE, DELEGATION, EVIDENCE, TOLD, LOOK_BACK, PASSED]],
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

#[derive(Clone, PartialEq, Message)]
struct SpendRow {
    #[prost(bytes = "vec", tag = "1")]
    txid: Vec<u8>,
    /// 0 for none of the protocol's.
    #[prost(uint32, tag = "2")]
    path: u32,
    #[prost(uint32, tag = "3")]
    height: u32,
}

#[derive(Clone, PartialEq, Message)]
struct StakeRow {
    #[prost(uint32, tag = "1")]
    vout: u32,
    #[prost(uint64, tag = "2")]
    amount_sat: u64,
    #[prost(uint32, tag = "3")]
    staking_time: u32,
    #[prost(uint32, tag = "4")]
    unbonding_time: u32,
    #[prost(bytes = "vec", optional, tag = "5")]
    unbonding_txid: Option<Vec<u8>>,
    /// The keys one after the other.
    #[prost(bytes = "vec", tag = "6")]
    providers: Vec<u8>,
    #[prost(fixed64, tag = "7")]
    slashing_leaf: u64,
    #[prost(fixed64, tag = "8")]
    unbonding_leaf: u64,
    #[prost(bool, tag = "9")]
    quorum_signed: bool,
    #[prost(bool, tag = "10")]
    is_phase1: bool,
    #[prost(uint32, optional, tag = "11")]
    included: Option<u32>,
    #[prost(message, optional, tag = "12")]
    spent: Option<SpendRow>,
    #[prost(message, optional, tag = "13")]
    unbonding_spent: Option<SpendRow>,
    #[prost(message, optional, tag = "14")]
    refund_spent: Option<SpendRow>,
}

const fn path_number(path: Option<SpendPath>) -> u32 {
    match path {
        None => 0,
        Some(SpendPath::Timelock) => 1,
        Some(SpendPath::Unbonding) => 2,
        Some(SpendPath::Slashing) => 3,
    }
}

fn spend_row(spend: Spend) -> SpendRow {
    SpendRow {
        txid: spend.txid.to_byte_array().to_vec(),
        path: path_number(spend.path),
        height: spend.height,
    }
}

fn read_txid(bytes: &[u8]) -> Result<Txid, RowError> {
    Txid::from_slice(bytes).map_err(|error| damaged(STAKE, error))
}

fn read_spend(row: Option<SpendRow>) -> Result<Option<Spend>, RowError> {
    let Some(SpendRow { txid, path, height }) = row else { return Ok(None) };
    let all = [None, Some(SpendPath::Timelock), Some(SpendPath::Unbonding), Some(SpendPath::Slashing)];
    let path = all.into_iter().find(|known| path_number(*known) == path);
    let path = path.ok_or_else(|| damaged(STAKE, "an unknown path"))?;
    Ok(Some(Spend { txid: read_txid(&txid)?, path, height }))
}

pub(crate) fn put_stake(changes: &mut ChangeSet, stake: &TrackedStake, tracker: &Tracker) {
    let providers = stake.providers.iter().filter_map(|id| tracker.provider(*id));
    let spends = stake.spends.as_deref().copied().unwrap_or_default();
    let row = StakeRow {
        vout: stake.outpoint.vout,
        amount_sat: stake.amount_sat,
        staking_time: stake.times.staking.blocks().into(),
        unbonding_time: stake.times.unbonding.blocks().into(),
        unbonding_txid: stake.unbonding_txid.map(|txid| txid.to_byte_array().to_vec()),
        providers: providers.flat_map(XOnlyPublicKey::serialize).collect(),
        slashing_leaf: u64::from_be_bytes(stake.leaves.slashing),
        unbonding_leaf: u64::from_be_bytes(stake.leaves.unbonding),
        quorum_signed: stake.quorum_signed,
        is_phase1: stake.is_phase1,
        included: stake.included,
        spent: spends.staking.map(spend_row),
        unbonding_spent: spends.unbonding.map(spend_row),
        refund_spent: spends.refund.map(spend_row),
    };
    changes.put(STAKE, stake.outpoint.txid.to_byte_array().to_vec(), row.encode_to_vec());
}

fn read_stake(key: &[u8], value: &[u8], tracker: &mut Tracker) -> Result<TrackedStake, RowError> {
    let row = StakeRow::decode(value).map_err(|error| damaged(STAKE, error))?;
    let time = |blocks| Timelock::from_blocks(blocks).map_err(|error| damaged(STAKE, error));
    let (keys, rest) = row.providers.as_chunks::<32>();
    let keys: Result<Vec<_>, _> = keys.iter().map(|key| XOnlyPublicKey::from_slice(key)).collect();
    let keys = keys.map_err(|error| damaged(STAKE, error))?;
    if !rest.is_empty() || keys.is_empty() {
        return Err(damaged(STAKE, "its providers are no keys"));
    }
    let spends = Spends {
        staking: read_spend(row.spent)?,
        unbonding: read_spend(row.unbonding_spent)?,
        refund: read_spend(row.refund_spent)?,
    };
    Ok(TrackedStake {
        outpoint: OutPoint::new(read_txid(key)?, row.vout),
        amount_sat: row.amount_sat,
        times: StakeTimes { staking: time(row.staking_time)?, unbonding: time(row.unbonding_time)? },
        unbonding_txid: row.unbonding_txid.as_deref().map(read_txid).transpose()?,
        providers: tracker.provider_numbers(&keys),
        leaves: LeafMarks {
            slashing: row.slashing_leaf.to_be_bytes(),
            unbonding: row.unbonding_leaf.to_be_bytes(),
        },
        quorum_signed: row.quorum_signed,
        is_phase1: row.is_phase1,
        included: row.included,
        spends: (spends != Spends::default()).then(|| Box::new(spends)),
    })
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

/// Adds the stored stakes to a tracker.
pub(crate) fn read_stakes(store: &mut dyn Store, tracker: &mut Tracker) -> Result<(), RowError> {
    tracker.reserve(usize::try_from(store.count(STAKE)?).unwrap_or_default());
    each_row(store, STAKE, |key, value| {
        let stake = read_stake(key, value, tracker)?;
        tracker.add(stake);
        Ok(())
    })
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
