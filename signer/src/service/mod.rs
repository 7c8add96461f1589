//! What the signer does for its clients, whatever interface they come through: permissions, limits, keys
//! that are locked and unlocked, votes, lists of randomness, commitments.

mod commitments;
mod digests;
mod error;
mod events;
mod keys;
mod lists;
mod locks;
mod operation;
mod voted;
mod votes;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eots::XOnlyPublicKey;
use finality::SignerChain;
use tokio::sync::Semaphore;

pub use self::commitments::ProvenVote;
use self::commitments::Trees;
use self::digests::ServedDigests;
pub use self::error::ServiceError;
pub use self::events::{Event, Observer};
use self::keys::{Key, Sessions};
pub use self::keys::{KeySource, UnlockFailure};
pub use self::lists::MOST_IN_LIST;
pub use self::operation::{KeyStatus, LaneStatus};
pub use self::voted::AskedNode;
pub use self::votes::{MOST_IN_BATCH, SignedVote};
use crate::auth::{Client, Clock, Operation, RateLimit};
use crate::protection::{Lane, Outcome, SqliteStore, Store, StoreError, VoteRequest};
use crate::session::{ProtectedSigner, RandomnessAhead, VoteRules};

/// How many backups are made in a minute.
const MOST_BACKUPS: u32 = 4;

/// A chain that votes are signed on.
#[derive(Debug, Clone)]
pub struct ServedChain {
    /// Its id, and its signing contexts.
    pub chain: SignerChain,
    /// The rules of its votes.
    pub rules: VoteRules,
    /// How many votes each key signs in a minute, over time.
    pub votes_per_minute: u32,
    /// How many at once.
    pub votes_at_once: u32,
    /// Whether messages that are no votes are signed: dangerous.
    pub sign_any_message: bool,
    /// The chain's own node: votes are for what it has alone.
    pub node: Option<Arc<AskedNode>>,
}

/// What a service is made of.
pub struct Parts {
    /// The signing database.
    pub store: Arc<dyn Store>,
    /// The names and public keys that are served, all of them locked.
    pub keys: Vec<(String, XOnlyPublicKey)>,
    /// Where a key comes from when it is unlocked.
    pub key_source: Arc<dyn KeySource>,
    /// The chains.
    pub chains: Vec<ServedChain>,
    /// Who copies the signing database; `None` where that is the database's own affair.
    pub back_up: Option<Arc<SqliteStore>>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Who is told what happens.
    pub observer: Arc<dyn Observer>,
    /// The thread that derives randomness ahead.
    pub ahead: Option<RandomnessAhead>,
    /// How many threads derive a list.
    pub threads: NonZeroUsize,
}

/// The service.
pub struct SignerService {
    store: Arc<dyn Store>,
    keys: BTreeMap<XOnlyPublicKey, Key>,
    key_source: Arc<dyn KeySource>,
    chains: BTreeMap<Vec<u8>, ServedChain>,
    back_up: Option<Arc<SqliteStore>>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    ahead: Option<RandomnessAhead>,
    threads: NonZeroUsize,
    digests: ServedDigests,
    trees: Trees,
    /// Whether the last transaction of votes failed.
    is_failing: AtomicBool,
    /// One list is derived at a time, on all threads.
    deriving: Arc<Semaphore>,
    /// One passphrase is tried at a time: it takes a second, and memory.
    unlocking: tokio::sync::Mutex<()>,
    /// Few wait for it.
    waiting: Semaphore,
    /// Each copy takes room on the disk.
    backups: RateLimit,
    /// One copy is made at a time: each has a name of its own.
    copying: Arc<Semaphore>,
}

impl std::fmt::Debug for SignerService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let chains: Vec<_> = self.chains.values().map(|chain| &chain.chain.chain_id).collect();
        f.debug_struct("SignerService").field("keys", &self.keys).field("chains", &chains).finish()
    }
}

impl SignerService {
    /// Returns a service whose keys are all locked.
    pub fn new(parts: Parts) -> Self {
        let chains: BTreeMap<_, _> = parts
            .chains
            .into_iter()
            .map(|chain| (chain.chain.chain_id.clone().into_bytes(), chain))
            .collect();
        let minute = std::time::Duration::from_secs(60);
        let keys = parts.keys.into_iter().map(|(name, public_key)| {
            let limit =
                |chain: &ServedChain| RateLimit::new(chain.votes_per_minute, minute, chain.votes_at_once);
            let rates = chains.iter().map(|(id, chain)| (id.clone(), limit(chain))).collect();
            (public_key, Key::new(name, public_key, rates))
        });
        Self {
            keys: keys.collect(),
            chains,
            store: parts.store,
            key_source: parts.key_source,
            back_up: parts.back_up,
            clock: parts.clock,
            observer: parts.observer,
            ahead: parts.ahead,
            threads: parts.threads,
            digests: ServedDigests::default(),
            trees: Trees::default(),
            is_failing: AtomicBool::new(false),
            deriving: Arc::new(Semaphore::new(1)),
            unlocking: tokio::sync::Mutex::default(),
            waiting: Semaphore::new(locks::MOST_WAITING),
            backups: RateLimit::new(MOST_BACKUPS, minute, MOST_BACKUPS),
            copying: Arc::new(Semaphore::new(1)),
        }
    }

