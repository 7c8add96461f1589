//! Evidence of equivocation: what the chain answers, and what it and contracts print.

use ::finality::{ConsumerHeight, Evidence, SigningContext, VoteMessage};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use prost::Message;
use serde_json::{Map, Value};

use super::answers::{self, EvidenceResponse, EvidencesResponse};
use super::finality::ProviderRequest;
use super::{ListedPage, PAGE, Page, PageRequest, absent, ask, fixed, needed, page_parameters, pages};
use crate::node::{ChainNode, NodeError};

#[derive(Clone, PartialEq, Message)]
struct EvidencesRequest {
    #[prost(uint64, tag = "1")]
    start_height: u64,
    #[prost(message, optional, tag = "2")]
    pagination: Option<PageRequest>,
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
        answer => {
            let Some(answer) = absent(answer)? else { return Ok(None) };
            let evidence = read(&needed(answer.evidence, "evidence")?)?;
            match evidence.public_key == *provider {
                true => Ok(Some(evidence)),
                false => Err(NodeError::answer(format!(
                    "evidence against {}; was asked for {provider}",
                    evidence.public_key
                ))),
            }
        }
    }
}

/// Returns the evidence of every provider from a height on. The chain repeats some and hides others: of each
/// provider it shows the first alone, here once.
///
/// # Errors
/// [`NodeError`]: also when one proves nothing.
pub fn evidences(node: &dyn ChainNode, from: ConsumerHeight) -> Result<Vec<Evidence>, NodeError> {
    let mut all: Vec<Evidence> = pages(node, |node, key| {
        let (listed, end) = evidences_page(node, from, key)?;
        let read: Result<Vec<_>, NodeError> = listed.into_iter().map(|listed| listed.evidence).collect();
        Ok((read?, end))
    })?;
    all.sort_by_key(|evidence| (evidence.canonical.height(), evidence.public_key));
    all.dedup();
    Ok(all)
}

/// An entry of the chain's list of evidence.
#[derive(Debug)]
pub struct ListedEvidence {
    /// The key that it accuses, as it is written.
    pub provider: String,
    /// The evidence, or why it proves nothing.
    pub evidence: Result<Evidence, NodeError>,
}

/// Returns one page of the evidence from a height on, each for itself: the first for an empty key, and each
/// next one for the key that the one before it gave.
///
/// # Errors
/// [`NodeError`] of a page as a whole.
pub fn evidence_page(
    node: &dyn ChainNode,
    from: ConsumerHeight,
    key: &[u8],
) -> Result<ListedPage<ListedEvidence>, NodeError> {
    ListedPage::after(key, evidences_page(node, from, key.to_owned())?)
}

fn evidences_page(
    node: &dyn ChainNode,
    from: ConsumerHeight,
    key: Vec<u8>,
) -> Result<Page<ListedEvidence>, NodeError> {
    let start_height = from.to_u64();
    let page = page_parameters(&key);
    let path = format!("/babylon/finality/v1/evidences?start_height={start_height}&{page}");
    let request = EvidencesRequest { start_height, pagination: Some(PageRequest { key, limit: PAGE }) };
    let answer: EvidencesResponse = ask(node, "/babylon.finality.v1.Query/ListEvidences", &request, path)?;
    let listed = |found: &answers::Evidence| ListedEvidence {
        provider: found.fp_btc_pk_hex.clone(),
        evidence: read(found),
    };
    Ok((answer.evidences.iter().map(listed).collect(), answer.pagination))
}

/// Reads evidence in JSON, of one provider, of several, or alone, as it is printed
/// - by the chain, for itself, in an answer or in an event;
/// - by the finality contract of a Cosmos chain, whose bytes are lists of numbers, and which does not say in
///   which context its votes are signed: that is `context`;
/// - by the finality contract of a rollup in its message to the chain (`MsgEquivocationEvidence`), which is
///   in hex and says its context;
/// - by this toolkit.
///
/// What is repeated is there once.
///
/// # Errors
/// [`NodeError::Answer`]: it has another form or another context, or proves nothing.
pub fn evidence_from_json(text: &str, context: Option<SigningContext>) -> Result<Vec<Evidence>, NodeError> {
    let whole: Value = serde_json::from_str(text).map_err(|error| NodeError::answer(error.to_string()))?;
    // The answer of a contract, as the gateway has it.
    let whole = whole.get("data").unwrap_or(&whole);
    let is_one = whole.get("block_height").is_some() || whole.get("canonical").is_some();
    let found = match (whole.get("evidence"), whole.get("evidences").and_then(Value::as_array)) {
        (Some(Value::Array(all)), None) => all.iter().collect(),
        (Some(Value::Null), None) => return Err(NodeError::answer("there is no evidence in it")),
        (Some(one), None) => vec![one],
        (None, Some(all)) => all.iter().collect(),
        (None, None) if is_one => vec![whole],
        _ => return Err(NodeError::answer("it must have `evidence`, `evidences`, or the fields of one")),
    };
    let mut all = found.into_iter().map(|one| printed(one, context)).collect::<Result<Vec<_>, _>>()?;
    all.sort_by_key(|evidence| (evidence.canonical.height(), evidence.public_key));
    all.dedup();
    Ok(all)
}

