//! `provider vote`: votes for blocks on the chain.

use anyhow::{Context, bail, ensure};
use babylon::node::ChainNode;
use babylon::{Message, VotedBlock, query};
use finality::{ConsumerHeight, RandomnessSchedule, Signer as _, SigningContext, VoteMessage};

use crate::args::argument::{self, Argument};
use crate::args::block::block_file;
use crate::args::secured_chain::ChainNodeArgs;
use crate::args::sending::SendArgs;
use crate::args::vote_signer::VoteSignerError;
use crate::args::vote_signing::SigningArgs;
use crate::view::output::Printout;

/// The most votes of one transaction.
const MOST_VOTES: u32 = 1_000;

#[derive(clap::Args)]
#[command(
    after_help = "A vote is over the AppHash, which is read of the block. The proof of its randomness is by the commitment that the chain has for its height; \
    without a node, --commitment-start and --commitment-count say which. All votes are in one transaction: the chain takes all or none.\n\n\
    Examples:\n  btcstake provider vote --signer URL --signer-secret-file operator.secret --chain-id bbn-1 --height 2410001 --count 20 \
    --chain-node URL --account operator\n  \
    btcstake provider vote --secret-key-file provider.key --protection signing.db --chain-id bbn-1 --block block.json \
    --commitment-start 1 --commitment-count 1000 --unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
)]
pub(crate) struct Args {
    #[command(flatten)]
    signing: SigningArgs,
    /// The height of the first block.
    #[arg(long, required_unless_present = "block")]
    height: Option<u64>,
    /// How many blocks, one after the other.
    #[arg(long, default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_VOTES)))]
    count: u32,
    /// The block, as the chain itself prints it, in place of --height; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = argument::file(block_file))]
    #[arg(conflicts_with_all = ["height", "count"])]
    block: Option<Argument<VotedBlock>>,
    /// Without a node: the first height of the commitment.
    #[arg(long, value_name = "HEIGHT", requires = "commitment_count")]
    commitment_start: Option<ConsumerHeight>,
    /// Without a node: how many heights the commitment has.
    #[arg(long, value_name = "HEIGHTS", requires = "commitment_start")]
    commitment_count: Option<u32>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    fn blocks(&self, node: Option<&dyn ChainNode>) -> anyhow::Result<Vec<VotedBlock>> {
        if let Some(block) = &self.block {
            return Ok(vec![block.read()?]);
        }
        let (Some(node), Some(first)) = (node, self.height) else {
            bail!("--chain-node is absent; must be given, or --block");
        };
        let last = first.checked_add(u64::from(self.count));
        let last =
            last.with_context(|| format!("--height is {first}; the last height must be below 2^64 - 1"))?;
        let heights = first..last;
        let block = |height| {
            let header = node.header(ConsumerHeight(height)).context("--chain-node")?;
            let header = header.with_context(|| format!("--chain-node: it has no block {height} yet"))?;
            Ok(VotedBlock::from(header))
        };
        heights.map(block).collect()
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        ensure!(
            self.signing.signing_context.is_none(),
            "--signing-context is given; must be absent, as only Babylon Genesis takes these votes"
        );
        let sender = self.send.sender(&self.nodes)?;
        let several = self.nodes.is_given().then(|| self.nodes.node()).transpose()?;
        let node: Option<&dyn ChainNode> = match &several {
            Some(node) => Some(node),
            None => None,
        };
        let chain_id = self.signing.chain_id.clone();
        let blocks = self.blocks(node)?;
        for block in &blocks {
            let found = block.chain_id.as_deref().unwrap_or(&chain_id);
            ensure!(
                found == chain_id,
                "the block is of the chain {found:?}; must be of --chain-id, {chain_id:?}"
            );
            ensure!(block.is_app_hash, "the block is a rollup's; must be one of Babylon Genesis");
        }
        let given = self.commitment_start.zip(self.commitment_count);
        let signer = self.signing.signer()?;
        // What the chain has is asked for before anything is signed.
        let ranges = match (given, node) {
            (Some((start, count)), _) => vec![RandomnessSchedule::new(start, count, 1)?],
            (None, Some(node)) => query::commitments(node, &signer.public_key())
                .context("--chain-node")?
                .into_iter()
                .filter_map(|found| {
                    let count = u32::try_from(found.commitment.count).ok()?;
                    RandomnessSchedule::new(found.commitment.start_height, count, 1).ok()
                })
                .collect(),
            (None, None) => bail!("--commitment-start is absent; must be given, or --chain-node"),
        };
        let mut messages = Vec::with_capacity(blocks.len());
        let covers = |range: &RandomnessSchedule, height: ConsumerHeight| {
            let above = height.to_u64().checked_sub(range.start_height().to_u64());
            above.is_some_and(|above| above < u64::from(range.count()))
        };
        for group in blocks.chunk_by(|one, other| {
            let of = |block: &VotedBlock| ranges.iter().position(|range| covers(range, block.height));
            of(one) == of(other)
        }) {
            let [first, ..] = group else { continue };
            let range = ranges.iter().find(|range| covers(range, first.height));
            let range = range.with_context(|| format!("no commitment has the height {}", first.height))?;
            let votes: Vec<_> = group
                .iter()
                .map(|block| VoteMessage::new(SigningContext::GENESIS, block.height, block.hash))
                .collect();
            let proven = signer.prove_votes(*range, &votes).map_err(VoteSignerError::into_answer)?;
            for vote in proven {
                messages.push(Message::vote(sender.address(), &vote.map_err(VoteSignerError::into_answer)?)?);
            }
        }
        sender.print(Some(&chain_id), messages)
    }
}
