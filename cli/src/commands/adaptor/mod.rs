//! `adaptor`: adaptor signatures.

pub(crate) mod decrypt;
pub(crate) mod recover;
pub(crate) mod sign;
pub(crate) mod verify;

use clap::Subcommand;

use crate::view::output::Printout;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign a 32-byte message, encrypted to a finality provider's key.
    Sign(sign::Args),
    /// Verify an adaptor signature.
    Verify(verify::Args),
    /// Decrypt an adaptor signature into a BIP-340 signature.
    Decrypt(decrypt::Args),
    /// Recover the decryption key from an adaptor signature and its decryption.
    Recover(recover::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        match self {
            Self::Sign(args) => args.run(),
            Self::Verify(args) => args.run(),
            Self::Decrypt(args) => args.run(),
            Self::Recover(args) => args.run(),
        }
    }
}
