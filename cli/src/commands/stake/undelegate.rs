//! `stake undelegate`: reports that a stake's output was spent.

use anyhow::{Context, ensure};
use babylon::Message;
use bitcoin::{OutPoint, Transaction};
use chain::{Coin, Lookup, Node};

use crate::args::delegation::DelegationArgs;
use crate::args::included::Included;
use crate::args::node::NodeArgs;
use crate::args::sending::SendArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The spending transaction is found by the Bitcoin node, with its proof and the transactions of all coins that it spends: the unbonding transaction, \
    an extension, a slashing transaction, or any other. The chain takes an unbonding as soon as a block has it, and an extension when it is \
    btc_confirmation_depth deep, and knows the block only after somebody told it of its header (`btcstake checkpoint headers`).\n\n\
    Example:\n  btcstake stake undelegate --delegation verified.json --params params.json --network signet --node URL --chain-id bbn-test-6 --chain-node URL --account staker"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// The chain's id, which the node must have.
    #[arg(long)]
    chain_id: Option<String>,
    #[command(flatten)]
    send: SendArgs,
}

/// Returns the transaction that spends the stake's output, with its place.
fn spending(node: &dyn Node, OutPoint { txid, vout }: OutPoint) -> anyhow::Result<Included> {
    let found = node.transaction(&txid)?.with_context(|| format!("the node has no transaction {txid}"))?;
    let coin = Coin::of(&found, vout);
    let coin =
        coin.with_context(|| format!("the staking transaction {txid} is unconfirmed; must be in a block"))?;
    let spender = node.spender(&coin)?.with_context(|| format!("the stake {txid} is not spent"))?;
    Included::find(node, spender.transaction.compute_txid())
}

/// Returns the transactions whose outputs are spent, in the order of the inputs, each once.
fn funding(node: &dyn Lookup, spending: &Transaction) -> anyhow::Result<Vec<Transaction>> {
    let mut all: Vec<Transaction> = Vec::new();
    for OutPoint { txid, .. } in spending.input.iter().map(|input| input.previous_output) {
        if all.iter().any(|known| known.compute_txid() == txid) {
            continue;
        }
        let found = node.transaction(&txid)?;
        all.push(found.with_context(|| format!("the node has no transaction {txid}"))?.transaction);
    }
    Ok(all)
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let sender = self.send.sender(&self.files.nodes)?;
        let files = self.files.read()?;
        let node = self.node.connect_on(files.chain.network)?;
        let stake = files.delegation.stake(files.covenant()?).context("--delegation")?.staking.outpoint();
        let Included { transaction, header, proof, .. } = spending(&*node, stake)?;
        ensure!(
            transaction.input.iter().any(|input| input.previous_output == stake),
            "the node's transaction {} does not spend the stake {stake}",
            transaction.compute_txid()
        );
        let (funding, block) = (funding(&*node, &transaction)?, header.block_hash());
        let message =
            Message::undelegate(sender.address(), stake.txid, &transaction, block, &proof, &funding);
        sender.print(self.chain_id.as_deref(), vec![message])
    }
}
