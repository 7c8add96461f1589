//! The node that some commands ask: a `bitcoind`, on any network.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use bitcoin::Network;
use chain::Node;

use super::network::{NetworkName, network_name};

/// The node to ask.
#[derive(clap::Args)]
pub(crate) struct NodeArgs {
    /// The URL of a bitcoind, http://user:password@host:port.
    #[arg(long, value_name = "URL")]
    pub(crate) node: Option<String>,
    /// The cookie file of that bitcoind, instead of user and password in the URL.
    #[arg(long, value_name = "FILE", requires = "node")]
    cookie_file: Option<PathBuf>,
    /// How many blocks are searched, from the tip down, for transactions that the node has no index of.
    #[arg(long, value_name = "BLOCKS", default_value_t = 2016, requires = "node")]
    search_blocks: u32,
}

impl NodeArgs {
    /// Returns the node, or an error when none is named.
    pub(crate) fn connect(&self) -> anyhow::Result<Box<dyn Node>> {
        self.connect_searching(self.search_blocks)
    }

    /// Returns the node, which must be on the network of `--network`.
    pub(crate) fn connect_on(&self, network: NetworkName) -> anyhow::Result<Box<dyn Node>> {
        let node = self.connect()?;
        check_network(node.network(), network)?;
        Ok(node)
    }

    /// Returns the node, without a search of blocks for what it has no index of.
    pub(crate) fn connect_without_search(&self) -> anyhow::Result<Box<dyn Node>> {
        self.connect_searching(0)
    }

    fn connect_searching(&self, blocks: u32) -> anyhow::Result<Box<dyn Node>> {
        let url = self.node.as_deref().context("--node is absent; must be the URL of a bitcoind")?;
        bitcoind(url, self.cookie_file.clone(), Some(blocks))
    }
}

/// Refuses a node on another network than that of `--network`.
fn check_network(found: Network, expected: NetworkName) -> anyhow::Result<()> {
    // Who did not give the flag has to learn what stands in for it.
    let default = if matches!(expected, NetworkName::Mainnet) { " (mainnet is its default)" } else { "" };
    ensure!(
        found == Network::from(expected),
        "--node is on {}; must be on {expected}, as --network says{default}",
        network_name(found)
    );
    Ok(())
}

/// Returns a running bitcoind, whose blocks are searched this far for what it has no index of (2016 unless
/// given).
#[cfg(feature = "rpc")]
pub(crate) fn bitcoind(
    url: &str,
    cookie_file: Option<PathBuf>,
    search_blocks: Option<u32>,
) -> anyhow::Result<Box<dyn Node>> {
    use chain::{BitcoinCore, Credentials};

    let credentials = cookie_file.map_or(Credentials::None, Credentials::CookieFile);
    let node = BitcoinCore::connect(url, credentials).context("cannot use the node given with --node")?;
    Ok(Box::new(match search_blocks {
        Some(blocks) => node.with_search_depth(blocks),
        None => node,
    }))
}

/// Refuses: this build has no JSON-RPC client.
#[cfg(not(feature = "rpc"))]
pub(crate) fn bitcoind(_: &str, _: Option<PathBuf>, _: Option<u32>) -> anyhow::Result<Box<dyn Node>> {
    anyhow::bail!(
        "this btcstake was built without the feature `rpc`, so it cannot talk to a bitcoind; install it with \
        `cargo install --path cli --features rpc`"
    )
}

/// Returns a regtest chain in this process.
#[cfg(feature = "embedded")]
pub(crate) fn embedded() -> anyhow::Result<Box<dyn Node>> {
    Ok(Box::new(chain::EmbeddedRegtest::in_memory().context("cannot start the embedded node")?))
}

/// Refuses: this build has no engine.
#[cfg(not(feature = "embedded"))]
pub(crate) fn embedded() -> anyhow::Result<Box<dyn Node>> {
    anyhow::bail!(
        "this btcstake was built without the feature `embedded`, so it has no node of its own; name a bitcoind on \
        regtest with --node http://user:password@host:port, or install it with `cargo install --path cli`"
    )
}
