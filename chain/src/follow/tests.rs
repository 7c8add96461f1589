//! Against a scripted chain.

use bitcoin::hashes::Hash as _;
use bitcoin::{Block, BlockHash, CompactTarget, Network};

use super::{ChainEvent, FollowError, Follower, Listen, MAX_REMEMBERED, Step};
use crate::testing::ScriptedChain;
use crate::{BlockHeight, ChainSource, ChainTip, FoundHeader, NodeError};

/// What a listener is left with: the followed chain above where it began, and what was disconnected.
#[derive(Default)]
struct Replica {
    chain: Vec<ChainTip>,
    disconnections: Vec<ChainTip>,
}

impl Listen for Replica {
    fn block_connected(&mut self, block: &Block, at: ChainTip) {
        assert_eq!(block.block_hash(), at.hash);
        if let Some(last) = self.chain.last() {
            assert_eq!((block.header.prev_blockhash, at.height), (last.hash, last.height.saturating_add(1)));
        }
        self.chain.push(at);
    }

    fn blocks_disconnected(&mut self, fork_point: ChainTip) {
        self.chain.retain(|block| block.height <= fork_point.height);
        assert!(self.chain.last().is_none_or(|last| *last == fork_point));
        self.disconnections.push(fork_point);
    }
}

fn genesis(node: &ScriptedChain) -> BlockHash {
    node.block_hash(BlockHeight::GENESIS).unwrap()
}

/// A chain of `blocks` above genesis, and a follower that has followed all of it.
fn followed(blocks: u32) -> (ScriptedChain, Vec<BlockHash>, Follower, Replica) {
    let node = ScriptedChain::new();
    let hashes = node.extend(genesis(&node), blocks);
    node.set_tip(*hashes.last().unwrap());
    let mut follower = Follower::start(&node, genesis(&node)).unwrap();
    let mut replica = Replica::default();
    assert_eq!(follower.catch_up(&node, &mut replica).unwrap(), Step::AtTip);
    assert_eq!(replica.chain.iter().map(|block| block.hash).collect::<Vec<_>>(), hashes);
    (node, hashes, follower, replica)
}

fn hashes(replica: &Replica) -> Vec<BlockHash> {
    replica.chain.iter().map(|block| block.hash).collect()
}

#[test]
fn follower_sees_reorgs_of_any_depth_to_their_fork_point() {
    for depth in [1_u32, 5, 150, 3_000] {
        let (node, old, mut follower, mut replica) = followed(depth + 7);
        let new = node.extend(old[6], depth + 1);
        node.set_tip(*new.last().unwrap());
        assert_eq!(follower.catch_up(&node, &mut replica).unwrap(), Step::AtTip);
        let fork_point = ChainTip { height: BlockHeight::new(7), hash: old[6] };
        assert_eq!(replica.disconnections, [fork_point], "depth {depth}");
        assert_eq!(hashes(&replica), [&old[..7], &new[..]].concat(), "depth {depth}");
        assert_eq!(follower.position(), node.tip().unwrap());
    }
}

#[test]
fn follower_starts_at_a_block_that_left_the_chain() {
    let (node, old, _, _) = followed(9);
    let new = node.extend(old[3], 6);
    node.set_tip(new[5]);
    let mut follower = Follower::start(&node, old[8]).unwrap();
    let step = follower.step(&node).unwrap();
    let at = |height, hash| ChainTip { height: BlockHeight::new(height), hash };
    assert_eq!(
        step,
        Step::Event(ChainEvent::Disconnected { from: at(9, old[8]), fork_point: at(4, old[3]) })
    );
    assert_eq!(follower.position(), at(4, old[3]));
    let mut replica = Replica::default();
    follower.catch_up(&node, &mut replica).unwrap();
    assert_eq!(hashes(&replica), new);
}

#[test]
fn follower_waits_for_a_node_that_lost_its_newest_blocks() {
    let (node, old, mut follower, mut replica) = followed(50);
    // It comes back 21 blocks lower, and knows nothing of the rest.
    node.set_tip(old[28]);
    node.forget(&old[29..]);
    let behind = Step::Behind { tip: node.tip().unwrap() };
    for _ in 0..2 {
        assert_eq!(follower.catch_up(&node, &mut replica).unwrap(), behind);
    }
    // Even at the genesis block, which is remembered no longer by a follower that started later.
    let mut late = Follower::at(ChainTip { height: BlockHeight::new(50), hash: old[49] });
    node.set_tip(genesis(&node));
    assert!(matches!(late.step(&node).unwrap(), Step::Behind { .. }));
    assert!(matches!(follower.step(&node).unwrap(), Step::Behind { .. }));
    assert_eq!(follower.position().hash, old[49], "nothing was rolled back");

    node.remember(&old[29..]);
    node.set_tip(old[49]);
    assert_eq!(follower.catch_up(&node, &mut replica).unwrap(), Step::AtTip);
    assert_eq!(late.step(&node).unwrap(), Step::AtTip);
    assert_eq!((replica.disconnections.len(), hashes(&replica)), (0, old));
}

