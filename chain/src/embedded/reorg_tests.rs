use bitcoin::hashes::Hash as _;
use bitcoin::{BlockHash, Sequence};

use super::EmbeddedRegtest;
use super::index::Index;
use super::tests::{anyone, first_output, funded, spend, spend_to};
use crate::{BlockHeight, Broadcast as _, ChainSource as _, Lookup as _, Mine as _, NodeError};

/// The index that the blocks of the best chain give when they are read from the first on.
fn index_from_scratch(node: &EmbeddedRegtest) -> Index {
    let mut index = Index::default();
    for height in 0..=node.tip().unwrap().height.to_u32() {
        index.add(&node.block_at(BlockHeight::new(height)).unwrap()).unwrap();
    }
    index
}

#[track_caller]
pub(super) fn assert_index_is_exact(node: &EmbeddedRegtest) {
    let expected = index_from_scratch(node);
    assert!(*node.state().index() == expected, "the index differs from one that is made from scratch");
}

#[test]
fn mine_on_reorganizes_with_more_work_only() {
    for depth in [1_u32, 5, 150] {
        let (node, _) = funded();
        let fork_point = node.tip().unwrap();
        let old = node.mine(depth, &anyone()).unwrap();
        let old_tip = node.tip().unwrap();
        let new = node.mine_on(&fork_point.hash, depth, &anyone()).unwrap();
        assert_eq!(node.tip().unwrap(), old_tip, "as much work is not more");
        assert_eq!(node.header(new.last().unwrap()).unwrap().confirmations, 0);
        assert_eq!(node.header(new.last().unwrap()).unwrap().height, old_tip.height);
        let tip = node.mine_on(new.last().unwrap(), 1, &anyone()).unwrap();
        assert_eq!(node.tip().unwrap().hash, tip[0]);
        assert_eq!(node.tip().unwrap().height, old_tip.height.saturating_add(1));
        assert_index_is_exact(&node);
        // The disconnected blocks are still known.
        for (hash, number) in old.iter().zip(1..) {
            let found = node.header(hash).unwrap();
            assert_eq!((found.confirmations, found.height), (0, fork_point.height.saturating_add(number)));
            assert_eq!(node.block(hash).unwrap().header, found.header);
        }
        assert_eq!(node.header(&new[0]).unwrap().confirmations, depth + 1);
        // And back again.
        node.mine_on(old.last().unwrap(), 2, &anyone()).unwrap();
        assert_eq!(node.header(&old[0]).unwrap().confirmations, depth + 2);
        assert_index_is_exact(&node);
    }
}

#[test]
fn transactions_of_disconnected_blocks_return_to_the_mempool() {
    let (node, coins) = funded();
    let fork_point = node.tip().unwrap();
    let parent = spend(&coins[0]);
    let child = spend(&first_output(&parent, 111));
    let loser = spend(&coins[1]);
    for transaction in [&parent, &child, &loser] {
        node.broadcast(transaction).unwrap();
    }
    node.mine(1, &anyone()).unwrap();
    let unconfirmed = spend(&first_output(&child, 111));
    node.broadcast(&unconfirmed).unwrap();

    // The other branch confirms the parent too, and another spend of the loser's coin.
    let winner = spend_to(&coins[1], Sequence::ZERO, anyone());
    let first = node.mine_block_on(&fork_point.hash, &anyone(), &[parent.clone(), winner.clone()]).unwrap();
    assert_eq!(node.transaction(&winner.compute_txid()).unwrap(), None, "the branch has no more work yet");
    node.mine_on(&first, 1, &anyone()).unwrap();
    let confirmations = |transaction: &bitcoin::Transaction| {
        node.transaction(&transaction.compute_txid()).unwrap().map(|found| found.confirmations)
    };
    assert_eq!(confirmations(&parent), Some(2));
    assert_eq!(confirmations(&winner), Some(2));
    assert_eq!(confirmations(&child), Some(0), "in the mempool again");
    assert_eq!(confirmations(&unconfirmed), Some(0), "still there");
    assert_eq!(confirmations(&loser), None, "its coin is spent");
    let spender = node.spender(&coins[1]).unwrap().unwrap();
    assert_eq!(spender.transaction, winner);
    assert_index_is_exact(&node);
    node.mine(1, &anyone()).unwrap();
    assert_eq!((confirmations(&child), confirmations(&unconfirmed)), (Some(1), Some(1)));

    // Back to the first branch, as it was.
    let first_branch = node.block_at(BlockHeight::new(110)).unwrap().block_hash();
    let again = node.mine_block_on(&first_branch, &anyone(), std::slice::from_ref(&loser)).unwrap();
    node.mine_on(&again, 3, &anyone()).unwrap();
    assert_eq!(confirmations(&loser), Some(4));
    assert_eq!(confirmations(&winner), None);
    assert_eq!([&parent, &child, &unconfirmed].map(confirmations), [Some(0); 3]);
    assert_index_is_exact(&node);
}

