//! `eots extract`: the secret key from two signatures.

use anyhow::bail;
use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use serde::Serialize;

use crate::input::{self, Bytes};
use crate::output::Output;

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
    #[arg(long, value_name = "BYTES", value_parser = input::public_key)]
    public_key: XOnlyPublicKey,
    /// The public randomness both signatures were made with.
    #[arg(long, value_name = "BYTES", value_parser = input::public_randomness)]
    public_randomness: PublicRandomness,
    /// A message signed (twice).
    #[arg(long, value_name = "BYTES", value_parser = input::bytes, required = true)]
    message: Vec<Bytes>,
    /// Its signature (twice).
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32, required = true)]
    signature: Vec<[u8; 32]>,
}

#[derive(Serialize)]
struct Fields {
    secret_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let ([Bytes(first), Bytes(second)], [s1, s2]) = (self.message.as_slice(), self.signature.as_slice())
        else {
            bail!(
                "--message and --signature are needed twice each, and were given {} and {} times",
                self.message.len(),
                self.signature.len()
            );
        };
        let extracted = Signature::from_bytes(*s1).and_then(|s1| Ok((s1, Signature::from_bytes(*s2)?)));
        let extracted = extracted.map_err(anyhow::Error::from).and_then(|(s1, s2)| {
            Ok(eots::extract(&self.public_key, &self.public_randomness, (first, &s1), (second, &s2))?)
        });
        match extracted {
            Ok(key) => {
                let secret_key = hex::encode(key.to_bytes().as_slice());
                Output::new(secret_key.clone(), &Fields { secret_key: Some(secret_key), reason: None })
            }
            Err(error) => {
                let reason = error.to_string();
                let text = format!("no key can be extracted: {reason}");
                Ok(Output::new(text, &Fields { secret_key: None, reason: Some(reason) })?.negative())
            }
        }
    }
}
