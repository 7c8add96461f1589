//! `checkpoint headers`: tells the chain of Bitcoin's headers.

use babylon::Message;
use serde::{Deserialize, Serialize};

use crate::args::network::NetworkName;
use crate::args::new_headers::new_headers;
use crate::args::node::NodeArgs;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::{CommandOutput, Printout};
use crate::view::sent::Output as Sent;

/// How many headers are in one transaction: each takes some 11 000 gas.
const AT_ONCE: usize = 500;

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
    /// The transactions, in order; of unsigned ones the first alone, as it must be executed before the next.
    pub transactions: Vec<Sent>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let sent: Vec<_> = self.transactions.iter().map(CommandOutput::text).collect();
        match sent.as_slice() {
            [] => "the chain knows every header".to_owned(),
            sent => format!("{} headers\n{}", self.count, sent.join("\n")),
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let sender = self.send.sender(&self.nodes)?;
        let bitcoin = self.node.connect_without_search(self.network)?;
        let node = self.nodes.node()?;
        let mut output = Output { count: 0, transactions: Vec::new() };
        loop {
            let (headers, is_all) = new_headers(&node, &*bitcoin, AT_ONCE)?;
            if headers.is_empty() {
                break;
            }
            output.count = output.count.saturating_add(headers.len());
            let message = Message::insert_headers(sender.address(), &headers);
            let sent = sender.send(self.chain_id.as_deref(), vec![message])?;
            let is_last = is_all || matches!(sent, Sent::Unsigned(_));
            output.transactions.push(sent);
            if is_last {
                break;
            }
        }
        Printout::of(&output)
    }
}
