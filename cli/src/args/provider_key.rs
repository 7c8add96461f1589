//! Whose key signs: that in a file or in the keystore, or one of a signer that runs.

#[cfg(feature = "babylon")]
use bitcoin::secp256k1::schnorr;
use eots::SecretKey;
#[cfg(feature = "babylon")]
use eots::XOnlyPublicKey;
#[cfg(feature = "babylon")]
use finality::PossessionMessage;
#[cfg(all(feature = "babylon", feature = "signer"))]
use finality::Signer as _;

#[cfg(feature = "signer")]
use super::remote::RemoteArgs;
#[cfg(all(feature = "babylon", feature = "signer"))]
use super::remote::refused;
use super::secret::{SecretKeyFile, SecretKeyPath, absent_key};

/// The key.
#[derive(clap::Args)]
#[cfg_attr(feature = "signer", group(id = "who_signs", required = true, args = ["secret_key_file", "signer"]))]
pub(crate) struct ProviderKeyArgs {
    /// File with the secret key of the one who signs, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    #[cfg_attr(feature = "signer", arg(conflicts_with = "signer"))]
    #[cfg_attr(not(feature = "signer"), arg(required = true))]
    secret_key_file: Option<SecretKeyPath>,
    #[cfg(feature = "signer")]
    #[command(flatten)]
    remote: RemoteArgs,
}

impl ProviderKeyArgs {
    /// Returns the signer that runs, where one is given in place of a key.
    #[cfg(feature = "signer")]
    pub(crate) const fn remote(&self) -> Option<&RemoteArgs> {
        if self.remote.signer.is_some() { Some(&self.remote) } else { None }
    }

    /// Proves that the key is possessed, with a BIP-340 signature.
    #[cfg(feature = "babylon")]
    pub(crate) fn prove_possession(
        &self,
        message: &PossessionMessage,
    ) -> anyhow::Result<(XOnlyPublicKey, schnorr::Signature)> {
        #[cfg(feature = "signer")]
        if let Some(remote) = self.remote() {
            let signer = remote.lane("", Some(*message.context()))?;
            return Ok((signer.public_key(), signer.prove_possession(message).map_err(refused)?));
        }
        let key = self.read()?;
        Ok((*key.public_key(), message.sign_bip340(&key)?))
    }

    /// Reads the secret key.
    pub(crate) fn read(&self) -> anyhow::Result<SecretKey> {
        #[cfg(feature = "signer")]
        self.remote.refuse_others()?;
        self.secret_key_file.as_ref().ok_or_else(absent_key)?.read()
    }
}
