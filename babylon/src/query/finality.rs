//! The chain's finality: blocks, power, commitments.

use ::finality::{ConsumerHeight, RandomnessCommitment};
use eots::XOnlyPublicKey;
use prost::Message;

use super::answers::{BlockResponse, CommitmentsResponse, Empty, HeightResponse, PowerResponse};
use super::{PAGE, PageRequest, absent, ask, fixed, needed, page_parameters, pages};
use crate::node::{ChainNode, NodeError};

/// A block, as the finality module has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainBlock {
    /// Its height.
    pub height: ConsumerHeight,
    /// The AppHash, which votes are over.
    pub app_hash: [u8; 32],
    /// Whether more than two thirds of the power have voted for it.
    pub is_final: bool,
}

/// A commitment that the chain has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommittedRandomness {
    /// The commitment.
    pub commitment: RandomnessCommitment,
    /// The epoch in which it was sent: it counts when that one is finalized.
    pub epoch: u64,
}

#[derive(Clone, PartialEq, Message)]
struct HeightRequest {
    #[prost(uint64, tag = "1")]
    height: u64,
}

#[derive(Clone, PartialEq, Message)]
struct ProviderHeightRequest {
    #[prost(string, tag = "1")]
    fp_btc_pk_hex: String,
    #[prost(uint64, tag = "2")]
    height: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ProviderRequest {
    #[prost(string, tag = "1")]
    pub(super) fp_btc_pk_hex: String,
    #[prost(message, optional, tag = "2")]
    pub(super) pagination: Option<PageRequest>,
}

/// Returns a block as the finality module has it; `None` where it has none of this height.
///
/// # Errors
/// [`NodeError`].
pub fn finality_block(node: &dyn ChainNode, height: ConsumerHeight) -> Result<Option<ChainBlock>, NodeError> {
    let asked = height.to_u64();
    let path = format!("/babylon/finality/v1/blocks/{asked}");
    let method = "/babylon.finality.v1.Query/Block";
    let answer = absent(ask::<BlockResponse>(node, method, &HeightRequest { height: asked }, path))?;
    let Some(answer) = answer else { return Ok(None) };
    let block = needed(answer.block, "block")?;
    if block.height != asked {
        return Err(NodeError::answer(format!("a block of height {}; was asked for {asked}", block.height)));
    }
    let app_hash = fixed(&block.app_hash, "app_hash")?;
    Ok(Some(ChainBlock { height, app_hash, is_final: block.finalized }))
}

/// Returns the first height that is voted on; `None` while no provider has power.
///
/// # Errors
/// [`NodeError`].
pub fn activated_height(node: &dyn ChainNode) -> Result<Option<ConsumerHeight>, NodeError> {
    let (method, path) =
        ("/babylon.finality.v1.Query/ActivatedHeight", "/babylon/finality/v1/activated_height");
    match ask::<HeightResponse>(node, method, &Empty {}, path.to_owned()) {
        Err(NodeError::Refused(refusal)) if refusal.log.contains("not activated") => Ok(None),
        answer => Ok(Some(ConsumerHeight(answer?.height))),
    }
}

/// Returns a provider's power at a height, in satoshis; 0 also where nobody has any.
///
/// # Errors
/// [`NodeError`].
pub fn power_at(
    node: &dyn ChainNode,
    provider: &XOnlyPublicKey,
    height: ConsumerHeight,
) -> Result<u64, NodeError> {
    let height = height.to_u64();
    let path = format!("/babylon/finality/v1/finality_providers/{provider}/power/{height}");
    let request = ProviderHeightRequest { fp_btc_pk_hex: provider.to_string(), height };
    let method = "/babylon.finality.v1.Query/FinalityProviderPowerAtHeight";
    match ask::<PowerResponse>(node, method, &request, path) {
        // The chain says so at a height at which nobody has power.
        Err(NodeError::Refused(refusal))
            if refusal.log.contains("voting power table has not been updated") =>
        {
            Ok(0)
        }
        answer => Ok(answer?.voting_power),
    }
}

/// Returns every commitment of a provider, by its first height.
///
/// # Errors
/// [`NodeError`].
pub fn commitments(
    node: &dyn ChainNode,
    provider: &XOnlyPublicKey,
) -> Result<Vec<CommittedRandomness>, NodeError> {
    let mut all = pages(node, |node, key| {
        let page = page_parameters(&key);
        let path = format!("/babylon/finality/v1/finality_providers/{provider}/pub_rand_commit_list?{page}");
        let pagination = Some(PageRequest { key, limit: PAGE });
        let request = ProviderRequest { fp_btc_pk_hex: provider.to_string(), pagination };
        let method = "/babylon.finality.v1.Query/ListPubRandCommit";
        let answer: CommitmentsResponse = ask(node, method, &request, path)?;
        let read = answer.pub_rand_commit_map.into_iter().map(|(start, found)| {
            let root = fixed(&found.commitment, "commitment")?;
            let commitment =
                RandomnessCommitment { start_height: ConsumerHeight(start), count: found.num_pub_rand, root };
            Ok(CommittedRandomness { commitment, epoch: found.epoch_num })
        });
        Ok((read.collect::<Result<Vec<_>, NodeError>>()?, answer.pagination))
    })?;
    all.sort_by_key(|found| found.commitment.start_height);
    Ok(all)
}