fn printed(found: &Value, given: Option<SigningContext>) -> Result<Evidence, NodeError> {
    let record = found.as_object().ok_or_else(|| NodeError::answer("evidence is no object"))?;
    if record.contains_key("canonical") {
        return own(found, given);
    }
    let said = match record.get("signing_context") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(other) => {
            let context = other.as_str().unwrap_or_default().parse();
            Some(context.map_err(|error| NodeError::answer(format!("signing_context: {error}")))?)
        }
    };
    if let (Some(said), Some(given)) = (said, given)
        && said != given
    {
        return Err(NodeError::answer(format!(
            "the evidence is in the signing context {said}; must be in {given}"
        )));
    }
    let context = said.or(given).unwrap_or(SigningContext::GENESIS);
    let height = match record.get("block_height") {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    };
    let parts = answers::Evidence {
        fp_btc_pk_hex: provider_key(record)?,
        block_height: height.ok_or_else(|| NodeError::answer("block_height is no height"))?,
        pub_rand: bytes(record, "pub_rand")?,
        canonical_app_hash: bytes(record, "canonical_app_hash")?,
        fork_app_hash: bytes(record, "fork_app_hash")?,
        canonical_finality_sig: bytes(record, "canonical_finality_sig")?,
        fork_finality_sig: bytes(record, "fork_finality_sig")?,
    };
    verified(&parts, context)
}

/// Reads evidence as this toolkit writes it.
fn own(found: &Value, given: Option<SigningContext>) -> Result<Evidence, NodeError> {
    let evidence: Evidence =
        serde_json::from_value(found.clone()).map_err(|error| NodeError::answer(error.to_string()))?;
    let said = *evidence.canonical.context();
    match given.filter(|given| *given != said) {
        Some(given) => Err(NodeError::answer(format!(
            "the evidence is in the signing context {said}; must be in {given}"
        ))),
        None => proven(evidence),
    }
}

/// Returns the provider's key in hex. The chain's events have it in hex under the name of its bytes, beside
/// randomness and signatures in base64; 32 bytes never have 64 digits there.
fn provider_key(record: &Map<String, Value>) -> Result<String, NodeError> {
    match record.get("fp_btc_pk").and_then(Value::as_str) {
        Some(digits) if digits.len() == 64 => Ok(digits.to_owned()),
        _ => Ok(hex::encode(bytes(record, "fp_btc_pk")?)),
    }
}

/// Returns bytes in hex, in base64, or as a list of numbers.
fn bytes(record: &Map<String, Value>, name: &str) -> Result<Vec<u8>, NodeError> {
    let form = || NodeError::answer(format!("{name} is no bytes in hex or base64, and no list of them"));
    if let Some(text) = record.get(&format!("{name}_hex")) {
        return hex::decode(text.as_str().ok_or_else(form)?).map_err(|_| form());
    }
    match record.get(name) {
        Some(Value::String(text)) => BASE64_STANDARD.decode(text).map_err(|_| form()),
        Some(Value::Array(numbers)) => numbers
            .iter()
            .map(|number| number.as_u64().and_then(|number| u8::try_from(number).ok()).ok_or_else(form))
            .collect(),
        _ => Err(form()),
    }
}

fn read(found: &answers::Evidence) -> Result<Evidence, NodeError> {
    verified(found, SigningContext::GENESIS)
}

fn verified(found: &answers::Evidence, context: SigningContext) -> Result<Evidence, NodeError> {
    let key = || NodeError::answer("fp_btc_pk_hex is not a public key");
    let signature = |bytes: &[u8], what: &str| {
        let not = |_| NodeError::answer(format!("{what} is not below the group order"));
        Signature::from_bytes(fixed(bytes, what)?).map_err(not)
    };
    let height = ConsumerHeight(found.block_height);
    let message = |hash: &[u8], what: &str| -> Result<VoteMessage, NodeError> {
        Ok(VoteMessage::new(context, height, fixed(hash, what)?))
    };
    let evidence = Evidence {
        public_key: found.fp_btc_pk_hex.parse().map_err(|_| key())?,
        public_randomness: PublicRandomness::from_bytes(fixed(&found.pub_rand, "pub_rand")?),
        canonical: message(&found.canonical_app_hash, "canonical_app_hash")?,
        canonical_signature: signature(&found.canonical_finality_sig, "canonical_finality_sig")?,
        fork: message(&found.fork_app_hash, "fork_app_hash")?,
        fork_signature: signature(&found.fork_finality_sig, "fork_finality_sig")?,
    };
    proven(evidence)
}

/// Refuses what proves nothing.
fn proven(evidence: Evidence) -> Result<Evidence, NodeError> {
    evidence.verify().map_err(|error| NodeError::answer(format!("the evidence proves nothing: {error}")))?;
    Ok(evidence)
}

/// Returns evidence as the RPC answers it, of what a gateway answered.
#[cfg(test)]
pub(crate) fn reencoded_evidence(json: &str) -> Vec<u8> {
    serde_json::from_str::<EvidenceResponse>(json).unwrap_or_default().encode_to_vec()
}
