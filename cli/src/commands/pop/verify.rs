//! `pop verify`: verifies a proof of possession.

use anyhow::{bail, ensure};
use bitcoin::Network;
use eots::XOnlyPublicKey;
use finality::PossessionMessage;
use serde::{Deserialize, Serialize};
use staking_scripts::ProofOfPossession;
use staking_scripts::possession::{GivenProof, PopType, PossessionError};

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Claimed};
use crate::args::network::NetworkName;
use crate::args::possession::{Kind, PossessionArgs, Signed, given_proof};
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::verdict::Verdict;

#[derive(clap::Args)]
#[command(
    after_help = "A proof of bip322 is given as the wallet shows it: simple (smp…, or base64 alone), or full (ful…), of a \
    P2WPKH or P2TR address of the key; a nested address (3…) does not do. With --json, proof_of_possession is what `stake sign \
    --possession` takes, which reads the whole answer too.\n\n\
    Examples:\n  btcstake pop verify --type bip340 --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --signature 62bdb51bb1f525d270b99dbf1b6dfd82cbe222dc824e60d98082fd56a8a5180c\
    0df7d8b2e434f1549de5ad8ce2cbfd9899965d42dba79daedd1ae6ab04d4090e\n  \
    btcstake pop verify --type bip340-text --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm \
    --public-key 3d0bebcbe800236ce8603c5bb1ab6c2af0932e947db4956a338f119797c37f1e \
    --signature pR6vxgU0gXq+VqO+y7dHpZgHTz3zr5hdqXXh0WcWNkqUnRjHrizhYAHDMV8gh4vks4PqzKAIgZ779Wqwf5UrXQ=="
)]
pub(crate) struct Args {
    #[command(flatten)]
    possession: PossessionArgs,
    /// The staker's or the finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::claimed_public_key))]
    public_key: Argument<Claimed<XOnlyPublicKey>>,
    /// The proof: 64 bytes of bip340, 65 bytes of ecdsa; of bip322 what the wallet shows, or the chain's
    /// message with the Bitcoin address. Hex or base64; @FILE or - for such a text or for the bytes.
    #[arg(long, value_name = "PROOF", value_parser = argument::value(given_proof))]
    signature: Argument<GivenProof>,
    /// With bip322: the Bitcoin network of the address that proof_of_possession names, where the proof does
    /// not. [default: mainnet]
    #[arg(long)]
    network: Option<NetworkName>,
}

/// Whether a proof of possession is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Whether it is valid.
    pub valid: bool,
    /// Why it is not valid; null when it is.
    pub reason: Option<String>,
    /// The proof as a delegation has it, which `stake sign --possession` takes; null when it is not valid,
    /// and of bip340-text, which no chain takes.
    pub proof_of_possession: Option<PossessionRecord>,
}

/// A valid proof of possession, as a delegation has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PossessionRecord {
    /// `bip340`, `bip322` or `ecdsa`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The account on Babylon Genesis or the consumer chain, in bech32.
    pub account: String,
    /// The proof in hex, as the chain carries it.
    pub signature: String,
    /// The signing context of a consumer chain; null on Babylon Genesis.
    pub signing_context: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        Verdict { valid: self.valid, reason: self.reason.clone() }.text()
    }

    fn exit(&self) -> Exit {
        Exit::of(self.valid)
    }
}

impl Args {
    fn record(&self, message: &PossessionMessage, proof: &ProofOfPossession) -> PossessionRecord {
        let context = message.context();
        PossessionRecord {
            kind: self.possession.kind.to_string(),
            account: message.address().to_string(),
            signature: hex::encode(proof.signature_bytes()),
            signing_context: (!context.is_genesis()).then(|| context.to_string()),
        }
    }

    fn verify(
        &self,
        signed: &Signed,
        given: &GivenProof,
        key: &XOnlyPublicKey,
    ) -> anyhow::Result<Option<PossessionRecord>> {
        let network = self.network.map_or(Network::Bitcoin, Network::from);
        match signed {
            Signed::Text(account) => {
                let proof = given.read(PopType::Bip340, key, network)?;
                let is_signed = match &proof {
                    ProofOfPossession::Bip340(signature) => account.verify_bip340(key, signature),
                    _ => false,
                };
                ensure!(is_signed, "the key {key} has not signed the text {}", account.as_str());
                Ok(None)
            }
            Signed::Chain(proof_type, message) => {
                let proof = given.read(*proof_type, key, network)?;
                proof.verify(key, message)?;
                Ok(Some(self.record(message, &proof)))
            }
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        if self.network.is_some() && self.possession.kind != Kind::Bip322 {
            bail!("--network: must be given with --type bip322 only");
        }
        let signed = self.possession.signed()?;
        let (public_key, given) = (self.public_key.read()?, self.signature.read()?);
        let verdict = match public_key.get() {
            Ok(key) => self.verify(&signed, &given, key),
            Err(error) => Err(error),
        };
        let reason = match verdict {
            Ok(proof_of_possession) => {
                return Printout::of(&Output { valid: true, reason: None, proof_of_possession });
            }
            // Another form or length is wrong usage; what else is wrong with a proof is a negative answer.
            Err(error) => match error.downcast_ref() {
                Some(PossessionError::Length { .. } | PossessionError::Form { .. }) => {
                    return Err(error.context(self.signature.name()));
                }
                _ => format!("{error:#}"),
            },
        };
        Printout::of(&Output { valid: false, reason: Some(reason), proof_of_possession: None })
    }
}
