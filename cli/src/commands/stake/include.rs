//! `stake include`: where the staking transaction is.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use bitcoin::Network;
use bitcoin::block::Header;
use chain::Node;
use staking_scripts::{InclusionField, InclusionProof, StakeInclusion};

use super::sign::finish;
use crate::files::DelegationArgs;
use crate::node::NodeArgs;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "The proof and the headers are checked before anything is written, and by everyone who checks the delegation afterwards, on --network and \
    --depth deep. The height is the word of who gives it.\n\n\
    Example:\n  btcstake stake include --delegation verified.json --params params.json --network regtest --node URL --out included.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(mut self) -> anyhow::Result<Output> {
        // What it says already may be of a block that is no more.
        self.files.delegation.inclusion = None;
        let txid = self.files.accepted()?.staking().outpoint().txid;
        let node = self.node.connect()?;
        let network = Network::from(self.files.chain.network);
        anyhow::ensure!(
            node.network() == network,
            "--node is on {}, and --network is {network}",
            node.network()
        );
        let found =
            node.transaction(&txid)?.with_context(|| format!("the node has no transaction {txid}"))?;
        let place =
            found.block.ok_or_else(|| anyhow!("the staking transaction {txid} is in no block yet"))?;
        let proof = InclusionProof::from_block(&node.block(place.height)?, txid)?;
        let tip = node.tip()?.height;
        let last = place.height.saturating_add(self.files.chain.depth).min(tip);
        let mut headers: Vec<Header> = Vec::new();
        for height in place.height.to_u32()..=last.to_u32() {
            headers.push(node.block(chain::BlockHeight::new(height))?.header);
        }
        let inclusion = StakeInclusion { height: place.height.to_u32(), proof, headers };
        self.files.delegation.inclusion = Some(InclusionField::from(&inclusion));
        self.files.accepted()?;
        finish(&self.files.delegation.to_json(), self.out, &self.files.delegation)
    }
}
