//! `pop verify`: verifies a proof of possession.

use anyhow::{bail, ensure};
use bitcoin::Network;
use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use eots::XOnlyPublicKey;
use staking_scripts::ProofOfPossession;
use staking_scripts::possession::{Bip322Signature, PossessionError};

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Bytes, Claimed};
use crate::args::possession::{Kind, PossessionArgs};
use crate::view::output::Printout;
use crate::view::verdict::Verdict;

/// The prefix that newer wallets put before the base64 of a simple signature.
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
    possession: PossessionArgs,
    /// The staker's or the finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::claimed_public_key))]
    public_key: Argument<Claimed<XOnlyPublicKey>>,
    /// The signature: 64 bytes of bip340, 65 bytes of ecdsa; of bip322 the chain's message with the Bitcoin
    /// address, or the simple signature alone. Hex, @FILE, - or, as wallets show it, base64.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(signature))]
    signature: Argument<Bytes>,
}

fn signature(text: &str) -> anyhow::Result<Bytes> {
    let base64 = || BASE64_STANDARD.decode(text.strip_prefix(SIMPLE_PREFIX).unwrap_or(text));
    let bytes = input::bytes(text).or_else(|error| base64().map(Bytes).map_err(|_| error))?;
    ensure!(!bytes.0.is_empty(), "it has no bytes");
    Ok(bytes)
}

impl Args {
    fn proof(
        &self,
        Bytes(bytes): &Bytes,
        public_key: &XOnlyPublicKey,
    ) -> Result<ProofOfPossession, PossessionError> {
        match (self.possession.kind, bytes.as_slice()) {
            // A witness begins with the number of its items, and no protobuf message with these bytes. Any
            // network's address will do, as it is the script that is signed.
            (Kind::Bip322, [1 | 2, ..]) => Bip322Signature::from_simple(bytes, public_key, Network::Bitcoin)
                .map(ProofOfPossession::Bip322),
            (kind, bytes) => ProofOfPossession::from_signature_bytes(kind.into(), bytes),
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let message = self.possession.message()?;
        let (public_key, signature) = (self.public_key.read()?, self.signature.read()?);
        let public_key = match public_key.get() {
            Ok(public_key) => public_key,
            Err(error) => return Verdict::print(Err(error)),
        };
        match self.proof(&signature, public_key) {
            // A wrong length is wrong usage; what else is wrong with the bytes is a negative answer.
            Err(error @ PossessionError::Length { .. }) => bail!("--signature: {error}"),
            proof => Verdict::print(
                proof.map_err(Into::into).and_then(|proof| Ok(proof.verify(public_key, &message)?)),
            ),
        }
    }
}
