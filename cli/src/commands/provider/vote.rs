//! `provider vote`: votes for blocks on the chain.

use std::ops::Range;

use anyhow::{Context, bail, ensure};
use babylon::contract::{ContractKind, ContractMessage, FinalityContract, SettlementBlock};
use babylon::node::ChainNode;
use babylon::{Message, VotedBlock, query};
use eots::XOnlyPublicKey;
use finality::{
    AccountAddress, ConsumerHeight, FinalityVote, Operation, RandomnessCommitment, RandomnessSchedule,
    Signer as _, SigningContext, VoteMessage,
};

use crate::args::argument::{self, Argument};
use crate::args::block::block_file;
use crate::args::contract::{ContractArgs, sender_to};
use crate::args::input;
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
    without a node, --commitment-start and --commitment-count say which. All votes are in one transaction: the chain takes all or none. With --contract the vote \
    is for the finality contract of a consumer chain: over the AppHash on a Cosmos chain, over the hash of a rollup's block.\n\n\
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
    contract: ContractArgs,
    /// With a rollup's contract: the number of the block of Ethereum that the rollup's block is derived from.
    #[arg(long, value_name = "NUMBER", requires_all = ["l1_block_hash", "contract"])]
    l1_block_number: Option<u64>,
    /// And its hash.
    #[arg(long, value_name = "BYTES", requires = "l1_block_number")]
    #[arg(value_parser = argument::value(input::bytes32))]
    l1_block_hash: Option<Argument<[u8; 32]>>,
    #[command(flatten)]
    nodes: ChainNodeArgs,
    #[command(flatten)]
    send: SendArgs,
}

impl Args {
    fn heights(&self) -> anyhow::Result<Option<Range<u64>>> {
        let Some(first) = self.height else { return Ok(None) };
        let last = first.checked_add(u64::from(self.count));
        let last =
            last.with_context(|| format!("--height is {first}; the last height must be below 2^64 - 1"))?;
        Ok(Some(first..last))
    }

    fn blocks(
        &self,
        node: Option<&dyn ChainNode>,
        heights: Option<Range<u64>>,
    ) -> anyhow::Result<Vec<VotedBlock>> {
        if let Some(block) = &self.block {
            return Ok(vec![block.read()?]);
        }
        let (Some(node), Some(heights)) = (node, heights) else {
            bail!("--chain-node is absent; must be given, or --block");
        };
        let flag = self.nodes.flag();
        let block = |height| {
            let header = node.header(ConsumerHeight(height)).context(flag)?;
            let header = header.with_context(|| format!("{flag}: it has no block {height} yet"))?;
            Ok(VotedBlock::from(header))
        };
        heights.map(block).collect()
    }

    /// The blocks are of the chain that is voted on, and have what its votes are over.
    fn check_blocks(&self, blocks: &[VotedBlock], contract: Option<&FinalityContract>) -> anyhow::Result<()> {
        let chain_id = &self.signing.chain_id;
        let is_rollup = contract.is_some_and(|contract| contract.kind == ContractKind::Rollup);
        for block in blocks {
            let found = block.chain_id.as_ref().unwrap_or(chain_id);
            ensure!(
                found == chain_id,
                "the block is of the chain {found:?}; must be of --chain-id, {chain_id:?}"
            );
            match is_rollup {
                true => ensure!(!block.is_app_hash, "the block is one of CometBFT; must be the rollup's"),
                false => ensure!(block.is_app_hash, "the block is a rollup's; must be one of CometBFT"),
            }
        }
        Ok(())
    }

    fn settled_in(&self) -> anyhow::Result<Option<SettlementBlock>> {
        let hash = argument::read_optional(self.l1_block_hash.as_ref())?;
        Ok(self.l1_block_number.zip(hash).map(|(number, hash)| SettlementBlock { number, hash }))
    }

