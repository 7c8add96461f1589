//! The caller's own node in place of what the caller would type of it: the height of its tip, and the chain
//! that an inclusion must be in.

use anyhow::{Context, ensure};
use bitcoin::absolute::Height;
use chain::{BlockHeight, ChainTip, Node};
use clap::Args;
use spv::TrustedHeader;
use staking_scripts::Delegation;

use super::chain::ChainArgs;
use super::network::NetworkName;
use super::node::{CredentialArgs, connect};
use crate::view::violation::Violation;

/// The caller's own node.
#[derive(Args)]
pub(crate) struct OwnNodeArgs {
    /// The URL of your own bitcoind, http://host:port: its tip is the height, and the headers of an inclusion
    /// must be in its chain.
    #[arg(long, value_name = "URL", conflicts_with_all = ["height", "trusted_header"])]
    node: Option<String>,
    #[command(flatten)]
    credentials: CredentialArgs,
}

/// The chain that the caller's own node follows.
pub(crate) struct OwnChain {
    node: Box<dyn Node>,
    tip: ChainTip,
}

impl OwnNodeArgs {
    pub(crate) const fn is_given(&self) -> bool {
        self.node.is_some()
    }

    /// Connects to the node, where one is given, and asks it for its tip.
    pub(crate) fn read(&self, network: NetworkName) -> anyhow::Result<Option<OwnChain>> {
        let Some(url) = &self.node else { return Ok(None) };
        let node = connect(url, &self.credentials, network, 0)?;
        ensure!(
            !node.is_syncing().context("--node")?,
            "--node has not all blocks of its chain yet; must have, as its tip is taken for the chain's"
        );
        let tip = node.tip().context("--node")?;
        Ok(Some(OwnChain { node, tip }))
    }
}

impl OwnChain {
    /// Returns the height of the tip.
    pub(crate) fn height(&self) -> anyhow::Result<Height> {
        Height::from_consensus(self.tip.height.to_u32()).context("--node: the height of its tip")
    }

    /// Returns the violation of a delegation without an inclusion whose staking transaction is in a block:
    /// how much of its staking time is left would not be judged. One that is spent already is not found.
    pub(crate) fn left_out(&self, delegation: &Delegation) -> anyhow::Result<Option<Violation>> {
        if delegation.inclusion.is_some() {
            return Ok(None);
        }
        let txid = delegation.staking_transaction.compute_txid();
        let found = self.node.transaction(&txid).context("--node")?;
        let block = found.and_then(|found| found.block);
        Ok(block.map(|block| Violation {
            rule: "inclusion".to_owned(),
            message: format!(
                "the staking transaction is in block {} of the chain of --node, and the delegation does not say so; must have its inclusion (`stake include`)",
                block.height
            ),
        }))
    }

    /// Returns the chain with a block of this node that must be among the headers of the delegation's
    /// inclusion: the last that both have. All before it are then in the node's chain too.
    pub(crate) fn anchor(&self, chain: ChainArgs, delegation: &Delegation) -> anyhow::Result<ChainArgs> {
        let Some(inclusion) = &delegation.inclusion else { return Ok(chain) };
        let above = u32::try_from(inclusion.headers.len().saturating_sub(1)).unwrap_or(u32::MAX);
        let last = BlockHeight::new(inclusion.height).saturating_add(above).min(self.tip.height);
        let hash = self.node.block_hash(last).context("--node")?;
        Ok(chain.trusting(TrustedHeader { hash, height: Some(last.to_u32()) }))
    }
}
