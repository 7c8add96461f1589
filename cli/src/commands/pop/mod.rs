//! `pop`: proofs of possession.

mod create;
mod verify;

use clap::{Subcommand, ValueEnum};
use eots::SigningContext;
use staking_scripts::{AccountAddress, Claim, ProofType};

use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Prove that the holder of an account on the secured chain holds a Bitcoin key.
    ///
    /// Stakers give any of the three types. Finality providers give bip340, which is the same bytes for both.
    Create(create::Args),
    /// Verify such a proof.
    ///
    /// A finality provider's proof is one of type bip340, the same bytes as a staker's.
    Verify(verify::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Create(args) => args.run(),
            Self::Verify(args) => args.run(),
        }
    }
}

/// The three types of proofs.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A BIP-340 signature.
    Bip340,
    /// A BIP-322 simple signature of a P2WPKH or P2TR address.
    Bip322,
    /// A "Bitcoin signed message".
    Ecdsa,
}

impl From<Kind> for ProofType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Bip340 => Self::Bip340,
            Kind::Bip322 => Self::Bip322,
            Kind::Ecdsa => Self::Ecdsa,
        }
    }
}

/// The type of proof, and the account whose holder proves to hold a key.
#[derive(clap::Args)]
struct ClaimArgs {
    /// The type of proof.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Kind,
    /// The account on the secured chain, as the chain writes it: bbn1…
    #[arg(long)]
    address: AccountAddress,
    /// The signing context of a consumer chain; absent on the genesis chain.
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
}

impl ClaimArgs {
    fn claim(&self) -> anyhow::Result<Claim> {
        claim(&self.address, self.signing_context)
    }
}

/// What a proof proves.
pub(crate) fn claim(
    address: &AccountAddress,
    signing_context: Option<SigningContext>,
) -> anyhow::Result<Claim> {
    match signing_context {
        None => Ok(Claim::genesis(address.clone())?),
        Some(context) => Ok(Claim::consumer(context, address.clone())),
    }
}
