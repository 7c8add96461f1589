//! `eots verify`: is it a signature?

use eots::{PublicRandomness, Signature, SigningContext, XOnlyPublicKey};

use super::in_context;
use crate::input::{self, Bytes, Claimed};
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
    #[arg(long, value_name = "BYTES", value_parser = input::claimed_public_key)]
    public_key: Claimed<XOnlyPublicKey>,
    /// The public randomness committed to for this height.
    #[arg(long, value_name = "BYTES", value_parser = input::public_randomness)]
    public_randomness: PublicRandomness,
    /// The message signed.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes)]
    message: Bytes,
    /// On a consumer chain: the signing context, which precedes the message.
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
    /// The signature, 32 bytes.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    signature: [u8; 32],
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        Ok(Output::verdict(self.verify()))
    }

    fn verify(&self) -> anyhow::Result<()> {
        let signature = Signature::from_bytes(self.signature)?;
        let message = in_context(self.signing_context, &self.message);
        Ok(eots::verify(self.public_key.get()?, &self.public_randomness, &message, &signature)?)
    }
}
