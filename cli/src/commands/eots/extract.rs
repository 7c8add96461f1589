//! `eots extract`: extracts the secret key from two signatures.

#[cfg(feature = "babylon")]
use anyhow::ensure;
use anyhow::{Context, bail};
use eots::{PublicRandomness, SecretKey, Signature, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
#[cfg(feature = "babylon")]
use crate::args::evidence::EvidenceArgs;
use crate::args::input::{self, Bytes};
use crate::view::output::{CommandOutput, Exit, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Give --message and --signature twice each, in the same order, or --evidence: what the chain prints has all of it. The key printed is the one whose point has an even y: a public \
    key has two secrets, each the other's negation.\n\nExamples:\n  btcstake eots extract --evidence evidence.json\n  btcstake eots extract \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --public-randomness c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf \
    --message 0000000000000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
    --signature 53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c \
    --message 0000000000000001bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb \
    --signature SECOND_SIGNATURE"
)]
// There is no other signing context here, and scripts have this name.
#[cfg_attr(
    feature = "babylon",
    command(mut_arg("evidence_signing_context", |arg| arg.alias("signing-context")))
)]
pub(crate) struct Args {
    /// The finality provider's public key; of --evidence against several, the one that is meant.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key))]
    public_key: Option<Argument<XOnlyPublicKey>>,
    /// The public randomness of both signatures.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_randomness))]
    public_randomness: Option<Argument<PublicRandomness>>,
    /// A message signed (twice).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes))]
    message: Vec<Argument<Bytes>>,
    /// Its signature (twice).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    signature: Vec<Argument<[u8; 32]>>,
    #[cfg(feature = "babylon")]
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// The extracted secret key, or why none can be extracted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The secret key in hex.
    pub secret_key: Option<String>,
    /// Why no key can be extracted.
    pub reason: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match (&self.secret_key, &self.reason) {
            (Some(key), _) => key.clone(),
            (None, reason) => {
                format!("no key can be extracted: {}", reason.as_deref().unwrap_or_default())
            }
        }
    }

    fn exit(&self) -> Exit {
        Exit::of(self.secret_key.is_some())
    }
}

impl Output {
    fn of(extracted: anyhow::Result<SecretKey>) -> Self {
        match extracted {
            Ok(key) => Self { secret_key: Some(hex::encode(key.to_bytes().as_slice())), reason: None },
            Err(error) => Self { secret_key: None, reason: Some(error.to_string()) },
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let public_key = self.public_key.as_ref().map(Argument::read).transpose()?;
        #[cfg(feature = "babylon")]
        {
            let is_meant = |found: &XOnlyPublicKey| public_key.is_none_or(|meant| meant == *found);
            if let Some(evidence) = self.evidence.one(is_meant)? {
                let pair = self.public_randomness.is_some()
                    || !self.message.is_empty()
                    || !self.signature.is_empty();
                ensure!(
                    !pair,
                    "--evidence is given; --public-randomness, --message and --signature must not be"
                );
                return Printout::of(&Output::of(evidence.extract().map_err(Into::into)));
            }
        }
        let public_key = public_key.context("--public-key is absent; must be given")?;
        let public_randomness =
            self.public_randomness.as_ref().context("--public-randomness is absent; must be given")?;
        let public_randomness = public_randomness.read()?;
        let (messages, signatures) =
            (argument::read_all(&self.message)?, argument::read_all(&self.signature)?);
        let ([Bytes(first), Bytes(second)], [s1, s2]) = (messages.as_slice(), signatures.as_slice()) else {
            bail!(
                "--message is given {} times and --signature {} times; must be twice each",
                messages.len(),
                signatures.len()
            );
        };
        let extracted = Signature::from_bytes(*s1).and_then(|s1| Ok((s1, Signature::from_bytes(*s2)?)));
        let extracted = extracted.map_err(anyhow::Error::from).and_then(|(s1, s2)| {
            Ok(eots::extract(&public_key, &public_randomness, (first, &s1), (second, &s2))?)
        });
        Printout::of(&Output::of(extracted))
    }
}
