//! What a voting finality provider asks: who has voted, what is final, what is missed, and the rules for it.

use std::time::Duration;

use ::finality::ConsumerHeight;
use eots::XOnlyPublicKey;
use prost::Message;
use serde::Deserialize;

use super::answers::{Block, Empty};
use super::{absent, ask, fixed, needed};
use crate::node::{ChainNode, NodeError, json};

/// The parameters of the finality module that a finality provider keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinalityParameters {
    /// The least number of heights in a commitment.
    pub min_pub_rand: u64,
    /// How many blocks a vote may take before it counts as missed.
    pub finality_sig_timeout: u64,
    /// Of how many blocks the missed ones are counted.
    pub signed_blocks_window: u64,
    /// How long a jailed provider stays so, at least.
    pub jail_duration: Duration,
    /// The first height that anything is voted on or committed to.
    pub activation_height: ConsumerHeight,
}

/// How reliably a finality provider has voted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SigningInfo {
    /// Since when it is counted.
    pub start_height: ConsumerHeight,
    /// How many votes are missed in the window.
    pub missed: u64,
}

#[derive(Clone, PartialEq, Message)]
struct StatusRequest {
    #[prost(int32, tag = "1")]
    status: i32,
    #[prost(message, optional, tag = "2")]
    pagination: Option<LastPage>,
}

/// The last entry alone.
#[derive(Clone, PartialEq, Message)]
struct LastPage {
    #[prost(uint64, tag = "3")]
    limit: u64,
    #[prost(bool, tag = "5")]
    reverse: bool,
}

#[derive(Clone, PartialEq, Message)]
struct HeightRequest {
    #[prost(uint64, tag = "1")]
    height: u64,
}

#[derive(Clone, PartialEq, Message)]
struct KeyRequest {
    #[prost(string, tag = "1")]
    fp_btc_pk_hex: String,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct BlocksResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) blocks: Vec<Block>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct VotesResponse {
    #[prost(bytes = "vec", repeated, tag = "1")]
    #[serde(deserialize_with = "json::hex_list")]
    pub(crate) btc_pks: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct ParamsResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) params: Option<Params>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    #[prost(int64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) signed_blocks_window: i64,
    #[prost(int64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) finality_sig_timeout: i64,
    #[prost(uint64, tag = "5")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) min_pub_rand: u64,
    #[prost(message, optional, tag = "6")]
    #[serde(deserialize_with = "json::duration")]
    pub(crate) jail_duration: Option<json::ProtoDuration>,
    #[prost(uint64, tag = "7")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) finality_activation_height: u64,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct SigningInfoResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) signing_info: Option<FoundSigningInfo>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct FoundSigningInfo {
    #[prost(string, tag = "1")]
    pub(crate) fp_btc_pk_hex: String,
    #[prost(int64, tag = "2")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) start_height: i64,
    #[prost(int64, tag = "3")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) missed_blocks_counter: i64,
}

/// Returns the parameters of the finality module.
///
/// # Errors
/// [`NodeError`].
pub fn finality_parameters(node: &dyn ChainNode) -> Result<FinalityParameters, NodeError> {
    let (method, path) = ("/babylon.finality.v1.Query/Params", "/babylon/finality/v1/params");
    let answer: ParamsResponse = ask(node, method, &Empty {}, path.to_owned())?;
    let found = needed(answer.params, "params")?;
    let count = |number: i64, what: &str| {
        u64::try_from(number).map_err(|_| NodeError::answer(format!("{what} is negative")))
    };
    Ok(FinalityParameters {
        min_pub_rand: found.min_pub_rand,
        finality_sig_timeout: count(found.finality_sig_timeout, "finality_sig_timeout")?,
        signed_blocks_window: count(found.signed_blocks_window, "signed_blocks_window")?,
        jail_duration: found.jail_duration.unwrap_or_default().to_std(),
        activation_height: ConsumerHeight(found.finality_activation_height),
    })
}

