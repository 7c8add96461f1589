//! `key import`: puts a key that is elsewhere into the keystore.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::ArgGroup;
use eots::SecretKey;
use signer::keystore::{CosmosKeyring, KeyName, Passphrase};

use super::public_key::{AddressArgs, Output};
use crate::args::keystore::{EncryptionArgs, from_descriptor};
use crate::args::secret::{SecretKeyFile, SecretKeyPath, forbid_core_dumps};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "A keyring is only read, and its daemon goes on with it: a finality provider's key must never sign in two places. Stop the daemon and take its records over first (`btcstake signer import`). \
    Keyrings of the kinds os, kwallet and pass keep their keys outside files: there, restore the key from its mnemonic. The file that is imported stays: delete it.\n\nExample:\n  \
    btcstake key import --name provider --secret-key-file provider.key --passphrase-fd 3 3< passphrase"
)]
#[command(group = ArgGroup::new("origin").required(true).args(["secret_key_file", "keyring"]))]
pub(crate) struct Args {
    /// The name of the key in the keystore.
    #[arg(long)]
    name: KeyName,
    /// File with the secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: Option<SecretKeyPath>,
    /// The folder of the reference daemon's keyring, or its home, where that is.
    #[arg(long, value_name = "DIR", requires_all = ["keyring_backend", "keyring_key"])]
    keyring: Option<PathBuf>,
    /// The keyring's kind, as the reference daemon's --keyring-backend.
    #[arg(long, value_name = "KIND", requires = "keyring")]
    keyring_backend: Option<Backend>,
    /// The key's name in the keyring.
    #[arg(long, value_name = "NAME", requires = "keyring")]
    keyring_key: Option<String>,
    /// Read the password of a keyring of the kind `file` from this file descriptor, instead of asking on the
    /// terminal.
    #[arg(long, value_name = "N", requires = "keyring")]
    keyring_password_fd: Option<u32>,
    #[command(flatten)]
    encryption: EncryptionArgs,
    #[command(flatten)]
    address: AddressArgs,
}

/// The kinds of keyrings that are files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Backend {
    /// Without a password.
    Test,
    /// With a password.
    File,
}

impl Args {
    fn key(&self) -> anyhow::Result<SecretKey> {
        if let Some(path) = &self.secret_key_file {
            ensure!(
                path.name_in_keystore().is_none(),
                "--secret-key-file keystore:NAME is in a keystore already; must be a file with 64 hex digits \
                 (./keystore:NAME if it is one)"
            );
            return path.read();
        }
        let keyring = self.keyring.as_ref().context("--keyring is absent; must be given")?;
        let backend = self.keyring_backend.context("--keyring-backend is absent; must be given")?;
        let name = self.keyring_key.as_ref().context("--keyring-key is absent; must be given")?;
        let inside = keyring.join(if backend == Backend::Test { "keyring-test" } else { "keyring-file" });
        let keyring = CosmosKeyring::new(if inside.is_dir() { &inside } else { keyring });
        let password = match (backend, self.keyring_password_fd) {
            (Backend::Test, None) => CosmosKeyring::test_password()?,
            (Backend::Test, Some(_)) => {
                anyhow::bail!("--keyring-password-fd is given for a keyring of the kind test; must be absent")
            }
            (Backend::File, Some(number)) => from_descriptor(number).context("--keyring-password-fd")?,
            (Backend::File, None) => Passphrase::prompt("Password of the keyring: ")
                .context("no password: --keyring-password-fd gives it in a script")?,
        };
        keyring.secret_key(name, &password).context("--keyring")
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        forbid_core_dumps()?;
        let place = self.encryption.place(&self.name)?;
        let key = self.key()?;
        let output = Output::of(&key, &self.address)?;
        let passphrase = place.passphrase()?;
        let warnings = place.add(&key, &passphrase)?;
        Printout::of(&Output { warnings, ..output })
    }
}
