//! Histories beside their anchors.

use bitcoin::BlockHash;
use bitcoin::hashes::{Hash, sha256};
use proptest::collection::vec;
use proptest::prelude::proptest;

use crate::anchors::{
    AnchoredBlock, BoundHistory, ChainBlock, Divergence, EpochTimestamp, Keystone, KeystoneConfirmations,
    RestoreError, TimestampStatus, compare_history, first_difference,
};

/// The block of a fork at a height.
fn hash(fork: u64, height: u64) -> [u8; 32] {
    sha256::Hash::hash(&[fork.to_be_bytes(), height.to_be_bytes()].concat()).to_byte_array()
}

/// A history from a height on, which from another height on is that of fork 1.
fn history(first: u64, last: u64, forks_at: u64) -> Vec<ChainBlock> {
    let at = |height: u64| hash(u64::from(height >= forks_at), height);
    let block = |height: u64| ChainBlock { height, hash: at(height), parent: height.checked_sub(1).map(at) };
    (first..=last).map(block).collect()
}

fn anchor(height: u64, length: usize) -> AnchoredBlock {
    AnchoredBlock { height, hash: hash(0, height)[..length].to_vec(), depth: 7 }
}

#[test]
fn a_history_is_bound_up_to_the_last_anchor() {
    let anchors = || [anchor(10, 32), anchor(30, 32), anchor(20, 12)];
    let whole = compare_history(history(0, 35, u64::MAX), anchors()).unwrap();
    assert_eq!(
        whole,
        BoundHistory { bound: Some(anchor(30, 32)), divergence: None, last_height: Some(35), outside: 0 }
    );
    let part = compare_history(history(15, 25, u64::MAX), anchors()).unwrap();
    assert_eq!(
        part,
        BoundHistory { bound: Some(anchor(20, 12)), divergence: None, last_height: Some(25), outside: 2 }
    );
    let none = compare_history([], anchors()).unwrap();
    assert_eq!(none, BoundHistory { bound: None, divergence: None, last_height: None, outside: 3 });
}

#[test]
fn the_first_divergence_is_between_two_anchors() {
    let anchors = || [anchor(10, 32), anchor(20, 12), anchor(30, 32)];
    for (forks_at, bound, anchored) in [(0, None, 10), (10, None, 10), (11, Some(10), 20), (20, Some(10), 20)]
    {
        let found = compare_history(history(0, 35, forks_at), anchors()).unwrap();
        let length = if anchored == 20 { 12 } else { 32 };
        let divergence =
            Divergence { above: bound, anchored: anchor(anchored, length), found: hash(1, anchored) };
        assert_eq!(found.divergence, Some(divergence));
        assert_eq!(found.bound.map(|bound| bound.height), bound);
        assert_eq!(first_difference(history(0, 35, forks_at), history(0, 40, u64::MAX)), Some(forks_at));
    }
    // After the last anchor nothing is found by anchors, and by a second copy it is.
    assert_eq!(compare_history(history(0, 35, 31), anchors()).unwrap().divergence, None);
    assert_eq!(first_difference(history(5, 35, 31), history(0, 40, u64::MAX)), Some(31));
    assert_eq!(first_difference(history(0, 30, 31), history(0, 40, u64::MAX)), None);
    assert_eq!(first_difference(history(0, 3, 0), history(4, 8, u64::MAX)), None);
}

#[test]
fn anchors_of_one_height_agree_or_contradict() {
    for (one, other) in [(7, 9), (9, 7)] {
        let at = |depth, length| AnchoredBlock { depth, ..anchor(10, length) };
        let found = compare_history(history(0, 12, u64::MAX), [at(one, 12), at(other, 32)]).unwrap();
        assert_eq!(found.bound, Some(at(9, 32)));
    }
    let other = AnchoredBlock { hash: hash(1, 10)[..12].to_vec(), ..anchor(10, 12) };
    for pair in [[anchor(10, 32), other.clone()], [other, anchor(10, 32)]] {
        let refused = compare_history(history(0, 12, u64::MAX), pair);
        assert_eq!(refused, Err(RestoreError::Contradiction(10)));
    }
    assert!(compare_history([], [anchor(10, 11)]).is_ok());
    let long = AnchoredBlock { hash: vec![1; 33], ..anchor(10, 32) };
    for (anchor, length) in [(anchor(10, 10), 10), (long, 33)] {
        assert_eq!(compare_history([], [anchor]), Err(RestoreError::HashLength { height: 10, length }));
    }
}

#[test]
fn what_is_no_chain_is_refused() {
    let mut blocks = history(0, 5, u64::MAX);
    blocks.remove(2);
    let refused = compare_history(blocks, []);
    assert_eq!(refused, Err(RestoreError::NotConsecutive { after: 1, found: 3 }));
    let mut blocks = history(0, 5, u64::MAX);
    blocks[3].parent = Some([1; 32]);
    assert_eq!(compare_history(blocks.clone(), []), Err(RestoreError::NotLinked(3)));
    blocks[3].parent = None;
    assert!(compare_history(blocks, []).is_ok());
}

#[test]
fn anchors_are_those_of_checkpoints_and_keystones() {
    let mut timestamp =
        EpochTimestamp { status: TimestampStatus::Submitted, block_hash: hash(0, 10), best: None };
    assert_eq!(AnchoredBlock::of_checkpoint(&timestamp, 10), None);
    let place = crate::anchors::PartPlace {
        txid: bitcoin::Txid::all_zeros(),
        block: BlockHash::all_zeros(),
        position: 1,
    };
    timestamp.best = Some(([place; 2], 7));
    assert_eq!(AnchoredBlock::of_checkpoint(&timestamp, 10), Some(anchor(10, 32)));
    let keystone = Keystone {
        l1_block_number: 1,
        l2_block_number: 25,
        parent_ep_hash: [0; 11],
        previous_keystone_ep_hash: [0; 12],
        state_root: [0; 32],
        ep_hash: hash(0, 25)[..12].try_into().unwrap(),
    };
    let publication = Some((100, BlockHash::all_zeros(), keystone.hash()));
    let mut confirmations =
        KeystoneConfirmations { effective_confirmations: 7, super_finality: false, publication };
    assert_eq!(AnchoredBlock::of_keystone(&keystone, &confirmations), Some(anchor(25, 12)));
    confirmations.publication = None;
    assert_eq!(AnchoredBlock::of_keystone(&keystone, &confirmations), None);
}

proptest! {
    /// The divergence that is found is where the fork is.
    #[test]
    fn a_fork_is_found_by_the_first_anchor_after_it(
        heights in vec(0..100_u64, 0..10),
        forks_at in 0..120_u64,
        last in 0..110_u64,
    ) {
        let anchors = heights.iter().map(|height| anchor(*height, 32));
        let found = compare_history(history(0, last, forks_at), anchors).unwrap();
        let within = heights.iter().copied().filter(|height| *height <= last);
        let first = within.clone().filter(|height| *height >= forks_at).min();
        assert_eq!(found.divergence.as_ref().map(|divergence| divergence.anchored.height), first);
        let bound = within.filter(|height| *height < forks_at).max();
        assert_eq!(found.bound.map(|bound| bound.height), bound);
        assert_eq!(found.divergence.and_then(|divergence| divergence.above), first.and(bound));
    }
}
