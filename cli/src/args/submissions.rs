//! Checkpoints in a node's blocks: their parts, in pairs, and the chain of headers that they are in.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use bitcoin::block::Header;
use bitcoin::{BlockHash, Network};
use chain::{BlockHeight, Node};
use spv::anchors::{CheckpointTag, FirstPart, PartProof, SecondPart, Submission, checkpoint_payload};
use spv::{Anchor, HeaderChain, InclusionProof, TrustedHeader};

use super::blocks::BlockRange;
use super::checkpoint::Parts;

/// So many copies of equal parts are looked at, the oldest: anybody can send more. A second part with another
/// signature is no copy, so that none that is forged takes the place of the right one.
const MOST_COPIES: usize = 16;

/// What the second part has of the first.
type Checksum = [u8; 10];

/// The parts of checkpoints in a range of a node's blocks, and the headers of these.
pub(crate) struct PartsOnChain {
    pub(crate) chain: HeaderChain,
    headers: Vec<Header>,
    from: u32,
    /// By checksum, both parts' copies, the oldest first.
    copies: BTreeMap<Checksum, [Vec<PartProof>; 2]>,
    /// Whether there were more copies than are looked at.
    pub(crate) is_cut: bool,
}

fn header_chain(headers: Vec<Header>, from: u32, network: Network) -> anyhow::Result<HeaderChain> {
    let first = headers.first().context("--node: it has no block")?.block_hash();
    let header = Some(TrustedHeader { hash: first, height: Some(from) });
    let anchor = Anchor { min_work: None, header };
    HeaderChain::new(headers, anchor, network.params()).context("--node")
}

impl PartsOnChain {
    /// Reads the parts with this tag in the blocks of a range that ends at the tip.
    pub(crate) fn read(
        node: &dyn Node,
        range: &BlockRange,
        tag: CheckpointTag,
        network: Network,
    ) -> anyhow::Result<Self> {
        let (mut headers, mut is_cut) = (Vec::new(), false);
        let mut copies = BTreeMap::<Checksum, [Vec<PartProof>; 2]>::new();
        let mut counts = BTreeMap::<Vec<u8>, usize>::new();
        range.read(node, |at, block| {
            headers.push(block.header);
            for transaction in block.txdata.iter().skip(1) {
                let Ok(data) = checkpoint_payload(transaction) else { continue };
                let first = FirstPart::from_bytes(data).filter(|part| part.tag == tag);
                let second = SecondPart::from_bytes(data).filter(|part| part.tag == tag);
                let (checksum, part) = match (first, second) {
                    (Some(first), _) => (first.checksum(), 0),
                    (None, Some(second)) => (second.checksum, 1),
                    (None, None) => continue,
                };
                let of_part = copies.entry(checksum).or_default().get_mut::<usize>(part);
                let Some(of_part) = of_part else { continue };
                let count = counts.entry(data.to_vec()).or_default();
                if *count >= MOST_COPIES {
                    is_cut = true;
                    continue;
                }
                *count = count.saturating_add(1);
                let txid = transaction.compute_txid();
                // A transaction that can have no proof counts for nobody.
                let Ok(inclusion) = InclusionProof::from_block(block, txid) else { continue };
                let transaction = transaction.clone();
                of_part.push(PartProof { transaction, block: at.hash, inclusion });
            }
            Ok(())
        })?;
        let chain = header_chain(headers.clone(), range.from, network)?;
        Ok(Self { chain, headers, from: range.from, copies, is_cut })
    }

    /// Returns every pair of parts that is a submission.
    pub(crate) fn submissions(&self, tag: CheckpointTag, network: Network) -> Vec<Submission> {
        let mut all = Vec::new();
        for [firsts, seconds] in self.copies.values() {
            for first in firsts {
                for second in seconds {
                    let parts = [first.clone(), second.clone()];
                    all.extend(Submission::verify(tag, &parts, &self.chain, network.params()));
                }
            }
        }
        // As the chain takes them: an epoch's after the epoch before.
        all.sort_by_cached_key(|submission| {
            let places = submission.places().iter();
            let youngest = places.filter_map(|place| self.chain.place(&place.block)).max();
            (submission.checkpoint().epoch, youngest)
        });
        all
    }

    /// Returns the chain that a submission was in: the best one, or with a branch of the node's that has its
    /// blocks.
    pub(crate) fn with_branch_of(
        &self,
        node: &dyn Node,
        parts: &Parts,
        network: Network,
    ) -> anyhow::Result<HeaderChain> {
        let mut branch = Vec::new();
        for header in &parts.headers {
            let found = self.branch_to(node, header.block_hash())?;
            if found.len() > branch.len() {
                branch = found;
            }
        }
        let Some(fork) = branch.last().map(|header: &Header| header.prev_blockhash) else {
            return Ok(self.chain.clone());
        };
        let below = self.chain.place(&fork).and_then(|place| usize::try_from(place).ok());
        let below = below.and_then(|place| self.headers.get(..=place)).unwrap_or_default();
        let headers = below.iter().copied().chain(branch.into_iter().rev()).collect();
        header_chain(headers, self.from, network)
    }

    /// Returns the headers from a block down to the best chain, which has the parent of the last; none of a
    /// block that is in it.
    fn branch_to(&self, node: &dyn Node, block: BlockHash) -> anyhow::Result<Vec<Header>> {
        let (mut branch, mut next) = (Vec::new(), block);
        while self.chain.place(&next).is_none() {
            let found = node.header(&next).with_context(|| format!("--submission: block {next}"))?;
            ensure!(
                found.height > BlockHeight::new(self.from),
                "--submission: block {block} is not on a block from --from {} on; must be",
                self.from
            );
            branch.push(found.header);
            next = found.header.prev_blockhash;
        }
        Ok(branch)
    }
}
