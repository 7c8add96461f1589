//! `provider commit`: commits to randomness on the chain.

use babylon::Message;

use crate::args::randomness_range::RandomnessRangeArgs;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The commitment counts when the epoch in which it was sent is finalized on Bitcoin; a range may not overlap an earlier one.\n\n\
    Example:\n  btcstake provider commit --signer URL --signer-secret-file operator.secret --chain-id bbn-1 --height 2410001 --count 50000 \
    --chain-node URL --account operator"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: RandomnessRangeArgs,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let sender = self.send.sender(&self.nodes)?;
        let (public_key, signed) = self.range.commit(None)?;
        let message = Message::commit_randomness(sender.address(), &public_key, &signed);
        sender.print(Some(&self.range.chain_id), vec![message])
    }
}
