//! What the chain knows of Bitcoin: its light client, and checkpoints.

use ::bitcoin::BlockHash;
use prost::Message;
use staking_scripts::parameters::CheckpointParameters;

use super::answers::{
    CheckpointParams, CheckpointParamsResponse, CheckpointResponse, DepthResponse, Empty, EpochResponse,
    HeaderInfo, TipResponse,
};
use super::{absent, ask, fixed, needed};
use crate::node::{ChainNode, NodeError};

/// The last Bitcoin block that the chain knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LightClientTip {
    /// Its height.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// How far a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckpointStatus {
    /// Validators still sign it.
    Accumulating,
    /// It may be sent to Bitcoin.
    Sealed,
    /// It is in Bitcoin.
    Submitted,
    /// It is `btc_confirmation_depth` deep.
    Confirmed,
    /// It is `checkpoint_finalization_timeout` deep.
    Finalized,
}

/// A checkpoint of an epoch, as validators have signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCheckpoint {
    /// The epoch.
    pub epoch: u64,
    /// The hash of its last block.
    pub block_hash: [u8; 32],
    /// Which validators have signed.
    pub bitmap: [u8; 13],
    /// Their BLS multi-signature.
    pub bls_multi_signature: [u8; 48],
    /// How far it is.
    pub status: CheckpointStatus,
}

#[derive(Clone, PartialEq, Message)]
struct EpochRequest {
    #[prost(uint64, tag = "1")]
    epoch_num: u64,
}

#[derive(Clone, PartialEq, Message)]
struct DepthRequest {
    #[prost(string, tag = "1")]
    hash: String,
}

fn asked_parameters(node: &dyn ChainNode) -> Result<CheckpointParams, NodeError> {
    let (method, path) = ("/babylon.btccheckpoint.v1.Query/Params", "/babylon/btccheckpoint/v1/params");
    let answer: CheckpointParamsResponse = ask(node, method, &Empty {}, path.to_owned())?;
    needed(answer.params, "params")
}

/// Returns the depths that the chain demands, `btc_confirmation_depth` and `checkpoint_finalization_timeout`.
///
/// # Errors
/// [`NodeError`].
pub fn checkpoint_parameters(node: &dyn ChainNode) -> Result<CheckpointParameters, NodeError> {
    let found = asked_parameters(node)?;
    let mut parameters = CheckpointParameters::MAINNET;
    parameters.confirmation_depth = found.btc_confirmation_depth;
    parameters.finalization_timeout = found.checkpoint_finalization_timeout;
    Ok(parameters)
}

/// Returns the four bytes that the chain's checkpoints in Bitcoin begin with.
///
/// # Errors
/// [`NodeError`].
pub fn checkpoint_tag(node: &dyn ChainNode) -> Result<[u8; 4], NodeError> {
    let tag = asked_parameters(node)?.checkpoint_tag;
    let mut bytes = [0; 4];
    hex::decode_to_slice(&tag, &mut bytes)
        .map_err(|_| NodeError::answer("checkpoint_tag is not 4 bytes in hex"))?;
    Ok(bytes)
}

/// Returns the last Bitcoin block that the chain knows.
///
/// # Errors
/// [`NodeError`].
pub fn light_client_tip(node: &dyn ChainNode) -> Result<LightClientTip, NodeError> {
    let (method, path) = ("/babylon.btclightclient.v1.Query/Tip", "/babylon/btclightclient/v1/tip");
    let answer: TipResponse = ask(node, method, &Empty {}, path.to_owned())?;
    let HeaderInfo { hash_hex, height, .. } = needed(answer.header, "header")?;
    let hash = hash_hex.parse().map_err(|_| NodeError::answer("hash_hex is not a block's hash"))?;
    Ok(LightClientTip { height, hash })
}

/// Returns the epoch that runs, and the height of its last block.
///
/// # Errors
/// [`NodeError`].
pub fn current_epoch(node: &dyn ChainNode) -> Result<(u64, u64), NodeError> {
    let (method, path) = ("/babylon.epoching.v1.Query/CurrentEpoch", "/babylon/epoching/v1/current_epoch");
    let answer: EpochResponse = ask(node, method, &Empty {}, path.to_owned())?;
    Ok((answer.current_epoch, answer.epoch_boundary))
}

/// Returns the checkpoint of an epoch; `None` where there is none, as of epoch 0 and of one that runs.
///
/// # Errors
/// [`NodeError`].
pub fn raw_checkpoint(node: &dyn ChainNode, epoch: u64) -> Result<Option<RawCheckpoint>, NodeError> {
    let path = format!("/babylon/checkpointing/v1/raw_checkpoint/{epoch}");
    let method = "/babylon.checkpointing.v1.Query/RawCheckpoint";
    let asked = ask::<CheckpointResponse>(node, method, &EpochRequest { epoch_num: epoch }, path);
    let asked = match asked {
        // The chain has a text of its own for it.
        Err(NodeError::Refused(refusal)) if refusal.log.contains("no raw checkpoint is found") => {
            return Ok(None);
        }
        asked => absent(asked)?,
    };
    let Some(answer) = asked else { return Ok(None) };
    let found = needed(answer.raw_checkpoint, "raw_checkpoint")?;
    let checkpoint = needed(found.ckpt, "ckpt")?;
    if checkpoint.epoch_num != epoch {
        return Err(NodeError::answer(format!("epoch {}; was asked for {epoch}", checkpoint.epoch_num)));
    }
    let mut block_hash = [0; 32];
    hex::decode_to_slice(&checkpoint.block_hash_hex, &mut block_hash)
        .map_err(|_| NodeError::answer("block_hash_hex is not 32 bytes in hex"))?;
    Ok(Some(RawCheckpoint {
        epoch,
        block_hash,
        bitmap: fixed(&checkpoint.bitmap, "bitmap")?,
        bls_multi_signature: fixed(&checkpoint.bls_multi_sig, "bls_multi_sig")?,
        status: status(&found.status_desc)?,
    }))
}

fn status(name: &str) -> Result<CheckpointStatus, NodeError> {
    use CheckpointStatus as S;
    match name.trim_start_matches("CKPT_STATUS_") {
        "ACCUMULATING" => Ok(S::Accumulating),
        "SEALED" => Ok(S::Sealed),
        "SUBMITTED" => Ok(S::Submitted),
        "CONFIRMED" => Ok(S::Confirmed),
        "FINALIZED" => Ok(S::Finalized),
        _ => Err(NodeError::answer(format!("the status {name:?} of a checkpoint is unknown"))),
    }
}

/// Returns how many Bitcoin blocks the chain's light client has above this one; `None` where it is in none of
/// its chain.
///
/// # Errors
/// [`NodeError`].
pub fn header_depth(node: &dyn ChainNode, block: BlockHash) -> Result<Option<u32>, NodeError> {
    let request = DepthRequest { hash: block.to_string() };
    let path = format!("/babylon/btclightclient/v1/depth/{block}");
    match ask::<DepthResponse>(node, "/babylon.btclightclient.v1.Query/HeaderDepth", &request, path) {
        // It refuses to say a depth of what it does not have.
        Err(NodeError::Refused(_)) => Ok(None),
        answer => Ok(Some(answer?.depth)),
    }
}
