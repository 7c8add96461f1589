//! The Bitcoin node that the watchtower follows.

use chain::Node;

use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;

/// The node, and the network that it must be on.
#[derive(clap::Args)]
pub(super) struct BitcoinArgs {
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
}

impl BitcoinArgs {
    /// Returns whether a node is given, for commands that also do without.
    pub(super) const fn is_given(&self) -> bool {
        self.node.node.is_some()
    }

    /// Returns the node, for as long as the process runs.
    pub(super) fn connect(&self) -> anyhow::Result<Box<dyn Node>> {
        self.node.connect_for_daemon(self.network)
    }
}
