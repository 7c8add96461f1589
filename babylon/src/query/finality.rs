//! The chain's finality: blocks, power, commitments, evidence.

use ::finality::{ConsumerHeight, Evidence, RandomnessCommitment, SigningContext, VoteMessage};
use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use prost::Message;

use super::answers::{
    self, BlockResponse, CommitmentsResponse, Empty, EvidenceResponse, EvidencesResponse, HeightResponse,
    PowerResponse,
};
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
struct ProviderRequest {
    #[prost(string, tag = "1")]
    fp_btc_pk_hex: String,
    #[prost(message, optional, tag = "2")]
    pagination: Option<PageRequest>,
}

#[derive(Clone, PartialEq, Message)]
struct EvidencesRequest {
    #[prost(uint64, tag = "1")]
    start_height: u64,
    #[prost(message, optional, tag = "2")]
    pagination: Option<PageRequest>,
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
    let mut all = pages(|key| {
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

/// Returns the first evidence against a provider; `None` where there is none.
///
/// # Errors
/// [`NodeError`]: also when the evidence proves nothing.
pub fn evidence(node: &dyn ChainNode, provider: &XOnlyPublicKey) -> Result<Option<Evidence>, NodeError> {
    let path = format!("/babylon/finality/v1/finality_providers/{provider}/evidence");
    let request = ProviderRequest { fp_btc_pk_hex: provider.to_string(), pagination: None };
    let method = "/babylon.finality.v1.Query/Evidence";
    match ask::<EvidenceResponse>(node, method, &request, path) {
        Err(NodeError::Refused(refusal)) if refusal.log.contains("there is no slashable evidence") => {
            Ok(None)
        }
        answer => absent(answer)?.map(|answer| read(&needed(answer.evidence, "evidence")?)).transpose(),
    }
}

/// Returns the evidence of every provider from a height on. The chain repeats some and hides others: of each
/// provider it shows the first alone, here once.
///
/// # Errors
/// [`NodeError`]: also when one proves nothing.
pub fn evidences(node: &dyn ChainNode, from: ConsumerHeight) -> Result<Vec<Evidence>, NodeError> {
    let mut all: Vec<Evidence> = pages(|key| {
        let start_height = from.to_u64();
        let page = page_parameters(&key);
        let path = format!("/babylon/finality/v1/evidences?start_height={start_height}&{page}");
        let request = EvidencesRequest { start_height, pagination: Some(PageRequest { key, limit: PAGE }) };
        let answer: EvidencesResponse =
            ask(node, "/babylon.finality.v1.Query/ListEvidences", &request, path)?;
        let read: Result<Vec<_>, NodeError> = answer.evidences.iter().map(read).collect();
        Ok((read?, answer.pagination))
    })?;
    all.sort_by_key(|evidence| (evidence.canonical.height(), evidence.public_key));
    all.dedup();
    Ok(all)
}

/// Reads evidence in JSON, as the chain prints it: of one provider, of several, or alone. What it repeats is
/// there once.
///
/// # Errors
/// [`NodeError::Answer`]: it has another form, or proves nothing.
pub fn evidence_from_json(text: &str) -> Result<Vec<Evidence>, NodeError> {
    #[derive(serde::Deserialize)]
    struct Any {
        evidence: Option<answers::Evidence>,
        evidences: Option<Vec<answers::Evidence>>,
        fp_btc_pk_hex: Option<String>,
    }
    let form = |error: serde_json::Error| NodeError::answer(error.to_string());
    let Any { evidence, evidences, fp_btc_pk_hex } = serde_json::from_str(text).map_err(form)?;
    let found = match (evidence, evidences, fp_btc_pk_hex) {
        (Some(one), None, None) => vec![one],
        (None, Some(all), None) => all,
        (None, None, Some(_)) => vec![serde_json::from_str(text).map_err(form)?],
        _ => return Err(NodeError::answer("it must have `evidence`, `evidences`, or the fields of one")),
    };
    let mut all = found.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    all.sort_by_key(|evidence| (evidence.canonical.height(), evidence.public_key));
    all.dedup();
    Ok(all)
}

fn read(found: &answers::Evidence) -> Result<Evidence, NodeError> {
    let key = || NodeError::answer("fp_btc_pk_hex is not a public key");
    let signature = |bytes: &[u8], what: &str| {
        let not = |_| NodeError::answer(format!("{what} is not below the group order"));
        Signature::from_bytes(fixed(bytes, what)?).map_err(not)
    };
    let height = ConsumerHeight(found.block_height);
    let message = |hash: &[u8], what: &str| -> Result<VoteMessage, NodeError> {
        Ok(VoteMessage::new(SigningContext::GENESIS, height, fixed(hash, what)?))
    };
    let evidence = Evidence {
        public_key: found.fp_btc_pk_hex.parse().map_err(|_| key())?,
        public_randomness: PublicRandomness::from_bytes(fixed(&found.pub_rand, "pub_rand")?),
        canonical: message(&found.canonical_app_hash, "canonical_app_hash")?,
        canonical_signature: signature(&found.canonical_finality_sig, "canonical_finality_sig")?,
        fork: message(&found.fork_app_hash, "fork_app_hash")?,
        fork_signature: signature(&found.fork_finality_sig, "fork_finality_sig")?,
    };
    evidence.verify().map_err(|error| NodeError::answer(format!("the evidence proves nothing: {error}")))?;
    Ok(evidence)
}

/// Returns evidence as the RPC answers it, of what a gateway answered.
#[cfg(test)]
pub(crate) fn reencoded_evidence(json: &str) -> Vec<u8> {
    serde_json::from_str::<EvidenceResponse>(json).unwrap_or_default().encode_to_vec()
}
