//! The keys that are served: locked, or unlocked with a signer for each chain.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use eots::{SecretKey, XOnlyPublicKey};
use zeroize::Zeroizing;

use super::error::ServiceError;
use crate::auth::RateLimit;
use crate::session::ProtectedSigner;

/// Where a key comes from when it is unlocked. It blocks.
pub trait KeySource: Send + Sync {
    /// Returns the secret key of this name.
    ///
    /// # Errors
    /// [`UnlockFailure`].
    fn unlock(&self, name: &str, passphrase: Zeroizing<String>) -> Result<SecretKey, UnlockFailure>;
}

/// A key was not unlocked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlockFailure {
    /// The passphrase is wrong, or none.
    #[error("the passphrase is wrong")]
    Passphrase(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The key's file is not usable.
    #[error("the key's file is not usable")]
    File(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It is another key.
    #[error("the file has the key {found}; must have {expected}")]
    OtherKey {
        /// The key of the file.
        found: XOnlyPublicKey,
        /// The key that is served.
        expected: XOnlyPublicKey,
    },
}

/// The signers of an unlocked key, by chain.
pub(super) struct Sessions(BTreeMap<Vec<u8>, Arc<ProtectedSigner>>);

impl Sessions {
    pub(super) const fn new(by_chain: BTreeMap<Vec<u8>, Arc<ProtectedSigner>>) -> Self {
        Self(by_chain)
    }

    pub(super) fn on(&self, chain_id: &[u8]) -> Option<Arc<ProtectedSigner>> {
        self.0.get(chain_id).cloned()
    }

    /// One of them, for what is signed on no chain.
    pub(super) fn any(&self) -> Option<Arc<ProtectedSigner>> {
        self.0.values().next().cloned()
    }
}

/// A key.
pub(super) struct Key {
    pub(super) name: String,
    pub(super) public_key: XOnlyPublicKey,
    /// The limits of votes, by chain.
    pub(super) rates: BTreeMap<Vec<u8>, RateLimit>,
    /// `None` while it is locked. The secret key is erased when the last request that uses it has ended.
    sessions: RwLock<Option<Arc<Sessions>>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {})", self.name, self.public_key)
    }
}

impl Key {
    pub(super) const fn new(
        name: String,
        public_key: XOnlyPublicKey,
        rates: BTreeMap<Vec<u8>, RateLimit>,
    ) -> Self {
        Self { name, public_key, rates, sessions: RwLock::new(None) }
    }

    pub(super) fn is_unlocked(&self) -> bool {
        self.sessions.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    pub(super) fn sessions(&self) -> Result<Arc<Sessions>, ServiceError> {
        let sessions = self.sessions.read().unwrap_or_else(PoisonError::into_inner).clone();
        sessions.ok_or_else(|| ServiceError::Locked(self.name.clone()))
    }

    pub(super) fn set_sessions(&self, sessions: Option<Sessions>) {
        *self.sessions.write().unwrap_or_else(PoisonError::into_inner) = sessions.map(Arc::new);
    }
}
