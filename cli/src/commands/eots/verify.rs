//! `eots verify`: is it a signature?

use eots::{PublicRandomness, Signature, XOnlyPublicKey};

use crate::input::{self, Bytes};
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots verify --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --public-randomness c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf \
    --message 0000000000000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
    --signature 53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c"
)]
pub(crate) struct Args {
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::public_key)]
    public_key: XOnlyPublicKey,
    /// The public randomness committed to for this height.
    #[arg(long, value_name = "BYTES", value_parser = input::public_randomness)]
    public_randomness: PublicRandomness,
    /// The message signed.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes)]
    message: Bytes,
    /// The signature, 32 bytes.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    signature: [u8; 32],
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        // A number not below the group order is well-formed hex, and no signature: a negative answer, not wrong usage.
        let signature = match Signature::from_bytes(self.signature) {
            Ok(signature) => signature,
            Err(error) => return Output::verdict(false, Some(error.to_string())),
        };
        let verdict = eots::verify(&self.public_key, &self.public_randomness, &self.message.0, &signature);
        Output::verdict(verdict.is_ok(), verdict.err().map(|error| error.to_string()))
    }
}
