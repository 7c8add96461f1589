//! `provider edit`: changes what a finality provider says of itself.

use babylon::Message;
use babylon::message::Commission;
use eots::XOnlyPublicKey;

use crate::args::description::DescriptionArgs;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "All of what it says is replaced: what is not given is empty from then on. Only the account that registered the finality provider may.\n\n\
    Example:\n  btcstake provider edit --public-key KEY --moniker second --commission-rate 0.06 --chain-id bbn-1 --chain-node URL --account operator"
)]
pub(crate) struct Args {
    /// The finality provider's public key.
    #[arg(long, value_name = "64 HEX DIGITS")]
    public_key: XOnlyPublicKey,
    #[command(flatten)]
    description: DescriptionArgs,
    /// What it keeps of its stakers' rewards, from 0 to 1; as before where absent.
    #[arg(long, value_name = "RATE")]
    commission_rate: Option<Commission>,
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
        let description = self.description.into();
        let message = Message::edit_finality_provider(
            sender.address(),
            &self.public_key,
            &description,
            self.commission_rate,
        );
        sender.print(self.chain_id.as_deref(), vec![message])
    }
}
