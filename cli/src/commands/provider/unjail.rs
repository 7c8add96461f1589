//! `provider unjail`: lets a finality provider vote again.

use anyhow::ensure;
use babylon::Message;
use babylon::contract::ContractMessage;
use eots::XOnlyPublicKey;

use crate::args::contract::{ContractArgs, sender_to};
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
    contract: ContractArgs,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (chain_id, public_key) = (self.chain_id.as_deref(), self.public_key);
        ensure!(
            chain_id.is_some() || !self.contract.is_given(),
            "--chain-id is absent; must be given with --contract"
        );
        let contract = self.contract.contract(chain_id.unwrap_or_default())?;
        let sender = sender_to(contract.as_ref(), &self.send, &self.nodes)?;
        let message = match &contract {
            None => Message::unjail_finality_provider(sender.address(), &public_key),
            Some(contract) => Message::execute_contract(
                sender.address(),
                contract,
                &ContractMessage::Unjail { public_key },
            )?,
        };
        sender.print(chain_id, vec![message])
    }
}