#[test]
fn follower_waits_where_the_node_knows_the_block_and_has_less_work() {
    let (node, old, mut follower, mut replica) = followed(10);
    node.set_tip(old[7]);
    assert!(matches!(follower.step(&node).unwrap(), Step::Behind { .. }), "an earlier block");
    let shorter = node.extend(old[7], 1);
    node.set_tip(shorter[0]);
    assert!(matches!(follower.step(&node).unwrap(), Step::Behind { .. }), "a branch with less work");
    let longer = node.extend(shorter[0], 1);
    node.set_tip(longer[0]);
    follower.catch_up(&node, &mut replica).unwrap();
    assert_eq!(hashes(&replica).last(), Some(&longer[0]), "with as much work, the node's choice counts");
}

#[test]
fn follower_finds_the_fork_point_of_a_node_that_lost_the_branch() {
    let (node, old, mut follower, mut replica) = followed(40);
    let new = node.extend(old[29], 15);
    node.forget(&old[30..]);
    node.set_tip(new[8]);
    assert!(matches!(follower.step(&node).unwrap(), Step::Behind { .. }), "not as high yet");
    node.set_tip(new[14]);
    follower.catch_up(&node, &mut replica).unwrap();
    assert_eq!(replica.disconnections, [ChainTip { height: BlockHeight::new(30), hash: old[29] }]);
    assert_eq!(hashes(&replica), [&old[..30], &new[..]].concat());

    let last = ChainTip { height: BlockHeight::new(40), hash: old[39] };
    let earlier = |range: std::ops::Range<usize>| {
        let old = &old;
        range.map(move |index| ChainTip {
            height: BlockHeight::new(u32::try_from(index).unwrap() + 1),
            hash: old[index],
        })
    };
    let mut resumed = Follower::resume(earlier(20..39), last);
    assert_eq!(resumed.remembered().count(), 20);
    assert!(matches!(resumed.step(&node).unwrap(), Step::Event(ChainEvent::Disconnected { fork_point, .. })
        if fork_point.hash == old[29]));
    // Every block that it remembers is above the fork point.
    let mut forgetful = Follower::resume(earlier(35..39), last);
    match forgetful.step(&node) {
        Err(error @ FollowError::NoForkPoint { remembered: 4, .. }) => assert!(!error.is_retryable()),
        other => panic!("{other:?}"),
    }
    assert_eq!(forgetful.position(), last);
}

#[test]
fn follower_compares_work_and_not_heights() {
    let (node, old, mut follower, mut replica) = followed(10);
    // Fewer blocks, each with 256 times the work.
    let hard = CompactTarget::from_consensus(0x1f7f_ffff);
    let new = node.extend_with(old[4], 2, hard, &[]);
    node.set_tip(new[1]);
    follower.catch_up(&node, &mut replica).unwrap();
    assert_eq!(hashes(&replica), [&old[..5], &new[..]].concat());
    node.set_tip(old[9]);
    assert!(matches!(follower.step(&node).unwrap(), Step::Behind { .. }), "higher, and less work");
}

#[test]
fn follower_takes_a_reorg_between_any_two_calls() {
    for calls in 1..60 {
        let (node, old, mut follower, mut replica) = followed(5);
        let long = node.extend(old[4], 8);
        let other = node.extend(long[3], 12);
        node.set_tip(long[7]);
        node.set_tip_after(calls, other[11]);
        // Until the move has happened and the follower has come to rest after it.
        while follower.position().hash != other[11] {
            follower.catch_up(&node, &mut replica).unwrap();
        }
        assert_eq!(hashes(&replica), [&old[..], &long[..4], &other[..]].concat(), "after {calls} calls");
    }
}

#[test]
fn follower_extends_its_way_when_the_tip_moves_on() {
    let (node, old, mut follower, _) = followed(5);
    let long = node.extend(old[4], 500);
    node.set_tip(long[498]);
    follower.step(&node).unwrap();
    node.set_tip(long[499]);
    let before = node.calls();
    follower.step(&node).unwrap();
    assert!(node.calls() - before <= 4, "no second walk: {} calls", node.calls() - before);
    // The node comes back lower, but above the follower.
    node.set_tip(long[9]);
    node.forget(&long[10..]);
    let mut replica = Replica::default();
    assert_eq!(follower.catch_up(&node, &mut replica).unwrap(), Step::AtTip);
    assert_eq!(hashes(&replica), long[2..10]);
}

