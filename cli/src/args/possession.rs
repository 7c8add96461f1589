//! The type and the message of a proof of possession, and a proof as it was given.

use std::fmt;

use anyhow::{Context, anyhow, ensure};
use clap::ValueEnum;
use finality::{AccountAddress, AccountText, PossessionMessage, SigningContext};
use staking_scripts::possession::{GivenProof, PopType, PossessionError};

use super::argument::is_source;
use super::input::{self, Content};

/// The types of proofs of possession.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A BIP-340 signature.
    Bip340,
    /// A BIP-322 signature of a P2WPKH or P2TR address.
    Bip322,
    /// A "Bitcoin signed message".
    Ecdsa,
    /// A BIP-340 signature over the hash of the account's text, as `eotsd pop export` makes it
    /// (eotsSignBaby). No chain takes it.
    #[value(name = "bip340-text")]
    Bip340Text,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bip340 => "bip340",
            Self::Bip322 => "bip322",
            Self::Ecdsa => "ecdsa",
            Self::Bip340Text => "bip340-text",
        })
    }
}

/// What a proof signs.
pub(crate) enum Signed {
    /// A chain's message, in a proof of this type.
    Chain(PopType, PossessionMessage),
    /// The text of an account, in a BIP-340 signature.
    Text(AccountText),
}

/// The type of a proof, and the account whose holder proves possession of a key.
#[derive(clap::Args)]
pub(crate) struct PossessionArgs {
    /// The type of proof.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Kind,
    /// The account on Babylon Genesis, as the chain writes it: bbn1… With bip340-text, of any chain.
    #[arg(long)]
    address: String,
    /// The signing context of a consumer chain; absent on Babylon Genesis.
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
}

impl PossessionArgs {
    /// Returns what the proof signs.
    pub(crate) fn signed(&self) -> anyhow::Result<Signed> {
        let proof_type = match self.kind {
            Kind::Bip340 => PopType::Bip340,
            Kind::Bip322 => PopType::Bip322,
            Kind::Ecdsa => PopType::Ecdsa,
            Kind::Bip340Text => {
                ensure!(self.signing_context.is_none(), "--signing-context: must be absent with bip340-text");
                return Ok(Signed::Text(self.address.parse().context("--address")?));
            }
        };
        let address: AccountAddress = self.address.parse().context("--address")?;
        Ok(Signed::Chain(proof_type, possession_message(&address, self.signing_context)?))
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

/// Reads a proof: hex, or base64 as wallets show it; `@FILE` or `-` for such a text or for its bytes.
pub(crate) fn given_proof(argument: &str) -> anyhow::Result<GivenProof> {
    let content = Content::of(argument)?;
    ensure!(!content.bytes().is_empty(), "it has no bytes");
    match content.text().map_or(Err(PossessionError::Text), GivenProof::from_text) {
        // Bytes are no such text, except by chance.
        Err(PossessionError::Text) if is_source(argument) => {
            Ok(GivenProof::from_bytes(content.bytes().to_vec()))
        }
        read => read.map_err(|error| anyhow!("{error}{}", input::file_hint(argument))),
    }
}