    /// Returns the store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Returns whether the last votes could not be recorded.
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Returns who is told what happens.
    pub fn observer(&self) -> &Arc<dyn Observer> {
        &self.observer
    }

    /// Returns every lane that is served: each key on each chain.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.keys.keys().flat_map(|public_key| {
            let lane = |chain_id: &Vec<u8>| Lane { public_key: *public_key, chain_id: chain_id.clone() };
            self.chains.keys().map(lane)
        })
    }

    /// Says whether a key is here, for whoever would save its name: keys come from the keystore alone, so
    /// that nothing is ever saved.
    ///
    /// # Errors
    /// [`ServiceError::KnownKey`], [`ServiceError::UnknownKey`], and those of permissions: always one.
    pub fn check_key_name(&self, client: &Client, key: &[u8]) -> Result<(), ServiceError> {
        self.allow(client, Operation::SaveKeyName)?;
        let public_key = secp256k1::PublicKey::from_slice(key)
            .map_err(|_| ServiceError::InvalidKey { found: key.len() })?;
        let (public_key, _) = public_key.x_only_public_key();
        let is_here = self.keys.contains_key(&public_key);
        Err(if is_here { ServiceError::KnownKey(public_key) } else { ServiceError::UnknownKey(public_key) })
    }

    /// Finds a key that a client may use.
    fn key(&self, client: &Client, operation: Operation, uid: &[u8]) -> Result<&Key, ServiceError> {
        self.allow(client, operation)?;
        let public_key =
            XOnlyPublicKey::from_slice(uid).map_err(|_| ServiceError::InvalidKey { found: uid.len() })?;
        // Whether a key is here at all is not for those to know who may not use it.
        if !client.permissions().keys.contains(&public_key) {
            return Err(ServiceError::NotAllowed { client: client.name().to_owned(), what: "this key" });
        }
        self.keys.get(&public_key).ok_or(ServiceError::UnknownKey(public_key))
    }

    fn allow(&self, client: &Client, operation: Operation) -> Result<(), ServiceError> {
        if client.permissions().operations.contains(&operation) {
            return Ok(());
        }
        Err(ServiceError::NotAllowed { client: client.name().to_owned(), what: operation.as_str() })
    }

    /// Finds a chain that a client may use.
    fn chain(&self, client: &Client, chain_id: &[u8]) -> Result<&ServedChain, ServiceError> {
        if !client.permissions().chains.contains(&chain_id.to_vec()) {
            return Err(ServiceError::NotAllowed { client: client.name().to_owned(), what: "this chain" });
        }
        self.chains.get(chain_id).ok_or_else(|| unknown_chain(chain_id))
    }

    /// Finds the signer of a key that is unlocked, on a chain.
    fn session(
        &self,
        client: &Client,
        operation: Operation,
        uid: &[u8],
        chain_id: &[u8],
    ) -> Result<Arc<ProtectedSigner>, ServiceError> {
        let key = self.key(client, operation, uid)?;
        self.chain(client, chain_id)?;
        // There is a session for each chain.
        key.sessions()?.on(chain_id).ok_or_else(|| unknown_chain(chain_id))
    }

    /// Makes the signers of a key, one for each chain.
    fn make_sessions(&self, key: &eots::SecretKey) -> Sessions {
        let session = |chain: &ServedChain| {
            let signer =
                ProtectedSigner::new(key.clone(), chain.chain.clone(), self.store.clone(), chain.rules);
            Arc::new(match &self.ahead {
                Some(ahead) => signer.with_randomness_ahead(ahead.clone()),
                None => signer,
            })
        };
        Sessions::new(self.chains.iter().map(|(id, chain)| (id.clone(), session(chain))).collect())
    }

    async fn submit(&self, requests: Vec<VoteRequest>) -> Result<Vec<Outcome>, StoreError> {
        let (answer, outcomes) = tokio::sync::oneshot::channel();
        self.store.submit(
            requests,
            Box::new(move |outcomes| {
                // Who asked may have gone.
                let _gone = answer.send(outcomes);
            }),
        );
        let outcomes = outcomes.await.unwrap_or(Err(StoreError::Closed));
        self.is_failing.store(outcomes.is_err(), Ordering::Relaxed);
        outcomes
    }
}

/// The longest id of a chain that is repeated in an error.
const MOST_SHOWN: usize = 128;

fn unknown_chain(chain_id: &[u8]) -> ServiceError {
    ServiceError::UnknownChain(match chain_id.get(..MOST_SHOWN) {
        None => chain_id.escape_ascii().to_string(),
        Some(_) => format!("of {} bytes", chain_id.len()),
    })
}

/// Tells work on another thread that the request was dropped.
#[derive(Debug, Default)]
struct Cancel(Arc<AtomicBool>);

impl Cancel {
    fn flag(&self) -> Arc<AtomicBool> {
        self.0.clone()
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does what blocks on a thread for that.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            // Who answers the client knows what to say of it.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(ServiceError::Stopped),
        },
    }
}
