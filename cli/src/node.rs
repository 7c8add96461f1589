//! The node that some commands ask: a `bitcoind`, on any network.

use std::path::PathBuf;

use anyhow::Context;
use chain::{BitcoinCore, Credentials, Node};

/// Which node.
#[derive(clap::Args)]
pub(crate) struct NodeArgs {
    /// The URL of a bitcoind, http://user:password@host:port.
    #[arg(long, value_name = "URL")]
    pub(crate) node: Option<String>,
    /// The cookie file of that bitcoind, in place of user and password in the URL.
    #[arg(long, value_name = "FILE", requires = "node")]
    cookie_file: Option<PathBuf>,
    /// How many blocks are searched, from the tip down, for what the node has no index of.
    #[arg(long, value_name = "BLOCKS", default_value_t = 2016, requires = "node")]
    search_blocks: u32,
}

impl NodeArgs {
    /// The node, or an error when none is named.
    pub(crate) fn connect(&self) -> anyhow::Result<impl Node> {
        self.connect_searching(self.search_blocks)
    }

    /// The node, for answers that are not worth a search.
    pub(crate) fn connect_without_search(&self) -> anyhow::Result<impl Node> {
        self.connect_searching(0)
    }

    fn connect_searching(&self, blocks: u32) -> anyhow::Result<impl Node> {
        let url = self.node.as_deref().context("--node is needed: the URL of a bitcoind")?;
        Ok(bitcoind(url, self.cookie_file.clone())?.with_search_depth(blocks))
    }
}

/// A running bitcoind.
pub(crate) fn bitcoind(url: &str, cookie_file: Option<PathBuf>) -> anyhow::Result<BitcoinCore> {
    let credentials = cookie_file.map_or(Credentials::None, Credentials::CookieFile);
    BitcoinCore::connect(url, credentials).context("cannot use the node given with --node")
}
