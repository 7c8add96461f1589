//! Questions to the chain's state, and their answers in the toolkit's own types.
//!
//! Each is asked over a node's RPC or its gateway alike. What is absent is `None`, and no error: an account
//! that was never paid, a stake that nobody registered.

mod account;
pub(crate) mod answers;
mod bitcoin;
mod evidence;
mod finality;
mod listed;
pub(crate) mod liveness;
mod power;
mod staking;
mod status;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ::finality::ConsumerHeight;
use prost::Message;
use serde::de::DeserializeOwned;

pub use self::account::{AccountNumbers, account, balance, gas};
#[cfg(feature = "testing")]
pub(crate) use self::account::{account_answer, balance_answer, gas_answer};
pub use self::bitcoin::{
    CheckpointStatus, LightClientTip, RawCheckpoint, checkpoint_parameters, checkpoint_tag, current_epoch,
    header_depth, light_client_tip, raw_checkpoint,
};
#[cfg(test)]
pub(crate) use self::evidence::reencoded_evidence;
pub use self::evidence::{ListedEvidence, evidence, evidence_from_json, evidence_page, evidences};
pub use self::finality::{
    ChainBlock, CommittedRandomness, activated_height, commitments, finality_block, power_at,
};
pub use self::listed::{ListedStake, delegation_page, delegations_each, listed_delegation};
pub use self::liveness::{
    FinalityParameters, SigningInfo, finality_parameters, last_final_height, last_finalized_epoch,
    signing_info, votes_at,
};
pub use self::power::{ActiveProvider, active_providers};
pub use self::staking::{
    FinalityProvider, delegation, delegations, finality_provider, finality_providers, parameters,
};
pub use self::status::DelegationStatus;
use crate::node::{
    Answer, BlockHeader, ChainNode, Executed, FoundPage, FoundTransaction, NodeError, NodeStatus,
    PAGE_TRANSACTIONS, Query, RefusalKind, Search,
};

/// How many entries are asked for in a page: the chain gives no more.
const PAGE: u64 = 100;
/// How many pages are asked for, at most: a node that never ends is left.
const MOST_PAGES: usize = 10_000;
/// And how long all of them may take.
const MOST_TIME: Duration = Duration::from_secs(300);
/// And how many bytes all of them may have: as much as ten thousands of stakes.
const MOST_BYTES: usize = 1 << 30;

/// How many transactions are looked for, at most.
const MOST_FOUND: usize = 100_000;

/// A request for a page.
#[derive(Clone, PartialEq, Message)]
struct PageRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(uint64, tag = "3")]
    limit: u64,
}

/// Asks, and reads the answer.
fn ask<T: Message + Default + DeserializeOwned>(
    node: &dyn ChainNode,
    method: &'static str,
    request: &impl Message,
    path: String,
) -> Result<T, NodeError> {
    let query = Query { method, request: request.encode_to_vec(), path, post: None };
    read(node.query(&query)?)
}

fn read<T: Message + Default + DeserializeOwned>(answer: Answer) -> Result<T, NodeError> {
    match answer {
        Answer::Protobuf(bytes) => {
            T::decode(bytes.as_slice()).map_err(|error| NodeError::answer(error.to_string()))
        }
        Answer::Json(text) => {
            serde_json::from_str(&text).map_err(|error| NodeError::answer(error.to_string()))
        }
    }
}

/// Makes the refusal of what is not there an answer of nothing.
fn absent<T>(asked: Result<T, NodeError>) -> Result<Option<T>, NodeError> {
    match asked {
        Err(NodeError::Refused(refusal)) if refusal.kind() == RefusalKind::NotFound => Ok(None),
        asked => asked.map(Some),
    }
}

fn needed<T>(part: Option<T>, what: &str) -> Result<T, NodeError> {
    part.ok_or_else(|| NodeError::answer(format!("{what} is absent")))
}

fn fixed<const N: usize>(bytes: &[u8], what: &str) -> Result<[u8; N], NodeError> {
    let length = || NodeError::answer(format!("{what} has {} bytes; must have {N}", bytes.len()));
    bytes.try_into().map_err(|_| length())
}

/// The key of a page in a gateway's path.
fn page_parameters(key: &[u8]) -> String {
    use base64::Engine as _;
    if key.is_empty() {
        return format!("pagination.limit={PAGE}");
    }
    // Of the alphabet of base64, these mean something else in a path.
    let text = base64::prelude::BASE64_STANDARD.encode(key);
    let text = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    format!("pagination.limit={PAGE}&pagination.key={text}")
}

