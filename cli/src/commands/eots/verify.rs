//! `eots verify`: verifies an EOTS signature.

use eots::{PublicRandomness, Signature, XOnlyPublicKey};
use finality::SigningContext;

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Bytes, Claimed};
use crate::args::vote_signing::in_context;
use crate::view::output::Printout;
use crate::view::verdict::Verdict;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots verify --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --public-randomness c6c856990779dd73e9f32b40c5c3be313b866a039acffe5f9a130c93c0394daf \
    --message 0000000000000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \
    --signature 53db8ae45a196cd59d18e613a60fa744cb97ca0c396908d9797389a9ded8c06c"
)]
pub(crate) struct Args {
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::claimed_public_key))]
    public_key: Argument<Claimed<XOnlyPublicKey>>,
    /// The public randomness committed for this height.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::public_randomness))]
    public_randomness: Argument<PublicRandomness>,
    /// The message signed.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes))]
    message: Argument<Bytes>,
    /// On a consumer chain: the signing context, which precedes the message.
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
    /// The signature, 32 bytes.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    signature: Argument<[u8; 32]>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        Verdict::print(self.verify()?)
    }

    /// Returns whether it verifies; fails when an argument cannot be read.
    fn verify(&self) -> anyhow::Result<anyhow::Result<()>> {
        let (public_key, public_randomness) = (self.public_key.read()?, self.public_randomness.read()?);
        let message = in_context(self.signing_context, &self.message.read()?);
        let signature = self.signature.read()?;
        let verify = || {
            let signature = Signature::from_bytes(signature)?;
            Ok(eots::verify(public_key.get()?, &public_randomness, &message, &signature)?)
        };
        Ok(verify())
    }
}
