//! `stake include`: adds the SPV proof of the staking transaction.

use std::path::PathBuf;

use anyhow::ensure;
#[cfg(feature = "babylon")]
use babylon::Message;
use bitcoin::block::Header;
use serde::{Deserialize, Serialize};
use staking_scripts::delegation::StakeInclusion;

use super::print::print_or_write;
use crate::args::delegation::DelegationArgs;
#[cfg(feature = "babylon")]
use crate::args::delegation::write_new;
use crate::args::included::Included;
use crate::args::node::NodeArgs;
#[cfg(feature = "babylon")]
use crate::args::sending::SendArgs;
use crate::view::delegation::DelegationOutput;
use crate::view::output::Printout;
#[cfg(feature = "babylon")]
use crate::view::sent::{SentTransaction, UnsignedTransaction};

#[derive(clap::Args)]
#[command(
    after_help = "The proof and the headers are checked before anything is written, and by everyone who checks the delegation afterwards, on --network and \
    --depth deep. The height is not proved. With --account or --unsigned the proof is for the chain as well: it is sent, and what became of that is printed.\n\n\
    Examples:\n  btcstake stake include --delegation verified.json --params params.json --network regtest --node URL --out included.json\n  \
    btcstake stake include --delegation verified.json --params params.json --node URL --chain-id bbn-1 --chain-node URL --account staker"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// With --account: the chain's id, which the node must have.
    #[cfg(feature = "babylon")]
    #[arg(long)]
    chain_id: Option<String>,
    #[cfg(feature = "babylon")]
    #[command(flatten)]
    send: SendArgs,
}

/// What is printed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Output {
    /// The delegation, with its inclusion.
    Included(Box<DelegationOutput>),
    /// What was sent: with --account.
    #[cfg(feature = "babylon")]
    Sent(SentTransaction),
    /// The transaction as `babylond tx sign` takes it: with --unsigned.
    #[cfg(feature = "babylon")]
    Unsigned(UnsignedTransaction),
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        #[cfg(feature = "babylon")]
        ensure!(
            self.chain_id.is_none() || self.send.is_given(),
            "--chain-id is given, and nothing that sends; must be with --account, or absent"
        );
        let mut files = self.files.read()?;
        // An inclusion that it has already may be in a block that was reorganized away.
        files.delegation.inclusion = None;
        let txid = files.checked()?.staking().outpoint().txid;
        let node = self.node.connect_on(files.chain.network)?;
        let Included { height, header, proof, .. } = Included::find(&*node, txid)?;
        let block = header.block_hash();
        let tip = node.tip()?.height;
        let last = height.saturating_add(files.chain.depth()).min(tip);
        let mut headers: Vec<Header> = Vec::new();
        let first = height.to_u32();
        for height in first..=last.to_u32() {
            let header = node.header_at(chain::BlockHeight::new(height))?.header;
            let follows = match headers.last() {
                Some(before) => header.prev_blockhash == before.block_hash(),
                None => header.block_hash() == block,
            };
            ensure!(
                follows,
                "the node's block at height {height} does not follow the one before; must be of one chain (it was reorganized, or is a lie)"
            );
            headers.push(header);
        }
        #[cfg(feature = "babylon")]
        let proven = proof.clone();
        files.delegation.inclusion = Some(StakeInclusion { height: first, proof, headers });
        files.checked()?;
        #[cfg(feature = "babylon")]
        if self.send.is_given() {
            ensure!(
                files.delegation.extends.is_none(),
                "the stake extends another; must be proven by `stake undelegate` of that one"
            );
            let sender = self.send.sender(&self.files.nodes)?;
            let message = Message::add_inclusion_proof(sender.address(), txid, block, &proven);
            // What is refused leaves no file behind.
            let printed = sender.print(self.chain_id.as_deref(), vec![message])?;
            if let Some(path) = &self.out {
                write_new(path, &files.delegation.to_json())?;
            }
            return Ok(printed);
        }
        print_or_write(files.delegation, self.out)
    }
}
