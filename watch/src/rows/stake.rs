//! A stake's row.

use std::collections::HashMap;

use babylon::query::DelegationStatus;
use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, Txid, XOnlyPublicKey};
use prost::Message;
use staking_scripts::SpendPath;
use staking_scripts::delegation::StakeTimes;
use staking_scripts::outputs::Timelock;
use store::{ChangeSet, Store};

use super::{RowError, STAKE, damaged, each_row};
use crate::facts::LeafMarks;
use crate::stake::{ProviderId, Spend, Spends, TrackedStake};
use crate::tracker::Tracker;

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
    /// The number of what the secured chain has of it, where somebody told.
    #[prost(uint32, optional, tag = "15")]
    registered: Option<u32>,
    /// Absent in rows of the first version, which do not tell.
    #[prost(bool, optional, tag = "16")]
    is_extension: Option<bool>,
    /// Absent in rows of before: all of its blocks were looked at.
    #[prost(uint32, tag = "17")]
    searched: u32,
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

pub(super) fn read_txid(bytes: &[u8]) -> Result<Txid, RowError> {
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
        registered: stake.registered.map(DelegationStatus::number),
        is_extension: Some(stake.is_extension),
        searched: stake.searched,
    };
    changes.put(STAKE, stake.outpoint.txid.to_byte_array().to_vec(), row.encode_to_vec());
}

/// The providers that were read already: to read a key takes a square root, and a million stakes have some
/// hundred.
type ReadProviders = HashMap<[u8; 32], ProviderId>;

fn read_providers(
    bytes: &[u8],
    tracker: &mut Tracker,
    known: &mut ReadProviders,
) -> Result<Box<[ProviderId]>, RowError> {
    let (keys, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || keys.is_empty() {
        return Err(damaged(STAKE, "its providers are no keys"));
    }
    let read = |key: &[u8; 32]| {
        if let Some(id) = known.get(key) {
            return Ok(*id);
        }
        let provider = XOnlyPublicKey::from_slice(key).map_err(|error| damaged(STAKE, error))?;
        let id = tracker.provider_number(&provider);
        known.insert(*key, id);
        Ok(id)
    };
    keys.iter().map(read).collect()
}

/// Returns a stake, and whether its row tells whether it is an extension.
fn read_stake(
    key: &[u8],
    value: &[u8],
    tracker: &mut Tracker,
    known: &mut ReadProviders,
) -> Result<(TrackedStake, bool), RowError> {
    let row = StakeRow::decode(value).map_err(|error| damaged(STAKE, error))?;
    let time = |blocks| Timelock::from_blocks(blocks).map_err(|error| damaged(STAKE, error));
    let spends = Spends {
        staking: read_spend(row.spent)?,
        unbonding: read_spend(row.unbonding_spent)?,
        refund: read_spend(row.refund_spent)?,
    };
    let registered = row.registered.map(DelegationStatus::from_number);
    if registered == Some(None) {
        return Err(damaged(STAKE, "the secured chain has no such status"));
    }
    let stake = TrackedStake {
        outpoint: OutPoint::new(read_txid(key)?, row.vout),
        amount_sat: row.amount_sat,
        times: StakeTimes { staking: time(row.staking_time)?, unbonding: time(row.unbonding_time)? },
        unbonding_txid: row.unbonding_txid.as_deref().map(read_txid).transpose()?,
        providers: read_providers(&row.providers, tracker, known)?,
        leaves: LeafMarks {
            slashing: row.slashing_leaf.to_be_bytes(),
            unbonding: row.unbonding_leaf.to_be_bytes(),
        },
        quorum_signed: row.quorum_signed,
        is_phase1: row.is_phase1,
        is_extension: row.is_extension.unwrap_or_default(),
        registered: registered.flatten(),
        included: row.included,
        searched: row.searched,
        spends: (spends != Spends::default()).then(|| Box::new(spends)),
    };
    Ok((stake, row.is_extension.is_some()))
}

/// Adds the stored stakes to a tracker. Returns those whose row does not tell whether they are extensions.
pub(crate) fn read_stakes(store: &mut dyn Store, tracker: &mut Tracker) -> Result<Vec<Txid>, RowError> {
    tracker.reserve(usize::try_from(store.count(STAKE)?).unwrap_or_default());
    let (mut untold, mut known) = (Vec::new(), ReadProviders::new());
    each_row(store, STAKE, |key, value| {
        let (stake, is_told) = read_stake(key, value, tracker, &mut known)?;
        if !is_told {
            untold.push(stake.outpoint.txid);
        }
        tracker.add(stake);
        Ok(())
    })?;
    Ok(untold)
}