#[test]
fn follower_keeps_no_more_than_the_newest_blocks() {
    let (_, old, follower, _) = followed(2_500);
    assert_eq!(follower.remembered().count(), MAX_REMEMBERED);
    assert_eq!(follower.remembered().next_back(), Some(follower.position()));
    assert_eq!(follower.position().hash, old[2_499]);
}

#[test]
fn follower_names_what_it_lacks() {
    let (node, old, mut follower, mut replica) = followed(5);
    let unknown = BlockHash::from_byte_array([7; 32]);
    match Follower::start(&node, unknown) {
        Err(error @ FollowError::UnknownStart { hash }) => {
            assert_eq!(hash, unknown);
            assert!(!error.is_retryable() && error.to_string().contains(&unknown.to_string()));
        }
        other => panic!("{other:?}"),
    }
    let new = node.extend(old[4], 4);
    node.set_tip(new[3]);
    node.prune(&new[2..]);
    match follower.catch_up(&node, &mut replica) {
        Err(FollowError::Node(NodeError::BlockPruned { hash })) => assert_eq!(hash, new[2]),
        other => panic!("{other:?}"),
    }
    assert_eq!((follower.position().hash, hashes(&replica).len()), (new[1], 7), "it stands before it");

    let starting = || NodeError::Starting { address: "a:1".into(), message: "Verifying blocks…".into() };
    node.fail_next(starting());
    let error = follower.step(&node).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(error.to_string(), starting().to_string());
    node.fail_next(starting());
    assert!(matches!(Follower::start(&node, old[0]), Err(FollowError::Node(NodeError::Starting { .. }))));
}

/// What a node says, but for one thing.
struct Liar<'a> {
    node: &'a ScriptedChain,
    header: fn(FoundHeader) -> FoundHeader,
    block: fn(Block) -> Block,
}

impl ChainSource for Liar<'_> {
    fn network(&self) -> Network {
        self.node.network()
    }
    fn tip(&self) -> Result<ChainTip, NodeError> {
        self.node.tip()
    }
    fn block_hash(&self, height: BlockHeight) -> Result<BlockHash, NodeError> {
        self.node.block_hash(height)
    }
    fn header(&self, hash: &BlockHash) -> Result<FoundHeader, NodeError> {
        self.node.header(hash).map(self.header)
    }
    fn block(&self, hash: &BlockHash) -> Result<Block, NodeError> {
        self.node.block(hash).map(self.block)
    }
}

/// What is done to headers and to blocks, and the words against it.
type Lie = (fn(FoundHeader) -> FoundHeader, fn(Block) -> Block, &'static str);

/// A node whose headers or blocks are not those of one chain is not followed, and the position stays.
#[test]
fn follower_refuses_blocks_that_do_not_link() {
    let other = |mut header: FoundHeader| {
        header.header.prev_blockhash = BlockHash::from_byte_array([7; 32]);
        header
    };
    let higher = |found: FoundHeader| FoundHeader { height: found.height.saturating_add(1), ..found };
    let forged = |mut block: Block| {
        block.header.prev_blockhash = BlockHash::from_byte_array([7; 32]);
        block
    };
    let (same_header, same_block) = (|header: FoundHeader| header, |block: Block| block);
    let lies: [Lie; 3] = [
        (other, same_block, "has the hash"),
        (higher, same_block, "has the height"),
        (same_header, forged, "has the hash"),
    ];
    for (header, block, expected) in lies {
        let (node, old, mut follower, _) = followed(5);
        let position = follower.position();
        node.set_tip(node.extend(old[4], 3)[2]);
        let liar = Liar { node: &node, header, block };
        match follower.step(&liar) {
            Err(error @ FollowError::Unlinked { .. }) => {
                assert!(error.to_string().contains(expected), "{error}");
                assert!(!error.is_retryable());
            }
            other => panic!("{expected}: {other:?}"),
        }
        assert_eq!(follower.position(), position);
        // The same on a branch, where the headers of both sides are read.
        node.set_tip(*node.extend(old[1], 9).last().unwrap());
        if expected == "has the height" {
            assert!(matches!(follower.step(&liar), Err(FollowError::Unlinked { .. })));
        }
        assert!(matches!(follower.step(&node), Ok(Step::Event(_))), "told the truth, it goes on");
    }
}
