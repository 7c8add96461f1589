//! `adaptor verify`: is it an adaptor signature?

use eots::{AdaptorSignature, XOnlyPublicKey};

use crate::input::{self, Claimed};
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake adaptor verify --public-key 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 \
    --encryption-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --message 0707070707070707070707070707070707070707070707070707070707070707 --adaptor-signature ADAPTOR_SIGNATURE"
)]
pub(crate) struct Args {
    /// The covenant member's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::claimed_public_key)]
    public_key: Claimed<XOnlyPublicKey>,
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = input::claimed_public_key)]
    encryption_key: Claimed<XOnlyPublicKey>,
    /// The message: the 32-byte sighash of a slashing transaction.
    #[arg(long, value_name = "BYTES", value_parser = input::bytes32)]
    message: [u8; 32],
    /// The adaptor signature, 65 bytes (or 66 in the old form).
    #[arg(long, value_name = "BYTES", value_parser = input::claimed_adaptor_signature)]
    adaptor_signature: Claimed<AdaptorSignature>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        Ok(Output::verdict(self.verify()))
    }

    fn verify(&self) -> anyhow::Result<()> {
        let (public_key, encryption_key) = (self.public_key.get()?, self.encryption_key.get()?);
        Ok(self.adaptor_signature.get()?.verify(public_key, encryption_key, &self.message)?)
    }
}
