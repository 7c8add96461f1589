//! `checkpoint headers`: tells the chain of Bitcoin's headers.

use babylon::Message;
use roles::headers::{HEADERS_AT_ONCE, new_headers, tell_headers};
use serde::{Deserialize, Serialize};

use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::args::secured_chain::{ChainNodeArgs, of_headers};
use crate::args::sending::SendArgs;
use crate::view::output::{CommandOutput, Printout, warn};
use crate::view::sent::{Output as Sent, SentTransaction, UnsignedTransaction};

#[derive(clap::Args)]
#[command(
    after_help = "Somebody has to: stakes, checkpoints and unbondings count by the Bitcoin blocks that the chain knows. Headers cost nothing where they are new.\n\n\
    Example:\n  btcstake checkpoint headers --network signet --node URL --cookie-file FILE --chain-id bbn-test-6 --chain-node URL --account reporter"
)]
pub(crate) struct Args {
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

/// What is printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Output {
    /// What the chain was told, or that it knows every header.
    Told(ToldHeaders),
    /// The transaction as `babylond tx sign` takes it: with --unsigned.
    Unsigned(UnsignedTransaction),
}

/// What the chain was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ToldHeaders {
    /// How many headers it did not know.
    pub count: usize,
    /// The transactions, in order.
    pub transactions: Vec<SentTransaction>,
}

impl CommandOutput for ToldHeaders {
    fn text(&self) -> String {
        let hashes: Vec<_> = self.transactions.iter().map(|sent| sent.transaction_hash.as_str()).collect();
        match hashes.as_slice() {
            [] => "the chain knows every header".to_owned(),
            hashes => format!("{} headers\n{}", self.count, hashes.join("\n")),
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let sender = self.send.sender(&self.nodes)?;
        let bitcoin = self.node.connect_without_search(self.network)?;
        let node = self.nodes.node()?;
        let mut output = ToldHeaders { count: 0, transactions: Vec::new() };
        if sender.is_unsigned() {
            let new = new_headers(&node, &*bitcoin, HEADERS_AT_ONCE)
                .map_err(|error| of_headers(&self.nodes, error.into()))?;
            if new.headers.is_empty() {
                return Printout::of(&output);
            }
            if !new.is_all {
                let count = new.headers.len();
                warn(&format!(
                    "these are the first {count} headers; when they are executed, ask again for the next"
                ));
            }
            let message = Message::insert_headers(sender.address(), &new.headers);
            return sender.print(self.chain_id.as_deref(), vec![message]);
        }
        tell_headers(&node, &*bitcoin, |headers| {
            let message = Message::insert_headers(sender.address(), headers);
            let sent = sender.send(self.chain_id.as_deref(), vec![message]);
            // Whether the chain refuses it or does not answer.
            let sent = sent.inspect_err(|_| {
                if let Some(last) = output.transactions.last() {
                    let (count, hash) = (output.count, &last.transaction_hash);
                    warn(&format!("{count} headers are told, the last by {hash}; the next are not"));
                }
            })?;
            if let Sent::Sent(sent) = sent {
                output.transactions.push(sent);
            }
            output.count = output.count.saturating_add(headers.len());
            Ok(())
        })
        .map_err(|error| of_headers(&self.nodes, error))?;
        Printout::of(&output)
    }
}
