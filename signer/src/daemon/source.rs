//! Keys from the keystore, when they are unlocked.

use eots::SecretKey;
use zeroize::Zeroizing;

use crate::keystore::{KeyName, Keystore, Passphrase, UnlockError};
use crate::service::{KeySource, UnlockFailure};

/// The keystore as the source of keys.
pub(super) struct KeystoreSource(pub(super) Keystore);

impl KeySource for KeystoreSource {
    fn unlock(&self, name: &str, passphrase: Zeroizing<String>) -> Result<SecretKey, UnlockFailure> {
        let name: KeyName = name.parse().map_err(|error| UnlockFailure::File(Box::new(error)))?;
        let passphrase =
            Passphrase::new(passphrase).map_err(|error| UnlockFailure::Passphrase(Box::new(error)))?;
        match self.0.unlock(&name, &passphrase) {
            Ok(unlocked) => Ok(unlocked.into_key()),
            Err(error @ UnlockError::Sealed { .. }) => Err(UnlockFailure::Passphrase(Box::new(error))),
            Err(error) => Err(UnlockFailure::File(Box::new(error))),
        }
    }
}
