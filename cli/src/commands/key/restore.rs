//! `key restore`: puts the key of a mnemonic into the keystore.

use std::path::Path;

use anyhow::Context;
use signer::keystore::{KeyName, Mnemonic};

use super::derivation::DerivationArgs;
use super::public_key::{AddressArgs, Output};
use crate::args::keystore::EncryptionArgs;
use crate::args::secret::{forbid_core_dumps, read_secret_text, shown_path};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The key is the one that the reference daemon derives, whose keys are the mnemonic's master key unless it was given a path. The words are English, in lower case and \
    in full, with spaces or line breaks between them. On the terminal they are not shown as they are typed, and an empty line ends fewer than 24.\n\n\
    A BIP-39 passphrase is not the passphrase that encrypts the key here. The reference daemon takes its bytes as they are, where BIP-39 and wallets normalize it (NFKD): one from which the two derive \
    different keys is refused, unless --bip39-verbatim says that it is as the reference takes it.\n\nExample:\n  \
    btcstake key restore --name bob --mnemonic-file bob.words --passphrase-fd 3 3< passphrase"
)]
pub(crate) struct Args {
    /// The name of the key in the keystore.
    #[arg(long)]
    name: KeyName,
    /// A file with the words; - is standard input [default: they are asked for on the terminal].
    #[arg(long, value_name = "FILE")]
    mnemonic_file: Option<String>,
    #[command(flatten)]
    derivation: DerivationArgs,
    #[command(flatten)]
    encryption: EncryptionArgs,
    #[command(flatten)]
    address: AddressArgs,
}

/// Reads the words.
fn mnemonic(path: Option<&str>) -> anyhow::Result<Mnemonic> {
    let Some(path) = path else {
        let asked = Mnemonic::prompt("Words of the mnemonic (an empty line ends fewer than 24): ");
        return asked.context("no mnemonic: --mnemonic-file gives it in a script");
    };
    let read = || anyhow::Ok(Mnemonic::parse(&read_secret_text(Path::new(path))?)?);
    // The words themselves may be given where their file belongs.
    read().with_context(|| format!("--mnemonic-file {}", shown_path(path)))
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        forbid_core_dumps()?;
        let place = self.encryption.place(&self.name)?;
        let mnemonic = mnemonic(self.mnemonic_file.as_deref())?;
        let key = self.derivation.read(false)?.key(&mnemonic)?;
        let output = Output::of(&key, &self.address)?;
        let passphrase = place.passphrase()?;
        let warnings = place.add(&key, &passphrase)?;
        Printout::of(&Output { warnings, ..output })
    }
}
