//! `checkpoint headers`: tells the chain of Bitcoin's headers.

use anyhow::ensure;
use babylon::Message;
use bitcoin::block::Header;
use serde::{Deserialize, Serialize};

use crate::args::network::NetworkName;
use crate::args::new_headers::new_headers;
use crate::args::node::NodeArgs;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::{CommandOutput, Printout, warn};
use crate::view::sent::{Output as Sent, SentTransaction};

/// How many headers are in one transaction: each takes some 10 400 gas, and nodes take no transaction that
/// may use more than 10 000 000.
const AT_ONCE: usize = 400;

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

/// What the chain was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// How many headers it did not know.
    pub count: usize,
    /// The transactions, in order.
    pub transactions: Vec<SentTransaction>,
}

impl CommandOutput for Output {
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
        let mut output = Output { count: 0, transactions: Vec::new() };
        let mut first = None;
        loop {
            let (headers, is_all) = new_headers(&node, &*bitcoin, AT_ONCE)?;
            let Some(begin) = headers.first().map(Header::block_hash) else { break };
            ensure!(
                first != Some(begin),
                "--chain-node: {} headers were executed, and the chain's tip is where it was",
                output.count
            );
            first = Some(begin);
            let count = headers.len();
            let message = Message::insert_headers(sender.address(), &headers);
            let sent = sender.send(self.chain_id.as_deref(), vec![message]);
            let sent = sent.map_err(|error| match output.transactions.last() {
                None => error,
                Some(last) => error.context(format!(
                    "{} headers are told, the last by {}; the next are not",
                    output.count, last.transaction_hash
                )),
            })?;
            match sent {
                Sent::Unsigned(_) => {
                    if !is_all {
                        warn(&format!(
                            "these are the first {count} headers; when they are executed, ask again for the next"
                        ));
                    }
                    return Printout::of(&sent);
                }
                Sent::Sent(sent) => output.transactions.push(sent),
            }
            output.count = output.count.saturating_add(count);
            if is_all {
                break;
            }
        }
        Printout::of(&output)
    }
}
