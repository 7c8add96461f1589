//! `eots check-commitment`: verifies the signature over a randomness commitment.

use bitcoin::secp256k1::schnorr;
use eots::XOnlyPublicKey;
use finality::{ConsumerHeight, RandomnessCommitment, SigningContext};

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Claimed};
use crate::view::output::Printout;
use crate::view::verdict::Verdict;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake eots check-commitment --height 100 --count 1000 \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f --root ROOT --signature SIGNATURE")]
pub(crate) struct Args {
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::claimed_public_key))]
    public_key: Argument<Claimed<XOnlyPublicKey>>,
    /// The first height committed to.
    #[arg(long, allow_negative_numbers = true)]
    height: ConsumerHeight,
    /// How many heights.
    #[arg(long, allow_negative_numbers = true)]
    count: u64,
    /// The root.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    root: Argument<[u8; 32]>,
    /// The signing context of a consumer chain; absent on Babylon Genesis.
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
    /// The provider's signature, 64 bytes.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::schnorr_signature))]
    signature: Argument<schnorr::Signature>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        Verdict::print(self.verify()?)
    }

    /// Returns whether it verifies; fails when an argument cannot be read.
    fn verify(&self) -> anyhow::Result<anyhow::Result<()>> {
        let (public_key, signature) = (self.public_key.read()?, self.signature.read()?);
        let commitment =
            RandomnessCommitment { start_height: self.height, count: self.count, root: self.root.read()? };
        let verify = || {
            let public_key = public_key.get()?;
            let context = self.signing_context.unwrap_or(SigningContext::GENESIS);
            Ok(commitment.verify_signature(public_key, &context, &signature)?)
        };
        Ok(verify())
    }
}
