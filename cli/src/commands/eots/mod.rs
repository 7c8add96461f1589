//! `eots`: extractable one-time signatures.

mod extract;
mod randomness;
mod sign;
mod verify;

use clap::Subcommand;

use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Derive the public randomness of a finality provider for a range of heights.
    Randomness(randomness::Args),
    /// Sign a message with the randomness of a height.
    Sign(sign::Args),
    /// Verify a signature.
    Verify(verify::Args),
    /// Extract the secret key from two signatures at one height.
    Extract(extract::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Randomness(args) => args.run(),
            Self::Sign(args) => args.run(),
            Self::Verify(args) => args.run(),
            Self::Extract(args) => args.run(),
        }
    }
}
