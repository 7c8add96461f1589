//! Votes beside the chain's own node, which says what is voted for.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use endpoint::EndpointError;
use finality::{ConsumerHeight, VoteMessage};
use tokio::sync::Semaphore;

use super::{Cancel, ServedChain, ServiceError, SignerService, blocking};
use crate::auth::Client;
use crate::node::{ChainNode, NodeError};
use crate::session::ProtectedSigner;

/// How many requests ask a node at one time, and on how many threads each.
const AT_ONCE: usize = 4;
const THREADS: usize = 4;
/// How many requests wait for that. Others are refused at once.
const MOST_WAITING: usize = 64;
/// How long a request waits and asks; a question that is asked by then is waited for.
const WITHIN: Duration = Duration::from_secs(10);
/// How long a node that did not answer in this time is not asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// A chain's own node, of which few ask at one time.
#[derive(Debug)]
pub struct AskedNode {
    node: Box<dyn ChainNode>,
    places: Arc<Semaphore>,
    queue: Semaphore,
    failed: Mutex<Option<Instant>>,
}

impl AskedNode {
    /// Returns a node to be asked.
    pub fn new(node: Box<dyn ChainNode>) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { node, places, queue: Semaphore::new(MOST_WAITING), failed: Mutex::default() }
    }

    /// Returns the node.
    pub fn node(&self) -> &dyn ChainNode {
        &*self.node
    }

    /// Whether it has just failed to answer.
    fn pauses(&self) -> bool {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_some_and(|failed| failed.elapsed() < PAUSE)
    }

    fn ask(&self, vote: &VoteMessage) -> Result<(), ServiceError> {
        if self.pauses() {
            return Err(ServiceError::NodeBusy);
        }
        let (height, begun) = (vote.height(), Instant::now());
        let answer = self.node.voted_hash(height);
        if matches!(answer, Err(NodeError::Endpoint(EndpointError::Connection { .. })))
            && begun.elapsed() > PAUSE
        {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
        match answer? {
            hash if hash == *vote.block_hash() => Ok(()),
            hash => Err(other_hash(height, vote.block_hash(), &hash)),
        }
    }
}

impl From<NodeError> for ServiceError {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}

impl SignerService {
    /// Checks that votes are for what the chain's own node has at their heights, where there is one. What was
    /// signed before needs no check: it is answered again, or contradicted, whatever the node says by now.
    pub(super) async fn check_voted(
        &self,
        client: &Client,
        chain: &ServedChain,
        session: &Arc<ProtectedSigner>,
        votes: Vec<VoteMessage>,
    ) -> Result<(), ServiceError> {
        let Some(asked) = &chain.node else { return Ok(()) };
        let checked = check_all(client, asked, session, votes).await;
        let rule = match &checked {
            Ok(()) | Err(ServiceError::Session(_) | ServiceError::Stopped) => return checked,
            Err(ServiceError::OtherHash { .. }) => "other_hash",
            Err(ServiceError::Node(NodeError::Absent { .. })) => "no_block_yet",
            Err(_) => "node_failed",
        };
        self.ruled(client, session.lane(), rule, checked)
    }
}

/// Checks votes when it is their turn, within bounds of time.
async fn check_all(
    client: &Client,
    asked: &Arc<AskedNode>,
    session: &Arc<ProtectedSigner>,
    votes: Vec<VoteMessage>,
) -> Result<(), ServiceError> {
    let begun = Instant::now();
    let deadline = begun.checked_add(WITHIN).unwrap_or(begun);
    // Stops the work when the request is dropped.
    let cancel = Cancel::default();
    let stop = cancel.flag();
    let place = match asked.queue.try_acquire() {
        Ok(_waiting) if !asked.pauses() => {
            let places = async {
                let own = client.take_question().await;
                Some((own?, asked.places.clone().acquire_owned().await.ok()?))
            };
            tokio::time::timeout_at(deadline.into(), places).await.ok().flatten()
        }
        _ => None,
    };
    let (asked, session) = (asked.clone(), session.clone());
    blocking(move || {
        // Kept until the work has ended, whoever has gone meanwhile.
        let must_end = move || place.is_none() || stop.load(Ordering::Relaxed) || Instant::now() >= deadline;
        let check = |votes: &[VoteMessage]| {
            votes.iter().try_for_each(|vote| check_one(&asked, &session, vote, &must_end))
        };
        on_threads(&votes, &check)
    })
    .await
}

/// Checks parts of the votes on a few threads, where there are many.
fn on_threads(
    votes: &[VoteMessage],
    check: &(dyn Fn(&[VoteMessage]) -> Result<(), ServiceError> + Sync),
) -> Result<(), ServiceError> {
    std::thread::scope(|scope| {
        let mut parts = votes.chunks(votes.len().div_ceil(THREADS).max(1));
        let (first, mut checked) = (parts.next().unwrap_or_default(), Ok(()));
        let mut others = Vec::with_capacity(THREADS);
        for part in parts {
            // Where the system has no thread to give, this one does it.
            match std::thread::Builder::new().spawn_scoped(scope, move || check(part)) {
                Ok(other) => others.push(other),
                Err(_) => checked = checked.and_then(|()| check(part)),
            }
        }
        checked = checked.and_then(|()| check(first));
        for other in others {
            checked = checked.and(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        checked
    })
}

fn check_one(
    asked: &AskedNode,
    session: &ProtectedSigner,
    vote: &VoteMessage,
    must_end: &dyn Fn() -> bool,
) -> Result<(), ServiceError> {
    let asked = if must_end() { Err(ServiceError::NodeBusy) } else { asked.ask(vote) };
    let Err(refused) = asked else { return Ok(()) };
    if session.has_record(vote.height())? { Ok(()) } else { Err(refused) }
}

fn other_hash(height: ConsumerHeight, found: &[u8; 32], expected: &[u8; 32]) -> ServiceError {
    let [found, expected] = [found, expected].map(hex::encode);
    ServiceError::OtherHash { height: height.to_u64(), found, expected }
}