/// Returns the last block that is final; `None` where none is.
///
/// # Errors
/// [`NodeError`].
pub fn last_final_height(node: &dyn ChainNode) -> Result<Option<ConsumerHeight>, NodeError> {
    let request = StatusRequest { status: 1, pagination: Some(LastPage { limit: 1, reverse: true }) };
    let path = "/babylon/finality/v1/blocks?status=1&pagination.limit=1&pagination.reverse=true";
    let method = "/babylon.finality.v1.Query/ListBlocks";
    let answer: BlocksResponse = ask(node, method, &request, path.to_owned())?;
    match answer.blocks.first() {
        Some(block) if !block.finalized => Err(NodeError::answer(format!(
            "the block {} is not final; was asked for one that is",
            block.height
        ))),
        block => Ok(block.map(|block| ConsumerHeight(block.height))),
    }
}

/// Returns who has voted for the block at a height.
///
/// # Errors
/// [`NodeError`].
pub fn votes_at(node: &dyn ChainNode, height: ConsumerHeight) -> Result<Vec<XOnlyPublicKey>, NodeError> {
    let height = height.to_u64();
    let path = format!("/babylon/finality/v1/votes/{height}");
    let method = "/babylon.finality.v1.Query/VotesAtHeight";
    let answer: VotesResponse = ask(node, method, &HeightRequest { height }, path)?;
    let key = |bytes: &Vec<u8>| {
        let bytes: [u8; 32] = fixed(bytes, "btc_pks")?;
        XOnlyPublicKey::from_slice(&bytes).map_err(|_| NodeError::answer("btc_pks has what is no public key"))
    };
    answer.btc_pks.iter().map(key).collect()
}

/// Returns how reliably a provider has voted; `None` where it never had power.
///
/// # Errors
/// [`NodeError`].
pub fn signing_info(
    node: &dyn ChainNode,
    provider: &XOnlyPublicKey,
) -> Result<Option<SigningInfo>, NodeError> {
    let path = format!("/babylon/finality/v1/signing_infos/{provider}");
    let request = KeyRequest { fp_btc_pk_hex: provider.to_string() };
    let method = "/babylon.finality.v1.Query/SigningInfo";
    let Some(answer) = absent(ask::<SigningInfoResponse>(node, method, &request, path))? else {
        return Ok(None);
    };
    let found = needed(answer.signing_info, "signing_info")?;
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    Ok(Some(SigningInfo {
        start_height: ConsumerHeight(number(found.start_height)),
        missed: number(found.missed_blocks_counter),
    }))
}

/// Returns the last epoch whose checkpoint is final in Bitcoin; `None` where none is.
///
/// # Errors
/// [`NodeError`].
pub fn last_finalized_epoch(node: &dyn ChainNode) -> Result<Option<u64>, NodeError> {
    let path = "/babylon/checkpointing/v1/last_raw_checkpoint/CKPT_STATUS_FINALIZED";
    let method = "/babylon.checkpointing.v1.Query/LastCheckpointWithStatus";
    let request = StatusRequest { status: 4, pagination: None };
    match ask::<LastCheckpointResponse>(node, method, &request, path.to_owned()) {
        // The chain has texts of its own for it, and goes down to epoch 0, which has no checkpoint.
        Err(NodeError::Refused(refusal)) if NO_CHECKPOINT.iter().any(|text| refusal.log.contains(text)) => {
            Ok(None)
        }
        answer => match absent(answer)?.and_then(|answer| answer.raw_checkpoint) {
            Some(checkpoint) => Ok(Some(checkpoint.epoch_num)),
            None => Ok(None),
        },
    }
}

const NO_CHECKPOINT: [&str; 3] = [
    "cannot find checkpoint with status",
    "no raw checkpoint is found",
    "failed to get the last checkpointed epoch",
];

#[derive(Clone, PartialEq, Message, Deserialize)]
pub(crate) struct LastCheckpointResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) raw_checkpoint: Option<LastCheckpoint>,
}

#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
pub(crate) struct LastCheckpoint {
    #[prost(uint64, tag = "1")]
    #[serde(deserialize_with = "json::number")]
    pub(crate) epoch_num: u64,
}