#[test]
fn transactions_that_are_too_early_again_do_not_return() {
    let (node, coins) = funded();
    let parent = spend(&coins[0]);
    node.broadcast(&parent).unwrap();
    node.mine(1, &anyone()).unwrap();
    let fork_point = node.tip().unwrap();
    node.mine(2, &anyone()).unwrap();
    let delayed = spend_to(&first_output(&parent, 111), Sequence::from_height(3), anyone());
    let of_coinbase = {
        let young = node.block_at(BlockHeight::new(14)).unwrap().txdata[0].clone();
        spend(&first_output(&young, 14))
    };
    node.broadcast(&delayed).unwrap();
    node.broadcast(&of_coinbase).unwrap();
    node.mine(1, &anyone()).unwrap();
    // A branch of the same height cannot win, so it ends one block higher, where both are valid again; what
    // was confirmed at 114 is unconfirmed at 115.
    node.mine_on(&fork_point.hash, 4, &anyone()).unwrap();
    assert_eq!(node.transaction(&delayed.compute_txid()).unwrap().unwrap().confirmations, 0);
    assert_eq!(node.transaction(&of_coinbase.compute_txid()).unwrap().unwrap().confirmations, 0);
    // A spend of a coinbase of the branch that is left never returns.
    let tip = node.tip().unwrap();
    let reward = node.block(&tip.hash).unwrap().txdata[0].clone();
    node.mine(99, &anyone()).unwrap();
    let orphaned = spend(&first_output(&reward, tip.height.to_u32()));
    node.broadcast(&orphaned).unwrap();
    node.mine(1, &anyone()).unwrap();
    node.mine_on(&fork_point.hash, 105, &anyone()).unwrap();
    assert_eq!(node.transaction(&orphaned.compute_txid()).unwrap(), None);
    let gone = node.spender(&first_output(&reward, tip.height.to_u32())).unwrap_err();
    assert!(matches!(gone, NodeError::NoSuchOutput { .. }), "its block has left the chain: {gone}");
    assert_index_is_exact(&node);
}

#[test]
fn branch_that_breaks_a_rule_never_becomes_the_chain() {
    let (node, coins) = funded();
    let fork_point = node.tip().unwrap();
    node.mine(1, &anyone()).unwrap();
    let tip = node.tip().unwrap();
    let mut thief = spend(&coins[0]);
    thief.output[0].value = coins[0].output.value * 2;
    let bad = node.mine_block_on(&fork_point.hash, &anyone(), &[thief.clone()]).unwrap();
    let refused = node.mine_on(&bad, 1, &anyone()).unwrap_err();
    assert!(refused.to_string().contains("bad-txns-in-belowout"), "{refused}");
    assert_eq!(node.tip().unwrap(), tip);
    assert_index_is_exact(&node);
    match node.mine_block_on(&tip.hash, &anyone(), &[thief]) {
        Err(NodeError::Engine { reason, .. }) => assert!(reason.contains("bad-txns-in-belowout"), "{reason}"),
        other => panic!("{other:?}"),
    }
    let unknown = BlockHash::from_byte_array([7; 32]);
    for error in [
        node.mine_on(&unknown, 1, &anyone()).unwrap_err(),
        node.header(&unknown).unwrap_err(),
        node.block(&unknown).unwrap_err(),
    ] {
        assert!(matches!(error, NodeError::UnknownBlock { hash } if hash == unknown), "{error}");
    }
    node.mine(1, &anyone()).unwrap();
    assert_index_is_exact(&node);
}

#[test]
fn directory_with_branches_is_continued() {
    let dir = tempfile::tempdir().unwrap();
    let node = EmbeddedRegtest::open(dir.path()).unwrap();
    node.mine(10, &anyone()).unwrap();
    let fork_point = node.block_hash(BlockHeight::new(5)).unwrap();
    let branch = node.mine_on(&fork_point, 3, &anyone()).unwrap();
    let tip = node.tip().unwrap();
    drop(node);
    let node = EmbeddedRegtest::open(dir.path()).unwrap();
    assert_eq!(node.tip().unwrap(), tip);
    let siblings = node.mine_on(&fork_point, 3, &anyone()).unwrap();
    assert!(siblings.iter().all(|hash| !branch.contains(hash)), "never a block that was there");
    node.mine_on(&branch[2], 3, &anyone()).unwrap();
    assert_eq!(node.header(&branch[0]).unwrap().confirmations, 6);
    assert_index_is_exact(&node);
}
