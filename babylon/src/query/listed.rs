//! Stakes as entries of the chain's lists, each read for itself.

use ::bitcoin::consensus::deserialize;
use ::bitcoin::{Transaction, Txid};
use prost::Message;
use serde_json::{Value, json};
use staking_scripts::Delegation;
use staking_scripts::delegation::ChainMessage;

use super::staking::{PageEnd, asked_for, delegations_in, delegations_query};
use super::status::DelegationStatus;
use super::{ListedPage, Page, pages};
use crate::node::{Answer, ChainNode, NodeError};

/// An entry of the chain's list of stakes.
#[derive(Debug)]
pub struct ListedStake {
    /// The stake, or why it cannot be read.
    pub stake: Result<Delegation, NodeError>,
    /// Its staking transaction, where that can be read.
    pub txid: Option<Txid>,
    /// The Bitcoin height of its block; 0 where the chain has no proof that it is in Bitcoin.
    pub start_height: u32,
    /// The Bitcoin height at which it ends; 0 likewise.
    pub end_height: u32,
}

/// Returns every stake of a status, each for itself: one that cannot be read leaves the others as they are.
///
/// # Errors
/// [`NodeError`] of a page as a whole.
pub fn delegations_each(
    node: &dyn ChainNode,
    status: DelegationStatus,
) -> Result<Vec<ListedStake>, NodeError> {
    pages(node, |node, key| delegations_page(node, status, key))
}

/// Returns one page of the stakes of a status, for whoever has no room for all: the first for an empty key,
/// and each next one for the key that the one before it gave.
///
/// # Errors
/// As [`delegations_each`].
pub fn delegation_page(
    node: &dyn ChainNode,
    status: DelegationStatus,
    key: &[u8],
) -> Result<ListedPage<ListedStake>, NodeError> {
    ListedPage::after(key, delegations_page(node, status, key.to_owned())?)
}

fn delegations_page(
    node: &dyn ChainNode,
    status: DelegationStatus,
    key: Vec<u8>,
) -> Result<Page<ListedStake>, NodeError> {
    let answer = node.query(&delegations_query(status, key))?;
    let listed = match &answer {
        Answer::Protobuf(bytes) => {
            let page = RawPage::decode(bytes.as_slice()).map_err(|e| NodeError::answer(e.to_string()))?;
            page.btc_delegations.into_iter().map(from_protobuf).collect()
        }
        Answer::Json(text) => {
            let page: Value = serde_json::from_str(text).map_err(|e| NodeError::answer(e.to_string()))?;
            let entries = page.get("btc_delegations").and_then(Value::as_array).cloned();
            entries.unwrap_or_default().into_iter().map(from_json).collect()
        }
    };
    Ok((listed, super::read::<PageEnd>(answer)?.pagination))
}

fn from_protobuf(entry: Vec<u8>) -> ListedStake {
    let outline = Outline::decode(entry.as_slice()).unwrap_or_default();
    listed(&outline, &Answer::Protobuf(RawPage { btc_delegations: vec![entry] }.encode_to_vec()))
}

fn from_json(entry: Value) -> ListedStake {
    let outline = serde_json::from_value(entry.clone()).unwrap_or_default();
    listed(&outline, &Answer::Json(json!({ "btc_delegation": entry }).to_string()))
}

fn listed(outline: &Outline, alone: &Answer) -> ListedStake {
    let stake = delegations_in(ChainMessage::Delegations, alone)
        .and_then(|mut found| found.pop().ok_or_else(|| NodeError::answer("there is no stake in it")));
    let transaction = hex::decode(&outline.staking_tx_hex).ok();
    let transaction = transaction.and_then(|bytes| deserialize::<Transaction>(&bytes).ok());
    let txid = transaction.map(|transaction| transaction.compute_txid());
    ListedStake { stake, txid, start_height: outline.start_height, end_height: outline.end_height }
}

/// What is read of an entry by itself.
#[derive(Clone, PartialEq, Message, serde::Deserialize)]
#[serde(default)]
struct Outline {
    #[prost(uint32, tag = "5")]
    start_height: u32,
    #[prost(uint32, tag = "6")]
    end_height: u32,
    #[prost(string, tag = "8")]
    staking_tx_hex: String,
}

/// The answer about one stake, of which the outline is read.
#[derive(Clone, PartialEq, Message)]
struct RawDelegation {
    #[prost(message, optional, tag = "1")]
    btc_delegation: Option<Outline>,
}

/// A page whose entries are not read.
#[derive(Clone, PartialEq, Message)]
struct RawPage {
    #[prost(bytes = "vec", repeated, tag = "1")]
    btc_delegations: Vec<Vec<u8>>,
}

/// Returns a stake as its entry in the chain's list, by the id of its staking transaction; `None` where
/// nobody registered it.
///
/// # Errors
/// [`NodeError`].
pub fn listed_delegation(node: &dyn ChainNode, stake: Txid) -> Result<Option<ListedStake>, NodeError> {
    let Some((delegation, answer)) = asked_for(node, stake)? else { return Ok(None) };
    let outline = match &answer {
        Answer::Protobuf(bytes) => RawDelegation::decode(bytes.as_slice()).map(|it| it.btc_delegation).ok(),
        Answer::Json(text) => {
            let entry =
                serde_json::from_str::<Value>(text).ok().and_then(|it| it.get("btc_delegation").cloned());
            Some(entry.and_then(|entry| serde_json::from_value(entry).ok()))
        }
    };
    let Outline { start_height, end_height, .. } = outline.flatten().unwrap_or_default();
    Ok(Some(ListedStake { stake: Ok(delegation), txid: Some(stake), start_height, end_height }))
}
