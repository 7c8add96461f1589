//! `eots sign`: signs with the randomness of a height.

use super::signing::{Output, SigningArgs};
use crate::args::argument::{self, Argument};
use crate::args::input::{self, Bytes};
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
        Printout::of(&self.signing.sign(self.height, &message)?)
    }
}
