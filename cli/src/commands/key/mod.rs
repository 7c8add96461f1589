//! `key`: key files and the keystore, which the other commands take as `--secret-key-file`.

#[cfg(feature = "signer")]
pub(crate) mod derivation;
#[cfg(feature = "signer")]
pub(crate) mod export;
#[cfg(feature = "signer")]
pub(crate) mod import;
#[cfg(feature = "signer")]
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod public_key;
#[cfg(feature = "signer")]
pub(crate) mod restore;
pub(crate) mod show;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Generate a key, in the keystore or in a plain file, and print its public key.
    New(Box<new::Args>),
    /// Put the key of a mnemonic into the keystore, and print its public key.
    #[cfg(feature = "signer")]
    Restore(restore::Args),
    /// Put a key of a file, or of the reference daemon's keyring, into the keystore.
    #[cfg(feature = "signer")]
    Import(import::Args),
    /// List the keys of the keystore with their public keys.
    #[cfg(feature = "signer")]
    List(list::Args),
    /// Print the public key of a key, and the address of its coins.
    Show(show::Args),
    /// Write a key of the keystore to a plain file.
    #[cfg(feature = "signer")]
    Export(export::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::New(args) => args.run(),
            #[cfg(feature = "signer")]
            Self::Restore(args) => args.run(),
            #[cfg(feature = "signer")]
            Self::Import(args) => args.run(),
            #[cfg(feature = "signer")]
            Self::List(args) => args.run(),
            Self::Show(args) => args.run(),
            #[cfg(feature = "signer")]
            Self::Export(args) => args.run(),
        }
    }
}
