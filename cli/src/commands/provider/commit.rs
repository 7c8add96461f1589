//! `provider commit`: commits to randomness on the chain.

use babylon::Message;
use babylon::contract::ContractMessage;
use finality::Operation;

use crate::args::contract::{ContractArgs, sender_to};
use crate::args::randomness_range::RandomnessRangeArgs;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The commitment counts when the epoch in which it was sent is finalized on Bitcoin; a range may not overlap an earlier one. With \
    --contract it is for the finality contract of a consumer chain, as the message that the contract takes (docs/provider.md).\n\n\
    Example:\n  btcstake provider commit --signer URL --signer-secret-file operator.secret --chain-id bbn-1 --height 2410001 --count 50000 \
    --chain-node URL --account operator"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: RandomnessRangeArgs,
    #[command(flatten)]
    contract: ContractArgs,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let chain_id = &self.range.chain_id;
        let contract = self.contract.contract(chain_id)?;
        let sender = sender_to(contract.as_ref(), &self.send, &self.nodes)?;
        let Some(contract) = contract else {
            let (public_key, signed) = self.range.commit(None)?;
            let message = Message::commit_randomness(sender.address(), &public_key, &signed);
            return sender.print(Some(chain_id), vec![message]);
        };
        let (public_key, signed) =
            self.range.commit(Some(contract.context(Operation::RandomnessCommitment)))?;
        let told = ContractMessage::Commit { public_key, signed };
        let message = Message::execute_contract(sender.address(), &contract, &told)?;
        sender.print(Some(&contract.chain_id), vec![message])
    }
}
