//! `provider unjail`: lets a finality provider vote again.

use babylon::Message;
use eots::XOnlyPublicKey;

use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "A finality provider is jailed for votes that it missed, and may not vote again before the chain's jail time is over. One that was slashed \
    stays so.\n\nExample:\n  btcstake provider unjail --public-key KEY --chain-id bbn-1 --chain-node URL --account operator"
)]
pub(crate) struct Args {
    /// The finality provider's public key.
    #[arg(long, value_name = "64 HEX DIGITS")]
    public_key: XOnlyPublicKey,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let sender = self.send.sender(&self.nodes)?;
        let message = Message::unjail_finality_provider(sender.address(), &self.public_key);
        sender.print(self.chain_id.as_deref(), vec![message])
    }
}
