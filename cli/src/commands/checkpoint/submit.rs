//! `checkpoint submit`: proves that a checkpoint is in Bitcoin.

use anyhow::{Context, anyhow, ensure};
use babylon::message::CheckpointProof;
use babylon::{Message, query};
use bitcoin::{Transaction, Txid};
use chain::Node;
use roles::headers::{NewHeaders, new_headers};
use spv::anchors::{Checkpoint, CheckpointTag, checkpoint_payload};

use crate::args::included::Included;
use crate::args::network::NetworkName;
use crate::args::node::NodeArgs;
use crate::args::secured_chain::{ChainNodeArgs, of_headers};
use crate::args::sending::SendArgs;
use crate::view::output::{Printout, warn};

/// How many headers go before the proof.
const MOST_HEADERS: usize = 300;

#[derive(clap::Args)]
#[command(
    after_help = "Both transactions must be in blocks. The headers that the chain does not know yet go before the proof, in the same transaction: the chain looks at checkpoints \
    only when a header comes, and one is CONFIRMED and FINALIZED by the headers that come later (`btcstake checkpoint headers`).\n\n\
    Example:\n  btcstake checkpoint submit --part TXID --part TXID --node URL --cookie-file FILE --chain-id bbn-1 --chain-node URL --account reporter"
)]
pub(crate) struct Args {
    /// The two transactions, in the order of the parts.
    #[arg(long, value_name = "TXID", required = true)]
    part: Vec<Txid>,
    /// The Bitcoin network, which --node must be on.
    #[arg(long, default_value = "mainnet")]
    network: NetworkName,
    #[command(flatten)]
    node: NodeArgs,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

/// Returns the data of the only standard OP_RETURN output, as the chain counts them.
fn payload(transaction: &Transaction) -> anyhow::Result<&[u8]> {
    checkpoint_payload(transaction).map_err(|count| {
        let txid = transaction.compute_txid();
        anyhow!("--part: {txid} has {count} standard OP_RETURN outputs; must have one")
    })
}

/// Refuses headers that end before the blocks of the parts: the chain takes no proof of a block that it does
/// not know, and the transaction would be paid for in vain.
fn check_reach(bitcoin: &dyn Node, new: &NewHeaders, parts: &[Included; 2]) -> anyhow::Result<()> {
    let Some(last) = new.headers.last().filter(|_| !new.is_all) else { return Ok(()) };
    let told = bitcoin.header(&last.block_hash())?.height;
    for part in parts {
        ensure!(
            part.height <= told,
            "--part: {} is in block {}, and the chain lacks more headers before it than go into one transaction; must be told of them first (`btcstake checkpoint headers`)",
            part.transaction.compute_txid(),
            part.height
        );
    }
    warn(&format!(
        "the headers end at block {told}, before the last one; the next are for `btcstake checkpoint headers`"
    ));
    Ok(())
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let [first, second] = self.part.as_slice() else {
            anyhow::bail!("--part is given {} times; must be given twice", self.part.len());
        };
        let sender = self.send.sender(&self.nodes)?;
        let bitcoin = self.node.connect_on(self.network)?;
        let node = self.nodes.node()?;
        let parts = [Included::find(&*bitcoin, *first)?, Included::find(&*bitcoin, *second)?];
        let tag = CheckpointTag(query::checkpoint_tag(&node).context(self.nodes.flag())?);
        let [first, second] = &parts;
        let (first, second) = (payload(&first.transaction)?, payload(&second.transaction)?);
        Checkpoint::from_payloads(tag, first, second).context("--part")?;
        let new = new_headers(&node, &*bitcoin, MOST_HEADERS);
        let new = new.map_err(|error| of_headers(&self.nodes, error.into()))?;
        check_reach(&*bitcoin, &new, &parts)?;
        let address = sender.address();
        let headers = (!new.headers.is_empty()).then(|| Message::insert_headers(address, &new.headers));
        let proofs = parts.map(|Included { transaction, header, proof, .. }| CheckpointProof {
            transaction,
            inclusion: proof,
            header,
        });
        let messages = headers.into_iter().chain([Message::insert_checkpoint(address, &proofs)]).collect();
        sender.print(self.chain_id.as_deref(), messages)
    }
}
