//! How a mnemonic leads to a key.

use anyhow::Context;
use eots::SecretKey;
use signer::keystore::{Bip39Passphrase, HdPath, Mnemonic, Passphrase};

use crate::args::keystore::from_descriptor;

#[derive(clap::Args)]
pub(super) struct DerivationArgs {
    /// The path of the key below the mnemonic's master key, such as m/44'/118'/0'/0/0 [default: the master
    /// key itself, as the reference daemon takes it].
    #[arg(long, value_name = "PATH")]
    hd_path: Option<String>,
    /// Ask for a BIP-39 passphrase, which belongs to the words, on the terminal.
    #[arg(long, group = "bip39")]
    bip39_passphrase: bool,
    /// Read the BIP-39 passphrase from this file descriptor.
    #[arg(long, value_name = "N", group = "bip39")]
    bip39_passphrase_fd: Option<u32>,
    /// Take a BIP-39 passphrase byte for byte, as the reference daemon does. Without this one is refused that
    /// wallets would bring into another Unicode form (NFKD) first: they derive another key from it.
    #[arg(long, requires = "bip39")]
    bip39_verbatim: bool,
}

/// How keys are derived.
pub(super) struct Derivation {
    passphrase: Bip39Passphrase,
    path: HdPath,
}

impl DerivationArgs {
    /// Returns how keys are derived. A BIP-39 passphrase that is asked for is typed twice where it is new.
    pub(super) fn read(&self, is_new: bool) -> anyhow::Result<Derivation> {
        // Not by the parser of the command line, which repeats what is given: it may be a mnemonic.
        let path = self.hd_path.as_deref().unwrap_or_default().parse().context("--hd-path")?;
        let question = "BIP-39 passphrase: ";
        let passphrase = match self.bip39_passphrase_fd {
            Some(number) => Some(from_descriptor(number).context("--bip39-passphrase-fd")?),
            None if !self.bip39_passphrase => None,
            None if is_new => Some(Passphrase::prompt_new(question, "The same again: ")?),
            None => Some(Passphrase::prompt(question)?),
        };
        let passphrase = match passphrase {
            None => Bip39Passphrase::default(),
            Some(passphrase) if self.bip39_verbatim => Bip39Passphrase::verbatim(passphrase),
            Some(passphrase) => {
                Bip39Passphrase::new(passphrase).context("--bip39-verbatim takes it all the same")?
            }
        };
        Ok(Derivation { passphrase, path })
    }
}

impl Derivation {
    /// Derives the key of a mnemonic.
    pub(super) fn key(&self, mnemonic: &Mnemonic) -> anyhow::Result<SecretKey> {
        Ok(mnemonic.derive(&self.passphrase, &self.path)?)
    }
}
