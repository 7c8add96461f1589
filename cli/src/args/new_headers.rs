//! The Bitcoin headers that the secured chain does not know yet.

use anyhow::{Context, ensure};
use babylon::node::ChainNode;
use babylon::query;
use bitcoin::block::Header;
use chain::{BlockHeight, Node};

/// Returns up to `most` headers of a Bitcoin node's chain from the fork with the secured chain's on, the
/// oldest first, and whether these are all. A fork deeper than a few blocks is none that the chain survives.
pub(crate) fn new_headers(
    node: &dyn ChainNode,
    bitcoin: &dyn Node,
    most: usize,
) -> anyhow::Result<(Vec<Header>, bool)> {
    let known = query::light_client_tip(node).context("--chain-node")?;
    let tip = bitcoin.tip()?.height;
    // The chain's tip may have left Bitcoin's best chain: what it lacks begins at the fork.
    let mut fork = known.height;
    let mut hash = known.hash;
    while fork > 0 {
        let own = (fork <= tip.to_u32()).then(|| bitcoin.block_hash(BlockHeight::new(fork))).transpose()?;
        if own == Some(hash) {
            break;
        }
        ensure!(
            known.height.saturating_sub(fork) < MOST_REORGANIZED,
            "the chain's Bitcoin block {} at height {} is more than {MOST_REORGANIZED} blocks off the node's chain; is the node on the same network?",
            known.hash,
            known.height
        );
        hash = bitcoin.header(&hash)?.header.prev_blockhash;
        fork = fork.saturating_sub(1);
    }
    let last = u64::from(fork).saturating_add(u64::try_from(most).unwrap_or(u64::MAX));
    let last = u32::try_from(last).unwrap_or(u32::MAX).min(tip.to_u32());
    let mut headers: Vec<Header> = Vec::new();
    for height in fork.saturating_add(1)..=last {
        let header = bitcoin.header_at(BlockHeight::new(height))?.header;
        let before = headers.last().map_or(hash, Header::block_hash);
        ensure!(
            header.prev_blockhash == before,
            "the node's block at height {height} does not follow the one before: its chain was reorganized meanwhile"
        );
        headers.push(header);
    }
    Ok((headers, last == tip.to_u32()))
}

/// How far the chain's view of Bitcoin may be off the best chain.
const MOST_REORGANIZED: u32 = 1_000;
