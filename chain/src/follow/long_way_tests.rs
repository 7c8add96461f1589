//! A long way, whose blocks are asked for by their heights.

use bitcoin::BlockHash;

use super::{ChainEvent, FollowError, Follower, LONG, Step};
use crate::testing::ScriptedChain;
use crate::{BlockHeight, ChainSource as _, ChainTip};

const BLOCKS: u32 = 2 * LONG + 300;

fn long() -> (ScriptedChain, Vec<BlockHash>) {
    let node = ScriptedChain::new();
    let hashes = node.extend(node.tip().unwrap().hash, BLOCKS);
    node.set_tip(*hashes.last().unwrap());
    (node, hashes)
}

/// Follows to the tip, and returns the chain that results.
fn follow(follower: &mut Follower, node: &ScriptedChain) -> Result<Vec<BlockHash>, FollowError> {
    let mut chain: Vec<ChainTip> = Vec::new();
    loop {
        match follower.step(node)? {
            Step::Event(ChainEvent::Connected { at, block }) => {
                assert!(chain.last().is_none_or(|last| last.hash == block.header.prev_blockhash));
                chain.push(at);
            }
            Step::Event(ChainEvent::Disconnected { fork_point, .. }) => {
                chain.retain(|block| block.height <= fork_point.height);
            }
            Step::AtTip => return Ok(chain.into_iter().map(|block| block.hash).collect()),
            behind @ Step::Behind { .. } => panic!("{behind:?}"),
        }
    }
}

fn at_genesis(node: &ScriptedChain) -> Follower {
    Follower::start(node, node.block_hash(BlockHeight::GENESIS).unwrap()).unwrap()
}

#[test]
fn every_block_is_connected_once() {
    let (node, hashes) = long();
    assert_eq!(follow(&mut at_genesis(&node), &node).unwrap(), hashes);
    // The tip is not asked for with every block: here each hash takes a call of its own, and each block one.
    assert!(node.calls() < u64::from(2 * BLOCKS + 400), "{}", node.calls());
    // Its start left the chain meanwhile.
    let other = node.extend(hashes[3], BLOCKS);
    node.set_tip(*other.last().unwrap());
    let mut follower = Follower::start(&node, hashes[5]).unwrap();
    assert_eq!(follow(&mut follower, &node).unwrap(), other);
}

/// Between any two calls, while hashes are told and later, the chain becomes another.
#[test]
fn a_reorg_at_any_moment_is_followed() {
    for calls in (1..30).chain([200, 900, 1_001, 1_050, 1_400, 2_010, 2_100, 2_400]) {
        for fork in [0_usize, 20, 500, 1_250] {
            let (node, hashes) = long();
            let fork_at = fork.min(hashes.len() - 1);
            let other = node.extend(hashes[fork_at], BLOCKS);
            let mut follower = at_genesis(&node);
            node.set_tip_after(calls, *other.last().unwrap());
            let found = follow(&mut follower, &node).unwrap();
            let expected: Vec<_> = hashes[..=fork_at].iter().chain(&other).copied().collect();
            // What was followed before the first disconnection begins at the block after genesis.
            assert_eq!(found, expected, "{calls} calls, fork at {fork}");
            assert_eq!(follower.position(), node.tip().unwrap());
        }
    }
}
