//! Indexes, pruning, crashes and reorgs of a real `bitcoind`.

use bitcoin::{Sequence, Transaction};
use serde_json::json;

use super::daemon_tests::{anyone, exe, op_true, pay, reason, spend};
use crate::testing::RegtestDaemon;
use crate::{
    BitcoinCore, BlockHeight, Broadcast as _, ChainEvent, ChainSource as _, Coin, Follower, Lookup as _,
    Mine as _, NodeError, RejectionClass, Step,
};

fn spend_all(coin: &Coin) -> Transaction {
    spend(coin, Sequence::MAX, op_true(), pay(coin, anyone()))
}

/// Asks until the index answers.
fn indexed<T>(question: impl Fn() -> Option<T>) -> T {
    let answer = (0..400).find_map(|_| {
        let answer = question();
        if answer.is_none() {
            std::thread::sleep(std::time::Duration::from_millis(25));
        }
        answer
    });
    answer.expect("the index catches up within ten seconds")
}

fn events(follower: &mut Follower, node: &BitcoinCore) -> Vec<ChainEvent> {
    let mut events = Vec::new();
    while let Step::Event(event) = follower.step(node).unwrap() {
        events.push(event);
    }
    events
}

/// With an index of spenders and none of transactions the node names a confirmed spender, and does not give
/// the transaction itself.
#[test]
fn spender_is_found_through_the_index_of_spenders() {
    let Some(exe) = exe("spender_is_found_through_the_index_of_spenders") else { return };
    let daemon = RegtestDaemon::start_with_args(&exe, &["-txospenderindex=1"]).unwrap();
    // Without the index nothing could be found: no block is searched.
    let node = daemon.connect().unwrap().with_search_depth(0);
    node.mine(105, &anyone()).unwrap();
    let coins = node.coins(&anyone()).unwrap();
    let (coin, unspent) = (&coins[0], &coins[1]);
    let parent = spend_all(coin);
    node.broadcast(&parent).unwrap();
    let found = node.spender(&coin.outpoint, coin.height).unwrap().unwrap();
    assert_eq!((&found.transaction, found.block), (&parent, None));

    node.mine(3, &anyone()).unwrap();
    let found = indexed(|| node.spender(&coin.outpoint, coin.height).ok().flatten());
    let block = found.block.expect("it is confirmed");
    assert_eq!((&found.transaction, block.height.to_u32(), found.confirmations), (&parent, 106, 3));
    assert_eq!(block.hash, node.block_hash(block.height).unwrap());
    let later = node.spender(&coin.outpoint, BlockHeight::new(107)).unwrap();
    assert_eq!(later, None, "no earlier block is looked at");
    assert_eq!(node.spender(&unspent.outpoint, unspent.height).unwrap(), None);

    // Known again although every output of it is spent.
    let output = Coin {
        outpoint: bitcoin::OutPoint { txid: parent.compute_txid(), vout: 0 },
        output: parent.output[0].clone(),
        height: block.height,
    };
    node.broadcast(&spend_all(&output)).unwrap();
    node.mine(1, &anyone()).unwrap();
    indexed(|| node.spender(&output.outpoint, output.height).ok().flatten());
    assert_eq!(node.broadcast(&parent).unwrap(), parent.compute_txid());
    let rival = spend(coin, Sequence::ZERO, op_true(), pay(coin, anyone()));
    let error = node.broadcast(&rival).unwrap_err();
    assert_eq!(error.rejection_class(), Some(RejectionClass::MissingInputs), "{error}");

    // After a reorg the spender is unconfirmed again.
    daemon.call("invalidateblock", &[json!(block.hash)]).unwrap();
    let found = indexed(|| node.spender(&coin.outpoint, coin.height).ok().flatten());
    assert_eq!((&found.transaction, found.block), (&parent, None));
}

#[test]
fn broadcast_sets_no_greatest_fee_rate() {
    let Some(exe) = exe("broadcast_sets_no_greatest_fee_rate") else { return };
    let daemon = RegtestDaemon::start(&exe).unwrap();
    let node = daemon.connect().unwrap();
    node.mine(101, &anyone()).unwrap();
    let coin = node.coins(&anyone()).unwrap().remove(0);
    let mut dear = spend_all(&coin);
    dear.output[0].value = bitcoin::Amount::ONE_BTC;
    assert_eq!(node.broadcast(&dear).unwrap(), dear.compute_txid(), "a fee of 49 BTC");
    let mut cheaper = dear.clone();
    cheaper.output[0].value = bitcoin::Amount::from_sat(200_000_000);
    let error = node.broadcast(&cheaper).unwrap_err();
    assert_eq!(error.rejection_class(), Some(RejectionClass::Mempool), "{error}");
    assert!(error.is_retryable());
    assert_eq!(reason(Err(error)), "insufficient fee");
}

#[test]
fn follower_goes_with_a_daemon_across_reorgs_and_waits_after_a_crash() {
    let Some(exe) = exe("follower_goes_with_a_daemon_across_reorgs_and_waits_after_a_crash") else { return };
    let daemon = RegtestDaemon::start(&exe).unwrap();
    let node = daemon.connect().unwrap();
    let genesis = node.tip().unwrap().hash;
    let mut follower = Follower::start(&node, genesis).unwrap();
    let common = node.mine(5, &anyone()).unwrap();
    let fork_point = node.tip().unwrap();
    for (depth, before, opcode) in [(1_u32, 0x55_u8, 0x52_u8), (5, 0x56, 0x53), (150, 0x57, 0x54)] {
        let old = node.mine(depth, &bitcoin::ScriptBuf::from_bytes(vec![before])).unwrap();
        events(&mut follower, &node);
        assert_eq!(follower.position(), node.tip().unwrap());
        let before = follower.position();
        daemon.call("invalidateblock", &[json!(old[0])]).unwrap();
        assert_eq!(node.tip().unwrap(), fork_point);
        assert!(matches!(follower.step(&node).unwrap(), Step::Behind { tip } if tip == fork_point));
        // Another script, or it would be the block that was invalidated.
        let new = node.mine(depth + 1, &bitcoin::ScriptBuf::from_bytes(vec![opcode])).unwrap();
        let seen = events(&mut follower, &node);
        assert_eq!(seen[0], ChainEvent::Disconnected { from: before, fork_point });
        let connected: Vec<_> = seen[1..]
            .iter()
            .map(|event| match event {
                ChainEvent::Connected { at, block } => {
                    assert_eq!(at.hash, block.block_hash());
                    at.hash
                }
                other @ ChainEvent::Disconnected { .. } => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(connected, new, "depth {depth}");
        assert_eq!(node.header(&old[0]).unwrap().confirmations, 0);
        assert_eq!(node.block(&old[0]).unwrap().block_hash(), old[0]);
        // Back to the common blocks for the next round.
        daemon.call("invalidateblock", &[json!(new[0])]).unwrap();
        follower = Follower::start(&node, common[4]).unwrap();
    }
    let unknown = bitcoin::hashes::Hash::from_byte_array([7; 32]);
    for error in [node.header(&unknown).unwrap_err(), node.block(&unknown).unwrap_err()] {
        assert!(matches!(error, NodeError::UnknownBlock { hash } if hash == unknown), "{error}");
    }
}