    pub(crate) fn run(mut self) -> anyhow::Result<Printout> {
        ensure!(
            self.signing.signing_context.is_none(),
            "--signing-context is given; must be absent, as it is that of --contract"
        );
        let contract = self.contract.contract(&self.signing.chain_id)?;
        let settled_in = self.settled_in()?;
        let sender = sender_to(contract.as_ref(), &self.send, &self.nodes)?;
        let is_rollup = contract.as_ref().is_some_and(|contract| contract.kind == ContractKind::Rollup);
        ensure!(
            !is_rollup || self.block.is_some(),
            "--block is absent; must be given for a rollup, whose blocks the node does not have"
        );
        ensure!(
            is_rollup || settled_in.is_none(),
            "--l1-block-number is given; must be absent, as only contracts of rollups take it"
        );
        let heights = self.heights()?;
        // Nothing is signed for a chain that will not take it: it would be the vote all the same.
        let sent_to = contract.as_ref().map_or(&self.signing.chain_id, |contract| &contract.chain_id);
        let several = sender.nodes_of(sent_to)?;
        let node = several.as_ref().map(|several| -> &dyn ChainNode { several });
        let blocks = self.blocks(node, heights)?;
        self.check_blocks(&blocks, contract.as_ref())?;
        let given = self.commitment_start.zip(self.commitment_count);
        let (from, chain_id) = (sender.address().clone(), self.signing.chain_id.clone());
        let context = contract.as_ref().map(|contract| contract.context(Operation::FinalityVote));
        self.signing.signing_context = context;
        let signer = self.signing.signer()?;
        // What the chain has is asked for before anything is signed.
        let ranges = commitments(given, node, self.nodes.flag(), contract.is_some(), &signer.public_key())?;
        let mut messages = Vec::with_capacity(blocks.len());
        let context = context.unwrap_or(SigningContext::GENESIS);
        for (Committed { range, known }, votes) in by_commitment(&blocks, &ranges, context)? {
            for vote in signer.prove_votes(range, &votes).map_err(VoteSignerError::into_answer)? {
                let vote = vote.map_err(VoteSignerError::into_answer)?;
                if let Some(known) = &known {
                    vote.verify(known).context("nothing was sent, as the chain would refuse it")?;
                }
                messages.push(message(&from, contract.as_ref(), vote, settled_in)?);
            }
        }
        sender.print(Some(contract.as_ref().map_or(&chain_id, |contract| &contract.chain_id)), messages)
    }
}

/// A commitment by which votes are proved.
#[derive(Clone, Copy)]
struct Committed {
    range: RandomnessSchedule,
    /// As the chain has it, where that was asked.
    known: Option<RandomnessCommitment>,
}

/// The commitments by which votes are proved: the one given, or those that the chain has.
fn commitments(
    given: Option<(ConsumerHeight, u32)>,
    node: Option<&dyn ChainNode>,
    flag: &'static str,
    is_contract: bool,
    provider: &XOnlyPublicKey,
) -> anyhow::Result<Vec<Committed>> {
    match (given, node) {
        (Some((start, count)), _) => {
            Ok(vec![Committed { range: RandomnessSchedule::new(start, count, 1)?, known: None }])
        }
        (None, Some(node)) if !is_contract => {
            let found = query::commitments(node, provider).context(flag)?;
            let committed = |found: query::CommittedRandomness| {
                let count = u32::try_from(found.commitment.count).ok()?;
                let range = RandomnessSchedule::new(found.commitment.start_height, count, 1).ok()?;
                Some(Committed { range, known: Some(found.commitment) })
            };
            Ok(found.into_iter().filter_map(committed).collect())
        }
        (None, _) => {
            let instead = if is_contract { "with --contract" } else { "or --chain-node" };
            bail!("--commitment-start is absent; must be given, {instead}")
        }
    }
}

/// What is voted for, by the commitment that has its randomness.
fn by_commitment(
    blocks: &[VotedBlock],
    commitments: &[Committed],
    context: SigningContext,
) -> anyhow::Result<Vec<(Committed, Vec<VoteMessage>)>> {
    let covers = |range: &RandomnessSchedule, height: ConsumerHeight| {
        let above = height.to_u64().checked_sub(range.start_height().to_u64());
        above.is_some_and(|above| above < u64::from(range.count()))
    };
    let of = |block: &VotedBlock| commitments.iter().position(|of| covers(&of.range, block.height));
    let mut all = Vec::new();
    for group in blocks.chunk_by(|one, other| of(one) == of(other)) {
        let [first, ..] = group else { continue };
        let committed = of(first).and_then(|place| commitments.get(place));
        let committed =
            committed.with_context(|| format!("no commitment has the height {}", first.height))?;
        let votes = group.iter().map(|block| VoteMessage::new(context, block.height, block.hash));
        all.push((*committed, votes.collect()));
    }
    Ok(all)
}

/// The message that tells a vote to Babylon Genesis, or to a contract.
fn message(
    from: &AccountAddress,
    contract: Option<&FinalityContract>,
    vote: FinalityVote,
    settled_in: Option<SettlementBlock>,
) -> anyhow::Result<Message> {
    let Some(contract) = contract else { return Ok(Message::vote(from, &vote)?) };
    let told = ContractMessage::Vote { vote: Box::new(vote), settled_in };
    Ok(Message::execute_contract(from, contract, &told)?)
}
