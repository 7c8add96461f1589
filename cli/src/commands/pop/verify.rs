//! `pop verify`: is it a proof?

use anyhow::{bail, ensure};
use bitcoin::Network;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use eots::XOnlyPublicKey;
use staking_scripts::{Bip322Signature, InvalidProofOfPossession, ProofOfPossession};

use super::{ClaimArgs, Kind};
use crate::input::{self, Bytes, Claimed};
use crate::output::Output;

/// What wallets of late put before the base64 of a simple signature.
const SIMPLE_PREFIX: &str = "smp";

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake pop verify --type bip340 --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --signature 62bdb51bb1f525d270b99dbf1b6dfd82cbe222dc824e60d98082fd56a8a5180c\
    0df7d8b2e434f1549de5ad8ce2cbfd9899965d42dba79daedd1ae6ab04d4090e"
)]
pub(crate) struct Args {
    #[command(flatten)]
    claim: ClaimArgs,
    /// The staker's or the finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::claimed_public_key)]
    public_key: Claimed<XOnlyPublicKey>,
    /// The signature: 64 bytes of bip340, 65 bytes of ecdsa; of bip322 the chain's message with the Bitcoin
    /// address, or the simple signature alone. Hex, @FILE, - or, as wallets show it, base64.
    #[arg(long, value_name = "BYTES", value_parser = signature)]
    signature: Bytes,
}

fn signature(text: &str) -> anyhow::Result<Bytes> {
    let base64 = || BASE64_STANDARD.decode(text.strip_prefix(SIMPLE_PREFIX).unwrap_or(text));
    let bytes = input::bytes(text).or_else(|error| base64().map(Bytes).map_err(|_| error))?;
    ensure!(!bytes.0.is_empty(), "it has no bytes");
    Ok(bytes)
}

impl Args {
    fn proof(&self, public_key: &XOnlyPublicKey) -> Result<ProofOfPossession, InvalidProofOfPossession> {
        let Bytes(bytes) = &self.signature;
        match (self.claim.kind, bytes.as_slice()) {
            // A witness begins with the number of its items, and no protobuf message with these bytes. Any
            // network's address will do, as it is the script that is signed.
            (Kind::Bip322, [1 | 2, ..]) => Bip322Signature::from_simple(bytes, public_key, Network::Bitcoin)
                .map(ProofOfPossession::Bip322),
            (kind, bytes) => ProofOfPossession::from_signature_bytes(kind.into(), bytes),
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let claim = self.claim.claim()?;
        let Ok(public_key) = self.public_key.get() else {
            return Ok(Output::verdict(self.public_key.get().map(drop)));
        };
        match self.proof(public_key) {
            // A wrong length is wrong usage; what else is wrong with the bytes is a negative answer.
            Err(error @ InvalidProofOfPossession::Length { .. }) => bail!("--signature: {error}"),
            proof => Ok(Output::verdict(
                proof.map_err(Into::into).and_then(|proof| Ok(proof.verify(public_key, &claim)?)),
            )),
        }
    }
}
