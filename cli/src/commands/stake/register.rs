//! `stake register`: registers a stake with the chain.

use anyhow::{Context as _, ensure};
use babylon::Message;
use bitcoin::{Transaction, Txid};
use staking_scripts::Delegation;

use crate::args::argument::Argument;
use crate::args::delegation::{delegation_file, select};
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::args::transaction::{self, Given};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The delegation must have the staker's signatures and proof of possession, which names the account that sends. With the proof of its \
    inclusion it is registered as one that is in Bitcoin already. A stake that extends another needs --funding-tx, the whole transaction of the other coin \
    that it spends. The chain checks every rule; `stake check` does so before.\n\n\
    Examples:\n  btcstake stake register --delegation signed.json --chain-id bbn-1 --chain-node URL --account staker\n  \
    btcstake stake register --delegation signed.json --unsigned > register.json"
)]
pub(crate) struct Args {
    /// The delegation: this program's JSON; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = delegation_file())]
    delegation: Argument<Vec<Delegation>>,
    /// Which delegation of a file with several, by its staking transaction.
    #[arg(long, value_name = "TXID")]
    staking_txid: Option<Txid>,
    /// Of a stake that extends another: the transaction whose output its second input spends.
    #[arg(long, value_name = "TRANSACTION", value_parser = transaction::parser())]
    funding_tx: Option<Argument<Given>>,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    /// Returns the whole transaction of the coin that an extension spends beside the stake; nothing for any
    /// other stake.
    fn funding(&self, delegation: &Delegation) -> anyhow::Result<Option<Transaction>> {
        let given = self.funding_tx.as_ref().map(Argument::read).transpose()?;
        let coin = delegation.extends.as_ref().and(delegation.staking_transaction.input.get(1));
        let Some(expected) = coin.map(|coin| coin.previous_output.txid) else {
            ensure!(given.is_none(), "--funding-tx is given; must be absent, as the stake extends none");
            return Ok(None);
        };
        let given = given.with_context(|| {
            format!("--funding-tx is absent; must be {expected}, whose output the extension spends beside the stake")
        })?;
        let found = given.transaction.compute_txid();
        ensure!(
            found == expected,
            "--funding-tx is {found}; must be {expected}, whose output the extension spends beside the stake"
        );
        Ok(Some(given.transaction))
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let delegation = select(&self.delegation, self.staking_txid, None)?;
        let funding = self.funding(&delegation)?;
        let message =
            Message::register_stake(&delegation, funding.as_ref()).with_context(|| self.delegation.name())?;
        let sender = self.send.sender_as(&self.nodes, message.signer())?;
        sender.print(self.chain_id.as_deref(), vec![message])
    }
}
