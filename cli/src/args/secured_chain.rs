//! The nodes of the secured chain.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use babylon::node::{ChainNode, CometBft, Gateway, Several};
use endpoint::{Trust, Url};
use roles::headers::HeadersError;

use crate::view::output::warn;

/// How long a node may take for one answer.
const WITHIN: Duration = Duration::from_secs(20);

/// Nodes of the secured chain.
#[derive(clap::Args)]
pub(crate) struct ChainNodeArgs {
    /// A node of the secured chain, by CometBFT's RPC: http://127.0.0.1:26657. Of several, the next is asked
    /// where one does not answer.
    #[arg(long, value_name = "URL")]
    chain_node: Vec<Url>,
    /// The REST gateway of a node, in place of or beside --chain-node: http://127.0.0.1:1317.
    #[arg(long, value_name = "URL")]
    chain_gateway: Vec<Url>,
    /// The authorities whose certificates the nodes of the secured chain may show over https, in PEM, in
    /// place of those that browsers trust.
    #[arg(long, value_name = "FILE")]
    chain_ca_file: Option<PathBuf>,
}

impl ChainNodeArgs {
    /// Returns whether there is a node.
    pub(crate) const fn is_given(&self) -> bool {
        !self.chain_node.is_empty() || !self.chain_gateway.is_empty()
    }

    /// Returns the flag that gives the nodes, for errors about what they say.
    pub(crate) const fn flag(&self) -> &'static str {
        if self.chain_node.is_empty() && !self.chain_gateway.is_empty() {
            "--chain-gateway"
        } else {
            "--chain-node"
        }
    }

    /// Returns whether this is one of the nodes.
    #[cfg(feature = "signer")]
    pub(crate) fn has(&self, url: &Url) -> bool {
        self.chain_node.iter().chain(&self.chain_gateway).any(|own| own.is_same_place(url))
    }

    /// Returns the nodes that are asked over CometBFT's RPC.
    #[cfg(feature = "signer")]
    pub(crate) fn rpc(&self) -> &[Url] {
        &self.chain_node
    }

    /// Returns whose certificates these nodes, and `others`, may show.
    pub(crate) fn trust(&self, others: &[Url]) -> anyhow::Result<Trust> {
        let Some(path) = &self.chain_ca_file else { return Ok(Trust::default()) };
        let named = || format!("--chain-ca-file {}", path.display());
        let mut all = self.chain_node.iter().chain(&self.chain_gateway).chain(others);
        ensure!(all.any(Url::is_tls), "{}: no node is asked over https; must be one", named());
        let pem = std::fs::read(path).with_context(named)?;
        Trust::from_pem(&pem).with_context(named)
    }

    /// Returns the nodes as one. Nothing is asked yet.
    pub(crate) fn node(&self) -> anyhow::Result<Several> {
        self.node_beside(&[])
    }

    /// Returns the nodes as one, beside others that the command asks.
    pub(crate) fn node_beside(&self, others: &[Url]) -> anyhow::Result<Several> {
        ensure!(self.is_given(), "--chain-node is absent; must be given, or --chain-gateway");
        let mut nodes: Vec<Box<dyn ChainNode>> = Vec::new();
        let trust = self.trust(others)?;
        for url in self.chain_node.iter().chain(&self.chain_gateway).chain(others) {
            if url.is_exposed() {
                warn(&format!("{url} is asked in the clear: whoever is on the way can answer in its place"));
            }
        }
        for url in &self.chain_node {
            nodes.push(Box::new(CometBft::trusting(url.clone(), WITHIN, &trust)));
        }
        for url in &self.chain_gateway {
            nodes.push(Box::new(Gateway::trusting(url.clone(), WITHIN, &trust)));
        }
        Ok(Several::new(nodes))
    }
}

/// Names the flag of the node that an error of telling headers is of.
pub(crate) fn of_headers(nodes: &ChainNodeArgs, error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<HeadersError>() {
        Some(HeadersError::Node(_) | HeadersError::NotTaken { .. }) => error.context(nodes.flag()),
        _ => error,
    }
}
