//! The type and the message of a proof of possession.

use std::fmt;

use clap::ValueEnum;
use finality::{AccountAddress, PossessionMessage, SigningContext};
use staking_scripts::possession::PopType;

/// The three types of proofs of possession.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A BIP-340 signature.
    Bip340,
    /// A BIP-322 simple signature of a P2WPKH or P2TR address.
    Bip322,
    /// A "Bitcoin signed message".
    Ecdsa,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bip340 => "bip340",
            Self::Bip322 => "bip322",
            Self::Ecdsa => "ecdsa",
        })
    }
}

impl From<Kind> for PopType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Bip340 => Self::Bip340,
            Kind::Bip322 => Self::Bip322,
            Kind::Ecdsa => Self::Ecdsa,
        }
    }
}

/// The type of a proof, and the account whose holder proves possession of a key.
#[derive(clap::Args)]
pub(crate) struct PossessionArgs {
    /// The type of proof.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Kind,
    /// The account on Babylon Genesis, as the chain writes it: bbn1…
    #[arg(long)]
    address: AccountAddress,
    /// The signing context of a consumer chain; absent on Babylon Genesis.
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
}

impl PossessionArgs {
    pub(crate) fn message(&self) -> anyhow::Result<PossessionMessage> {
        possession_message(&self.address, self.signing_context)
    }
}

/// Returns the message that a proof of possession signs.
pub(crate) fn possession_message(
    address: &AccountAddress,
    signing_context: Option<SigningContext>,
) -> anyhow::Result<PossessionMessage> {
    let context = signing_context.unwrap_or(SigningContext::GENESIS);
    Ok(PossessionMessage::new(context, address.clone())?)
}
