//! `stake include`: adds the SPV proof of the staking transaction.

use std::path::PathBuf;

use anyhow::{Context, anyhow, ensure};
use bitcoin::block::Header;
use spv::InclusionProof;
use staking_scripts::delegation::StakeInclusion;

use super::print::print_or_write;
use crate::args::delegation::DelegationArgs;
use crate::args::node::NodeArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The proof and the headers are checked before anything is written, and by everyone who checks the delegation afterwards, on --network and \
    --depth deep. The height is not proved.\n\n\
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
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let mut files = self.files.read()?;
        // An inclusion that it has already may be in a block that was reorganized away.
        files.delegation.inclusion = None;
        let txid = files.checked()?.staking().outpoint().txid;
        let node = self.node.connect_on(files.chain.network)?;
        let found =
            node.transaction(&txid)?.with_context(|| format!("the node has no transaction {txid}"))?;
        let place = found
            .block
            .ok_or_else(|| anyhow!("the staking transaction {txid} is unconfirmed; must be in a block"))?;
        let proof = InclusionProof::from_block(&node.block(&place.hash)?, txid)?;
        let tip = node.tip()?.height;
        let last = place.height.saturating_add(files.chain.depth).min(tip);
        let mut headers: Vec<Header> = Vec::new();
        for height in place.height.to_u32()..=last.to_u32() {
            let header = node.header_at(chain::BlockHeight::new(height))?.header;
            let follows = match headers.last() {
                Some(before) => header.prev_blockhash == before.block_hash(),
                None => header.block_hash() == place.hash,
            };
            ensure!(
                follows,
                "the node's block at height {height} does not follow the one before; must be of one chain (it was reorganized, or is a lie)"
            );
            headers.push(header);
        }
        files.delegation.inclusion = Some(StakeInclusion { height: place.height.to_u32(), proof, headers });
        files.checked()?;
        print_or_write(files.delegation, self.out)
    }
}
