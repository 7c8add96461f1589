//! A signer that runs, in place of a secret key.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use eots::XOnlyPublicKey;
use finality::{SignerChain, SigningContext};
use signer::auth::SharedSecret;
use signer::client::{ClientTls, Connection, RemoteError, RemoteLaneSigner, RemoteSigner};
use zeroize::Zeroizing;

use super::secret::{read_private_file, read_secret_text};
use crate::view::violation::Refused;

/// How a signer that runs is reached.
#[derive(clap::Args)]
pub(crate) struct RemoteArgs {
    /// A signer that runs (`btcstake signer start`), in place of a secret key: http://127.0.0.1:12582, or
    /// https://HOST:PORT.
    #[arg(long, value_name = "URL")]
    pub(crate) signer: Option<String>,
    /// With --signer: the file with the secret of x-btcstake-auth, one of the client's auth_secret_file
    /// there.
    #[arg(long, value_name = "FILE", requires = "signer")]
    signer_secret_file: Option<PathBuf>,
    /// With --signer: the certificates of the authorities that vouch for it, PEM.
    #[arg(long, value_name = "FILE", requires = "signer")]
    signer_authorities: Option<PathBuf>,
    /// With --signer: this client's certificate, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["signer", "signer_certificate_key_file"])]
    signer_certificate: Option<PathBuf>,
    /// With --signer: the secret key of that certificate, PEM.
    #[arg(long, value_name = "FILE", requires_all = ["signer", "signer_certificate"])]
    signer_certificate_key_file: Option<PathBuf>,
    /// With --signer: the finality provider's public key; not needed where the signer has one key.
    #[arg(long, value_name = "64 HEX DIGITS", requires = "signer")]
    signer_public_key: Option<XOnlyPublicKey>,
}

impl RemoteArgs {
    /// Refuses the flags of a signer where none is given: nothing that was given is without effect.
    pub(crate) fn refuse_others(&self) -> anyhow::Result<()> {
        let given = [
            (self.signer_secret_file.is_some(), "--signer-secret-file"),
            (self.signer_authorities.is_some(), "--signer-authorities"),
            (self.signer_certificate.is_some(), "--signer-certificate"),
            (self.signer_certificate_key_file.is_some(), "--signer-certificate-key-file"),
            (self.signer_public_key.is_some(), "--signer-public-key"),
        ];
        match given.iter().find(|(is_given, _)| *is_given) {
            Some((_, flag)) if self.signer.is_none() => {
                bail!("{flag} is given without --signer; must be with it")
            }
            _ => Ok(()),
        }
    }

    /// Connects to the signer.
    pub(crate) fn connect(&self) -> anyhow::Result<RemoteSigner> {
        let Some(url) = &self.signer else { bail!("--signer is absent; must be given") };
        let auth = match &self.signer_secret_file {
            None => None,
            Some(path) => {
                let bytes = read_private_file(path).context("--signer-secret-file")?;
                // The first of several, of which each is valid.
                let first = SharedSecret::lines(&bytes).next();
                Some(first.context("--signer-secret-file: it is empty; must have a secret")?)
            }
        };
        let read = |path: &Path, flag: &'static str| std::fs::read(path).context(flag);
        let tls =
            match (&self.signer_authorities, &self.signer_certificate, &self.signer_certificate_key_file) {
                (None, None, None) => None,
                (authorities, certificate, key) => {
                    let authorities = authorities
                        .as_ref()
                        .context("--signer-authorities is absent; must be given for TLS")?;
                    let identity = match (certificate, key) {
                        (Some(certificate), Some(key)) => {
                            let key = read_secret_text(key).context("--signer-certificate-key-file")?;
                            let key = Zeroizing::new(key.as_bytes().to_vec());
                            Some((read(certificate, "--signer-certificate")?, key))
                        }
                        _ => None,
                    };
                    Some(ClientTls { authorities: read(authorities, "--signer-authorities")?, identity })
                }
            };
        RemoteSigner::connect(Connection { url: url.clone(), tls, auth }).context("--signer")
    }

    /// Returns the signer of the key that is named, or of the only one, on a chain of these contexts.
    pub(crate) fn lane(
        &self,
        chain_id: &str,
        context: Option<SigningContext>,
    ) -> anyhow::Result<RemoteLaneSigner> {
        let remote = self.connect()?;
        let public_key = self.public_key(&remote)?;
        let context = context.unwrap_or(SigningContext::GENESIS);
        let chain = SignerChain {
            chain_id: chain_id.to_owned(),
            commitment_context: context,
            vote_context: context,
            possession_context: context,
        };
        Ok(remote.signer(public_key, chain))
    }

    /// Returns the key that is named, or the only one of the signer.
    pub(crate) fn public_key(&self, remote: &RemoteSigner) -> anyhow::Result<XOnlyPublicKey> {
        if let Some(public_key) = self.signer_public_key {
            return Ok(public_key);
        }
        let keys = remote.status().context("--signer-public-key is absent, and the signer does not tell")?;
        match keys.as_slice() {
            [only] => Ok(only.public_key),
            keys => {
                let names: Vec<_> =
                    keys.iter().map(|key| format!("{} ({})", key.public_key, key.name)).collect();
                let names = names.join(", ");
                bail!("--signer-public-key is absent; must be one of the signer's {}: {names}", keys.len())
            }
        }
    }
}

/// Makes a signer's refusal a negative answer, and everything else an error: no connection, a locked key, and
/// a caller whom the signer does not know.
pub(crate) fn refused(error: RemoteError) -> anyhow::Error {
    let rule = error.refusal().unwrap_or("refused_by_signer");
    match error {
        RemoteError::Refused { message } | RemoteError::NotAllowed { message } => {
            Refused::because(rule, message).into()
        }
        error => anyhow::Error::new(error).context("--signer"),
    }
}