/// A node whose answers are counted, so that one that never ends is left.
#[derive(Debug)]
struct Counted<'a> {
    node: &'a dyn ChainNode,
    bytes: AtomicUsize,
}

impl ChainNode for Counted<'_> {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        self.node.status()
    }

    fn header(&self, height: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        self.node.header(height)
    }

    fn query(&self, query: &Query) -> Result<Answer, NodeError> {
        let answer = self.node.query(query)?;
        let length = match &answer {
            Answer::Protobuf(bytes) => bytes.len(),
            Answer::Json(text) => text.len(),
        };
        let before = self.bytes.fetch_add(length, Ordering::Relaxed);
        match before.saturating_add(length) > MOST_BYTES {
            true => Err(NodeError::answer(format!("its pages have more than {MOST_BYTES} bytes"))),
            false => Ok(answer),
        }
    }

    fn broadcast(&self, transaction: &[u8]) -> Result<(), NodeError> {
        self.node.broadcast(transaction)
    }

    fn executed(&self, hash: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        self.node.executed(hash)
    }
}

/// Returns all transactions that a search finds, the oldest first, executed or refused.
///
/// # Errors
/// [`NodeError`]; [`NodeError::NoIndex`] of a node that keeps no index.
pub fn transactions(node: &dyn ChainNode, search: &Search) -> Result<Vec<FoundTransaction>, NodeError> {
    let (mut all, mut seen, mut bytes, mut least) = (Vec::new(), BTreeSet::new(), 0_usize, 0);
    for page in 1.. {
        let FoundPage { transactions, total } = node.search(search, page)?;
        // Another node was asked, or this one pruned meanwhile: some would be missing without a word.
        if total < least {
            return Err(NodeError::answer(format!("{total} transactions; there were {least} before")));
        }
        least = total;
        bytes = transactions.iter().map(FoundTransaction::size).fold(bytes, usize::saturating_add);
        if bytes > MOST_BYTES {
            return Err(NodeError::answer(format!("its pages have more than {MOST_BYTES} bytes")));
        }
        let is_last = transactions.len() < usize::try_from(PAGE_TRANSACTIONS).unwrap_or(usize::MAX);
        let before = seen.len();
        // A page may move on while others are asked for.
        all.extend(transactions.into_iter().filter(|found| seen.insert(found.hash)));
        if u64::try_from(all.len()).is_ok_and(|found| found >= total) {
            return Ok(all);
        }
        if is_last {
            return Err(NodeError::answer(format!("{} transactions; must have {total}", all.len())));
        }
        if seen.len() == before {
            return Err(NodeError::answer("it gives the same page again and again"));
        }
        if all.len() > MOST_FOUND {
            break;
        }
    }
    Err(NodeError::answer(format!("more than {MOST_FOUND} transactions; must be looked for in parts")))
}

/// The entries of a page, and what it says of the next.
type Page<T> = (Vec<T>, Option<answers::PageResponse>);

/// A page of a list.
#[derive(Debug)]
pub struct ListedPage<T> {
    /// What is on it.
    pub entries: Vec<T>,
    /// The key of the next page; `None` where this is the last one.
    pub next: Option<Vec<u8>>,
}

impl<T> ListedPage<T> {
    /// Returns the page that was asked for with this key.
    fn after(key: &[u8], (entries, page): Page<T>) -> Result<Self, NodeError> {
        let next = Some(page.unwrap_or_default().next_key).filter(|next| !next.is_empty());
        if next.as_deref() == Some(key) {
            return Err(NodeError::answer("it gives the same page again and again"));
        }
        Ok(Self { entries, next })
    }
}

/// Asks for page after page, each with the key that the one before it gave.
fn pages<T>(
    node: &dyn ChainNode,
    mut ask: impl FnMut(&dyn ChainNode, Vec<u8>) -> Result<Page<T>, NodeError>,
) -> Result<Vec<T>, NodeError> {
    let node = Counted { node, bytes: AtomicUsize::new(0) };
    let (mut all, mut key) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    for _ in 0..MOST_PAGES {
        if begun.elapsed() > MOST_TIME {
            return Err(NodeError::answer(format!(
                "its pages take more than {} seconds",
                MOST_TIME.as_secs()
            )));
        }
        let (entries, page) = ask(&node, key.clone())?;
        all.extend(entries);
        let next = page.unwrap_or_default().next_key;
        if next.is_empty() {
            return Ok(all);
        }
        if next == key {
            return Err(NodeError::answer("it gives the same page again and again"));
        }
        key = next;
    }
    Err(NodeError::answer(format!("more than {MOST_PAGES} pages")))
}
