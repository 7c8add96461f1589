//! Unlocking and locking keys.

use std::sync::Arc;

use eots::{SecretKey, XOnlyPublicKey};
use zeroize::Zeroizing;

use super::keys::{Key, UnlockFailure};
use super::{Event, ServiceError, SignerService, blocking};
use crate::auth::{Client, Operation};

/// How many wait for a passphrase that is being tried.
pub(super) const MOST_WAITING: usize = 8;

impl SignerService {
    /// Unlocks a key. One that is unlocked stays so.
    ///
    /// # Errors
    /// [`ServiceError::Unlock`], and those of permissions.
    pub async fn unlock(
        &self,
        client: &Client,
        uid: &[u8],
        passphrase: Zeroizing<String>,
    ) -> Result<(), ServiceError> {
        let key = self.key(client, Operation::Unlock, uid)?;
        let _one_of_few = self.waiting.try_acquire().map_err(|_| ServiceError::Unlocking)?;
        let times_locked = key.times_locked();
        let _one_at_a_time = self.unlocking.lock().await;
        if key.is_unlocked() {
            return Ok(());
        }
        let (source, name) = (self.key_source.clone(), key.name.clone());
        let unlocked = blocking(move || {
            let unlocked = source.unlock(&name, passphrase);
            unlocked.map_err(|cause| ServiceError::Unlock { name, cause })
        });
        let unlocked = unlocked
            .await
            .and_then(|secret| self.install_unless_locked(client.name(), key, &secret, times_locked));
        if unlocked.is_err() {
            self.observer.observe(&Event::NotUnlocked { client: client.name(), key: &key.name });
        }
        unlocked
    }

    /// Locks a key: its secret is erased when the requests that use it have ended.
    ///
    /// # Errors
    /// Those of permissions.
    pub fn lock(&self, client: &Client, uid: &[u8]) -> Result<(), ServiceError> {
        let key = self.key(client, Operation::Lock, uid)?;
        if key.lock() {
            let (client, public_key) = (client.name(), &key.public_key);
            self.observer.observe(&Event::Locked { client, key: &key.name, public_key });
        }
        Ok(())
    }

    /// Unlocks a key whose secret is at hand.
    ///
    /// # Errors
    /// [`ServiceError::Unlock`] when it is another key; [`ServiceError::UnknownKey`].
    pub fn install(&self, public_key: &XOnlyPublicKey, secret: &SecretKey) -> Result<(), ServiceError> {
        let key = self.keys.get(public_key).ok_or(ServiceError::UnknownKey(*public_key))?;
        self.install_unless_locked("the start", key, secret, key.times_locked())
    }

    fn install_unless_locked(
        &self,
        client: &str,
        key: &Key,
        secret: &SecretKey,
        times_locked: u64,
    ) -> Result<(), ServiceError> {
        let (found, expected) = (*secret.public_key(), key.public_key);
        if found != expected {
            let cause = UnlockFailure::OtherKey { found, expected };
            return Err(ServiceError::Unlock { name: key.name.clone(), cause });
        }
        if !key.unlock(self.make_sessions(secret), times_locked) {
            return Err(ServiceError::Locked(key.name.clone()));
        }
        self.observer.observe(&Event::Unlocked { client, key: &key.name, public_key: &key.public_key });
        Ok(())
    }

    /// Returns the names of the keys that are locked.
    pub fn locked(self: &Arc<Self>) -> Vec<String> {
        self.keys.values().filter(|key| !key.is_unlocked()).map(|key| key.name.clone()).collect()
    }
}
