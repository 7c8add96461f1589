//! `key show`: prints the public key of a key.

#[cfg(feature = "signer")]
use anyhow::Context;
#[cfg(feature = "signer")]
use signer::keystore::KeyName;

use super::public_key::{AddressArgs, Output};
#[cfg(feature = "signer")]
use crate::args::keystore;
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "`psbt sign` signs coins that pay to the address with the key: give one to `tx stake` as \
    TXID:INDEX:SATOSHIS:SCRIPT with the script pubkey that is printed, or as TXID:INDEX:SATOSHIS:tr(KEY). \
    The name of a key in the keystore shows what its file states, without a passphrase; --secret-key-file keystore:NAME decrypts the key and verifies that.\n\nExamples:\n  \
    btcstake key show --secret-key-file provider.key\n  \
    btcstake key show --secret-key-file member.key --network regtest"
)]
#[cfg_attr(
    feature = "signer",
    command(group = clap::ArgGroup::new("key").required(true).args(["secret_key_file", "name"]))
)]
pub(crate) struct Args {
    /// File with a secret key, 64 hex digits, or keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    #[cfg_attr(not(feature = "signer"), arg(required = true))]
    secret_key_file: Option<SecretKeyPath>,
    /// The name of a key in the keystore, whose passphrase is not asked for.
    #[cfg(feature = "signer")]
    #[arg(long)]
    name: Option<KeyName>,
    #[command(flatten)]
    address: AddressArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match &self.secret_key_file {
            Some(path) => Printout::of(&Output::of(&path.read()?, &self.address)?),
            None => self.run_by_name(),
        }
    }

    /// Shows what the keystore knows without a passphrase.
    #[cfg(feature = "signer")]
    fn run_by_name(&self) -> anyhow::Result<Printout> {
        let name = self.name.as_ref().context("--name is absent; must be given")?;
        let public_key = keystore::open()?.0.public_key(name).context("--name")?;
        self.address.check_public()?;
        Printout::of(&Output::new(&public_key, &self.address)?)
    }

    #[cfg(not(feature = "signer"))]
    fn run_by_name(&self) -> anyhow::Result<Printout> {
        anyhow::bail!("--secret-key-file is absent; must be given")
    }
}
