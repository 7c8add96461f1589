//! The node that some commands ask: a `bitcoind`, on any network.

use std::path::PathBuf;

use anyhow::Context;
use chain::Node;

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

    /// Returns the node, without a search of blocks for what it has no index of.
    pub(crate) fn connect_without_search(&self) -> anyhow::Result<Box<dyn Node>> {
        self.connect_searching(0)
    }

    fn connect_searching(&self, blocks: u32) -> anyhow::Result<Box<dyn Node>> {
        let url = self.node.as_deref().context("--node is absent; must be the URL of a bitcoind")?;
        bitcoind(url, self.cookie_file.clone(), Some(blocks))
    }
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
