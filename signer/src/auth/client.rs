//! Clients, and what each may do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use eots::XOnlyPublicKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::rate::RateLimit;
use super::secret::SharedSecret;

/// What a client may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Lists of public randomness.
    Randomness,
    /// Votes, one by one and in batches.
    Vote,
    /// Commitments, typed.
    Commit,
    /// Commitments as digests of lists that were just served, as the reference's client signs them.
    Digest,
    /// Proofs of possession.
    Possession,
    /// Unlocking keys.
    Unlock,
    /// Locking keys.
    Lock,
    /// Copies of the signing database.
    Backup,
    /// The reference's `SaveEOTSKeyName`.
    SaveKeyName,
    /// What is known of keys and chains.
    Status,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Randomness,
        Self::Vote,
        Self::Commit,
        Self::Digest,
        Self::Possession,
        Self::Unlock,
        Self::Lock,
        Self::Backup,
        Self::SaveKeyName,
        Self::Status,
    ];

    /// What a client may do when its configuration does not say: all that a finality provider's daemon asks
    /// for.
    pub const DEFAULT: [Self; 6] =
        [Self::Randomness, Self::Vote, Self::Commit, Self::Digest, Self::Possession, Self::Status];

    /// Returns the name, in configurations and errors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Randomness => "randomness",
            Self::Vote => "vote",
            Self::Commit => "commit",
            Self::Digest => "digest",
            Self::Possession => "possession",
            Self::Unlock => "unlock",
            Self::Lock => "lock",
            Self::Backup => "backup",
            Self::SaveKeyName => "save-key-name",
            Self::Status => "status",
        }
    }
}

/// All of something, or some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed<T> {
    /// All.
    All,
    /// Those.
    Only(BTreeSet<T>),
}

impl<T: Ord> Allowed<T> {
    /// Returns whether it is among them.
    pub fn contains(&self, one: &T) -> bool {
        match self {
            Self::All => true,
            Self::Only(some) => some.contains(one),
        }
    }
}

/// What a client may do, with which keys, on which chains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// The operations.
    pub operations: BTreeSet<Operation>,
    /// The keys.
    pub keys: Allowed<XOnlyPublicKey>,
    /// The ids of the chains.
    pub chains: Allowed<Vec<u8>>,
}

/// What shows who a client is. Any one of them does; of several secrets each is valid, so that one can be
/// replaced without a gap.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Secrets of the reference's HMAC.
    pub hmac: Vec<SharedSecret>,
    /// Secrets of the bound HMAC.
    pub bound: Vec<SharedSecret>,
    /// SHA-256 of certificates, in DER.
    pub certificates: Vec<[u8; 32]>,
    /// Whether it is whoever shows nothing.
    pub unauthenticated: bool,
}

impl Credentials {
    /// Returns whether both are the same. For the operator alone, as the time it takes may tell.
    pub(crate) fn are_same(&self, other: &Self) -> bool {
        let same = |one: &[SharedSecret], other: &[SharedSecret]| {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.is_same(other))
        };
        same(&self.hmac, &other.hmac)
            && same(&self.bound, &other.bound)
            && self.certificates == other.certificates
            && self.unauthenticated == other.unauthenticated
    }
}

/// A client.
#[derive(Debug)]
pub struct Client {
    name: String,
    permissions: Permissions,
    credentials: RwLock<Arc<Credentials>>,
    rate: RateLimit,
    /// Heights of lists that are being derived.
    outstanding: AtomicU64,
    most_outstanding: u64,
    /// Connections that it may have more.
    connections: Arc<Semaphore>,
    /// Requests of it that may ask a chain's own node now.
    asking: Arc<Semaphore>,
}

/// How many requests of one client ask chains' own nodes at one time: others have places too.
const MOST_ASKING: usize = 2;

impl Client {
    /// Returns a client. Of its lists of randomness, `most_outstanding` heights are derived at once.
    pub fn new(
        name: impl Into<String>,
        permissions: Permissions,
        credentials: Credentials,
        rate: RateLimit,
        most_outstanding: u64,
    ) -> Self {
        let credentials = RwLock::new(Arc::new(credentials));
        let outstanding = AtomicU64::new(0);
        let connections = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let asking = Arc::new(Semaphore::new(MOST_ASKING));
        Self {
            name: name.into(),
            permissions,
            credentials,
            rate,
            outstanding,
            most_outstanding,
            connections,
            asking,
        }
    }

    /// Returns the client with this many connections at most.
    #[must_use]
    pub fn with_connections(self, most: usize) -> Self {
        Self { connections: Arc::new(Semaphore::new(most)), ..self }
    }

    /// Takes a place for a connection, until what is returned is dropped; `None` when it has too many.
    pub fn take_connection(&self) -> Option<OwnedSemaphorePermit> {
        self.connections.clone().try_acquire_owned().ok()
    }

    /// Waits for a place to ask a chain's own node.
    pub(crate) async fn take_question(&self) -> Option<OwnedSemaphorePermit> {
        self.asking.clone().acquire_owned().await.ok()
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it may do.
    pub const fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Returns the limit of its requests.
    pub const fn rate(&self) -> &RateLimit {
        &self.rate
    }

    /// Returns what shows who it is.
    pub fn credentials(&self) -> Arc<Credentials> {
        self.credentials.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces what shows who it is.
    pub fn set_credentials(&self, credentials: Credentials) {
        *self.credentials.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(credentials);
    }

    /// Reserves heights of a list until what is returned is dropped; `None` when too many are outstanding.
    pub fn reserve(self: &Arc<Self>, heights: u64) -> Option<Outstanding> {
        let fits = |before: u64| before.checked_add(heights).filter(|after| *after <= self.most_outstanding);
        self.outstanding.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).ok()?;
        Some(Outstanding { client: self.clone(), heights })
    }
}

/// Heights that are being derived for a client.
#[derive(Debug)]
pub struct Outstanding {
    client: Arc<Client>,
    heights: u64,
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.client.outstanding.fetch_sub(self.heights, Ordering::AcqRel);
    }
}
