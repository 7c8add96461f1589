//! The node that some commands ask: a `bitcoind`, on any network.

#[cfg(feature = "rpc")]
#[cfg(feature = "rpc")]
use std::cell::OnceCell;
#[cfg(feature = "rpc")]
use std::path::Path;
use std::path::PathBuf;
#[cfg(feature = "rpc")]
use std::time::Duration;

use anyhow::{Context, ensure};
use bitcoin::Network;
use chain::Node;

use super::network::{NetworkName, network_name};
#[cfg(feature = "rpc")]
use super::secret;
#[cfg(feature = "rpc")]
use crate::view::output::warn;

/// How long all calls of a command may take together, in seconds, unless `--timeout` says.
#[cfg(feature = "rpc")]
const TIMEOUT_SECONDS: u32 = 600;

/// How many blocks a command searches, unless `--search-blocks` says.
const SEARCH_BLOCKS: u32 = 2016;

/// The node to ask.
#[derive(clap::Args)]
pub(crate) struct NodeArgs {
    /// The URL of a bitcoind, http://host:port.
    #[arg(long, value_name = "URL")]
    pub(crate) node: Option<String>,
    #[command(flatten)]
    credentials: CredentialArgs,
    /// How many blocks are searched, from the tip down, for transactions that the node has no index of
    /// [default: 2016].
    #[arg(long, value_name = "BLOCKS", requires = "node")]
    search_blocks: Option<u32>,
}

/// What a bitcoind asks for: a file has it, so that it is on no command line.
#[derive(clap::Args)]
pub(crate) struct CredentialArgs {
    /// The cookie file of that bitcoind.
    #[arg(long, value_name = "FILE", requires = "node")]
    cookie_file: Option<PathBuf>,
    /// A file with user:password of that bitcoind, which its owner alone may read.
    #[arg(long, value_name = "FILE", requires = "node", conflicts_with = "cookie_file")]
    rpc_password_file: Option<PathBuf>,
    /// How long all calls of the command to that bitcoind may take together [default: 600].
    #[arg(long, value_name = "SECONDS", requires = "node", value_parser = clap::value_parser!(u32).range(1..))]
    timeout: Option<u32>,
    /// Started by the first connection, and shared by all.
    #[cfg(feature = "rpc")]
    #[arg(skip)]
    deadline: OnceCell<chain::Deadline>,
}

impl CredentialArgs {
    /// Returns the flag that is given, if one is.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let cookie = self.cookie_file.as_ref().map(|_| "--cookie-file");
        cookie
            .or(self.rpc_password_file.as_ref().map(|_| "--rpc-password-file"))
            .or(self.timeout.map(|_| "--timeout"))
    }

    /// Returns the deadline of all calls of the command, which begins with the first connection.
    #[cfg(feature = "rpc")]
    fn deadline(&self) -> chain::Deadline {
        let seconds = u64::from(self.timeout.unwrap_or(TIMEOUT_SECONDS));
        *self.deadline.get_or_init(|| chain::Deadline::after(Duration::from_secs(seconds)))
    }
}

impl NodeArgs {
    /// Returns the node, which must be on the network of `--network`, or an error when none is named.
    pub(crate) fn connect_on(&self, network: NetworkName) -> anyhow::Result<Box<dyn Node>> {
        self.connect_searching(network, self.search_blocks.unwrap_or(SEARCH_BLOCKS))
    }

    /// Returns the node, without a search of blocks for what it has no index of.
    pub(crate) fn connect_without_search(&self, network: NetworkName) -> anyhow::Result<Box<dyn Node>> {
        self.connect_searching(network, 0)
    }

