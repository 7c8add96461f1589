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
    state: RwLock<KeyState>,
}

/// Whether a key is locked.
#[derive(Default)]
struct KeyState {
    /// `None` while it is locked. The secret key is erased when the last request that uses it has ended.
    sessions: Option<Arc<Sessions>>,
    /// How often it was locked.
    locked: u64,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {})", self.name, self.public_key)
    }
}

impl Key {
    pub(super) fn new(name: String, public_key: XOnlyPublicKey, rates: BTreeMap<Vec<u8>, RateLimit>) -> Self {
        Self { name, public_key, rates, state: RwLock::default() }
    }

    pub(super) fn is_unlocked(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).sessions.is_some()
    }

    pub(super) fn sessions(&self) -> Result<Arc<Sessions>, ServiceError> {
        let sessions = self.state.read().unwrap_or_else(PoisonError::into_inner).sessions.clone();
        sessions.ok_or_else(|| ServiceError::Locked(self.name.clone()))
    }

    /// Returns how often the key was locked.
    pub(super) fn times_locked(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).locked
    }

    /// Unlocks the key, unless it was locked since, and returns whether it is unlocked.
    pub(super) fn unlock(&self, sessions: Sessions, times_locked: u64) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.locked == times_locked {
            state.sessions = Some(Arc::new(sessions));
        }
        state.locked == times_locked
    }

    /// Locks the key, also against whoever is unlocking it, and returns whether it was unlocked.
    pub(super) fn lock(&self) -> bool {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.locked = state.locked.saturating_add(1);
        state.sessions.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Key, Sessions};

    /// Whoever has locked a key finds it locked, also where its passphrase was being tried meanwhile.
    #[test]
    fn a_lock_is_not_undone_by_an_unlock_under_way() {
        let secret = eots::SecretKey::from_bytes(&[1; 32]).unwrap();
        let key = Key::new("alice".to_owned(), *secret.public_key(), BTreeMap::new());
        let sessions = || Sessions::new(BTreeMap::new());
        let before = key.times_locked();
        assert!(!key.lock());
        assert!(!key.unlock(sessions(), before));
        assert!(!key.is_unlocked());
        assert!(key.unlock(sessions(), key.times_locked()));
        assert!(key.is_unlocked() && key.lock() && !key.is_unlocked());
    }
}
