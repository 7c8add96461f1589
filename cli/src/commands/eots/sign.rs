//! `eots sign`: signs with the randomness of a height.

use serde::{Deserialize, Serialize};

use crate::args::argument::{self, Argument};
use crate::args::input::{self, Bytes};
use crate::args::vote_signing::{Signed, SigningArgs};
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Votes are made by `btcstake eots vote`, which takes the block itself: on Babylon Genesis a vote is over the AppHash and not the hash of the \
    block, the chain takes a vote for a wrong one without a word, and the right one after it reveals the secret key.\n\n\
    Examples:\n  btcstake eots sign --secret-key-file provider.key --chain-id bbn-1 --height 1 \
    --message 00000000000000010000000000000000000000000000000000000000000000000000000000000000 --protection signing.db\n  \
    btcstake eots sign --signer URL --signer-secret-file operator.secret --chain-id bbn-1 --height 1 \
    --message 00000000000000010000000000000000000000000000000000000000000000000000000000000000"
)]
pub(crate) struct Args {
    #[command(flatten)]
    signing: SigningArgs,
    /// The height of the block.
    #[arg(long, allow_negative_numbers = true)]
    height: u64,
    /// The message: hex, @FILE or -. Use `btcstake eots vote` to vote.
    #[arg(long, value_name = "BYTES", value_parser = argument::value(input::bytes))]
    message: Argument<Bytes>,
}

/// An EOTS signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The finality provider's public key.
    pub public_key: String,
    /// The public randomness of the height.
    pub public_randomness: String,
    /// The message that is signed, in hex: with the signing context before it, on a consumer chain.
    pub message: String,
    /// The signature, 32 bytes in hex.
    pub signature: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!(
            "public key         {}\npublic randomness  {}\nsignature          {}",
            self.public_key, self.public_randomness, self.signature
        )
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let message = self.message.read()?;
        let Signed { public_key, public_randomness, message, signature } =
            self.signing.sign(self.height, &message)?;
        Printout::of(&Output {
            public_key: public_key.to_string(),
            public_randomness: public_randomness.to_string(),
            message: hex::encode(message),
            signature: signature.to_string(),
        })
    }
}