    /// Returns the node for a process that keeps running: without a search of blocks for what it has no index
    /// of, and without a time that all calls may take together.
    #[cfg(all(feature = "babylon", feature = "signer"))]
    pub(crate) fn connect_for_daemon(&self, network: NetworkName) -> anyhow::Result<Box<dyn Node>> {
        let url = self.url()?;
        ensure!(
            self.credentials.timeout.is_none(),
            "--timeout is given; must be absent: it is for all calls together, and this process keeps running"
        );
        ensure!(
            self.search_blocks.is_none(),
            "--search-blocks is given; must be absent: this process searches no blocks for transactions"
        );
        let node = bitcoind(url, &self.credentials, Calls::Unending)?;
        check_network(node.network(), network)?;
        Ok(node)
    }

    fn url(&self) -> anyhow::Result<&str> {
        self.node.as_deref().context("--node is absent; must be the URL of a bitcoind")
    }

    /// Every connection compares the network: there is none without.
    fn connect_searching(&self, network: NetworkName, blocks: u32) -> anyhow::Result<Box<dyn Node>> {
        connect(self.url()?, &self.credentials, network, blocks)
    }
}

/// What calls a node gets.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "rpc"), allow(dead_code, reason = "who has no client calls nobody"))]
pub(crate) enum Calls {
    /// Those of a command, which end by a deadline; so many blocks are searched for what the node has no
    /// index of (2016 unless given).
    Command(Option<u32>),
    /// Those of a process that keeps running, which does not search.
    #[cfg(all(feature = "babylon", feature = "signer"))]
    Unending,
}

/// Returns the node at a URL, which must be on the network of `--network`, and whose blocks are searched this
/// far.
pub(super) fn connect(
    url: &str,
    credentials: &CredentialArgs,
    network: NetworkName,
    search_blocks: u32,
) -> anyhow::Result<Box<dyn Node>> {
    let node = bitcoind(url, credentials, Calls::Command(Some(search_blocks)))?;
    check_network(node.network(), network)?;
    Ok(node)
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

/// Returns a running bitcoind.
#[cfg(feature = "rpc")]
pub(crate) fn bitcoind(url: &str, given: &CredentialArgs, calls: Calls) -> anyhow::Result<Box<dyn Node>> {
    use chain::{BitcoinCore, Credentials};

    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        let text = "--node has a password in it, which other users of this machine see in the list of processes; \
                    --rpc-password-file and --cookie-file keep it out";
        warn(text);
    }
    let credentials = match (&given.cookie_file, &given.rpc_password_file) {
        (Some(cookie), _) => Credentials::CookieFile(cookie.clone()),
        (None, Some(file)) => {
            let read = user_and_password(file);
            let (user, password) = read.with_context(|| {
                format!("--rpc-password-file {}", secret::shown_path(&file.to_string_lossy()))
            })?;
            Credentials::UserPassword { user, password }
        }
        (None, None) => Credentials::None,
    };
    let node = match calls {
        Calls::Command(_) => BitcoinCore::connect_before(url, credentials, given.deadline()),
        #[cfg(all(feature = "babylon", feature = "signer"))]
        Calls::Unending => BitcoinCore::connect(url, credentials),
    };
    let node = node.context("cannot use the node given with --node")?;
    Ok(Box::new(match calls {
        Calls::Command(Some(blocks)) => node.with_search_depth(blocks),
        Calls::Command(None) => node,
        #[cfg(all(feature = "babylon", feature = "signer"))]
        Calls::Unending => node.with_search_depth(0),
    }))
}

/// Reads user and password from a file that its owner alone may read.
#[cfg(feature = "rpc")]
fn user_and_password(path: &Path) -> anyhow::Result<(String, String)> {
    let text = secret::read_private(path)?;
    // What is in the file is never put into an error.
    let found = text.trim_end_matches(['\r', '\n']).split_once(':');
    let (user, password) = found.context("it has no colon; must be user:password")?;
    Ok((user.to_owned(), password.to_owned()))
}

/// Refuses: this build has no JSON-RPC client.
#[cfg(not(feature = "rpc"))]
pub(crate) fn bitcoind(_: &str, _: &CredentialArgs, _: Calls) -> anyhow::Result<Box<dyn Node>> {
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
        regtest with --node http://host:port, or install it with `cargo install --path cli`"
    )
}
