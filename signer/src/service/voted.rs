//! Votes beside the chain's own node, which says what is voted for.

use std::sync::Arc;

use finality::{ConsumerHeight, VoteMessage};
use tokio::sync::Semaphore;

use super::{ServedChain, ServiceError, SignerService, blocking};
use crate::auth::Client;
use crate::node::{ChainNode, NodeError};
use crate::session::ProtectedSigner;

/// How many questions a node is asked at one time.
const AT_ONCE: usize = 8;

/// A chain's own node, of which few ask at one time.
#[derive(Debug)]
pub struct AskedNode {
    node: Box<dyn ChainNode>,
    places: Semaphore,
}

impl AskedNode {
    /// Returns a node to be asked.
    pub fn new(node: Box<dyn ChainNode>) -> Self {
        Self { node, places: Semaphore::new(AT_ONCE) }
    }

    /// Returns the node.
    pub fn node(&self) -> &dyn ChainNode {
        &*self.node
    }
}

impl SignerService {
    /// Checks that votes are for what the chain's own node has at their heights, where there is one.
    pub(super) async fn check_voted(
        &self,
        client: &Client,
        chain: &ServedChain,
        session: &Arc<ProtectedSigner>,
        votes: Vec<VoteMessage>,
    ) -> Result<(), ServiceError> {
        let Some(asked) = &chain.node else { return Ok(()) };
        // It is never closed.
        let place = asked.places.acquire().await;
        let (asked, asking) = (asked.clone(), session.clone());
        let checked = blocking(move || check_all(&asked, &asking, &votes)).await;
        drop(place);
        let rule = match &checked {
            Err(ServiceError::OtherHash { .. }) => "other_hash",
            Err(ServiceError::Node(NodeError::Absent { .. })) => "no_block_yet",
            _ => "node_failed",
        };
        self.ruled(client, session.lane(), rule, checked)
    }
}

/// Checks votes, on a few threads where there are many.
fn check_all(
    asked: &AskedNode,
    session: &ProtectedSigner,
    votes: &[VoteMessage],
) -> Result<(), ServiceError> {
    let part = votes.len().div_ceil(AT_ONCE).max(1);
    std::thread::scope(|scope| {
        let check = |part: &'_ [VoteMessage]| part.iter().try_for_each(|vote| check(asked, session, vote));
        let mut parts = votes.chunks(part);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> = parts.map(|part| scope.spawn(move || check(part))).collect();
        let mut checked = check(first);
        for other in others {
            let other = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            checked = checked.and(other);
        }
        checked
    })
}

fn check(asked: &AskedNode, session: &ProtectedSigner, vote: &VoteMessage) -> Result<(), ServiceError> {
    let height = vote.height();
    let refused = match asked.node.voted_hash(height) {
        Ok(hash) if hash == *vote.block_hash() => return Ok(()),
        Ok(hash) => other_hash(height, vote.block_hash(), &hash),
        Err(error) => ServiceError::Node(error),
    };
    // What was signed is answered again, or contradicted, whatever the node says by now.
    if session.has_record(height)? { Ok(()) } else { Err(refused) }
}

fn other_hash(height: ConsumerHeight, found: &[u8; 32], expected: &[u8; 32]) -> ServiceError {
    let [found, expected] = [found, expected].map(hex::encode);
    ServiceError::OtherHash { height: height.to_u64(), found, expected }
}
