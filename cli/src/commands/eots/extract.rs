//! `eots extract`: extracts the secret key from two signatures.

use anyhow::bail;
use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Bytes};
use crate::view::output::{CommandOutput, Exit, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Give --message and --signature twice each, in the same order. The key printed is the one whose point has an even y: a public \
    key has two secrets, each the other's negation.\n\nExample:\n  btcstake eots extract \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --public-randomness c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf \
    --message 0000000000000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
    --signature 53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c \
    --message 0000000000000001bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb \
    --signature SECOND_SIGNATURE"
)]
pub(crate) struct Args {
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_key))]
    public_key: Argument<XOnlyPublicKey>,
    /// The public randomness of both signatures.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_randomness))]
    public_randomness: Argument<PublicRandomness>,
    /// A message signed (twice).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes), required = true)]
    message: Vec<Argument<Bytes>>,
    /// Its signature (twice).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32), required = true)]
    signature: Vec<Argument<[u8; 32]>>,
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

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (messages, signatures) =
            (argument::read_all(&self.message)?, argument::read_all(&self.signature)?);
        let (public_key, public_randomness) = (self.public_key.read()?, self.public_randomness.read()?);
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
        Printout::of(&match extracted {
            Ok(key) => Output { secret_key: Some(hex::encode(key.to_bytes().as_slice())), reason: None },
            Err(error) => Output { secret_key: None, reason: Some(error.to_string()) },
        })
    }
}
