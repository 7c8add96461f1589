//! `eots check-commitment`: did the finality provider sign it?

use bitcoin::secp256k1::schnorr;
use eots::{Consumer, Genesis, RandomnessCommitment, SigningContext, XOnlyPublicKey};

use crate::input::{self, Claimed};
use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake eots check-commitment --height 100 --count 1000 \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f --root ROOT --signature SIGNATURE")]
pub(crate) struct Args {
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::claimed_public_key)]
    public_key: Claimed<XOnlyPublicKey>,
    /// The first height committed to.
    #[arg(long, allow_negative_numbers = true)]
    height: u64,
    /// How many heights.
    #[arg(long, allow_negative_numbers = true)]
    count: u64,
    /// The root.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    root: [u8; 32],
    /// The signing context of a consumer chain; on genesis there is none.
    #[arg(long, value_name = "64 HEX DIGITS")]
    signing_context: Option<SigningContext>,
    /// The provider's signature, 64 bytes.
    #[arg(long, value_name = "BYTES", value_parser = input::schnorr_signature)]
    signature: schnorr::Signature,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        Ok(Output::verdict(self.verify()))
    }

    fn verify(&self) -> anyhow::Result<()> {
        let commitment =
            RandomnessCommitment { start_height: self.height, count: self.count, root: self.root };
        let public_key = self.public_key.get()?;
        let verdict = match &self.signing_context {
            None => commitment.verify_signature::<Genesis>(public_key, &(), &self.signature),
            Some(context) => commitment.verify_signature::<Consumer>(public_key, context, &self.signature),
        };
        Ok(verdict?)
    }
}
