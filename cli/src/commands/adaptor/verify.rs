//! `adaptor verify`: verifies an adaptor signature.

use eots::{AdaptorSignature, Message, XOnlyPublicKey};

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Claimed};
use crate::view::output::Printout;
use crate::view::verdict::Verdict;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake adaptor verify --public-key 4d4b6cd1361032ca9bd2aeb9d900aa4d45d9ead80ac9423374c451a7254d0766 \
    --encryption-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f \
    --message 0707070707070707070707070707070707070707070707070707070707070707 --adaptor-signature ADAPTOR_SIGNATURE"
)]
pub(crate) struct Args {
    /// The covenant member's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::claimed_public_key))]
    public_key: Argument<Claimed<XOnlyPublicKey>>,
    /// The finality provider's public key.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::claimed_public_key))]
    encryption_key: Argument<Claimed<XOnlyPublicKey>>,
    /// The message: the 32-byte sighash of a slashing transaction.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes32))]
    message: Argument<[u8; 32]>,
    /// The adaptor signature, 65 bytes (or 66 in the old form).
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::claimed_adaptor_signature))]
    adaptor_signature: Argument<Claimed<AdaptorSignature>>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        Verdict::print(self.verify()?)
    }

    /// Returns whether it verifies; fails when an argument cannot be read.
    fn verify(&self) -> anyhow::Result<anyhow::Result<()>> {
        let (public_key, encryption_key) = (self.public_key.read()?, self.encryption_key.read()?);
        let (signature, message) =
            (self.adaptor_signature.read()?, Message::from_digest(self.message.read()?));
        let verify = || {
            let (public_key, encryption_key) = (public_key.get()?, encryption_key.get()?);
            Ok(signature.get()?.verify(public_key, encryption_key, message)?)
        };
        Ok(verify())
    }
}
