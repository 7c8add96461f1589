//! Indexes, pruning, crashes and reorgs of a real `bitcoind`.

use bitcoin::{Sequence, Transaction};
use serde_json::json;

use super::daemon_tests::{anyone, exe, op_true, pay, reason, spend};
use crate::testing::RegtestDaemon;
use crate::{
    BitcoinCore, BlockHeight, Broadcast as _, ChainEvent, ChainSource as _, Coin, Follower, Lookup as _,
    Mine as _, MissingInput, NodeError, RejectionClass, Step, missing_input,
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

/// Arguments of a daemon, or a line that says which part is left out because the daemon lacks the option.
fn known<'a>(exe: &std::path::Path, test: &str, args: &'a [&'a str]) -> Option<&'a [&'a str]> {
    let option = |arg: &&str| arg.split('=').next().unwrap().to_owned();
    let lacks = args.iter().map(option).find(|option| !RegtestDaemon::knows_option(exe, option).unwrap());
    if let Some(option) = &lacks {
        eprintln!("SKIPPED: {test} with {option}, which this bitcoind does not know");
    }
    lacks.is_none().then_some(args)
}

/// One life on a daemon without an index, with each, with both, and pruned: the same answers.
#[test]
fn answers_are_the_same_with_and_without_indexes() {
    const TEST: &str = "answers_are_the_same_with_and_without_indexes";
    let Some(exe) = exe(TEST) else { return };
    let [transactions, spenders] = ["-txindex=1", "-txospenderindex=1"];
    for args in
        [&[][..], &[transactions], &[spenders], &[transactions, spenders], &["-prune=1", "-fastprune=1"]]
    {
        let Some(args) = known(&exe, TEST, args) else { continue };
        let daemon = RegtestDaemon::start_with_args(&exe, args).unwrap();
        let node = daemon.connect().unwrap();
        node.mine(105, &anyone()).unwrap();
        let coins = node.coins(&anyone()).unwrap();
        let nothing = bitcoin::ScriptBuf::from_bytes(vec![0x51]);
        let first = spend_all(&coins[0]);
        node.broadcast(&first).unwrap();
        let waiting = node.spender(&coins[0]).unwrap().unwrap();
        assert_eq!((waiting.transaction, waiting.block), (first.clone(), None), "{args:?}");
        node.mine(1, &nothing).unwrap();
        let output = Coin::of(&node.transaction(&first.compute_txid()).unwrap().unwrap(), 0).unwrap();
        let second = spend_all(&output);
        node.broadcast(&second).unwrap();
        node.mine(2, &nothing).unwrap();
        // Confirmed, with every output spent: only an index knows it directly.
        for (coin, spender, height) in [(&coins[0], &first, 106), (&output, &second, 107)] {
            let found = node.spender(coin).unwrap().unwrap();
            let block = found.block.unwrap();
            assert_eq!((&found.transaction, block.height.to_u32()), (spender, height), "{args:?}");
            assert_eq!(node.block(&block.hash).unwrap().txdata[1], *spender);
            assert_eq!(node.transaction(&spender.compute_txid()).unwrap().unwrap(), found, "{args:?}");
        }
        assert_eq!(node.spender(&coins[1]).unwrap(), None);
        let rival = spend(&coins[0], Sequence::ZERO, op_true(), pay(&coins[0], anyone()));
        assert_eq!(
            node.broadcast(&rival).unwrap_err().rejection_class(),
            Some(RejectionClass::MissingInputs)
        );
        match missing_input(&node, &rival).unwrap() {
            Some(MissingInput::SpentByAnother { spender, .. }) => assert_eq!(spender.transaction, first),
            other => panic!("{args:?}: {other:?}"),
        }
        match missing_input(&node, &first).unwrap() {
            Some(MissingInput::SpentByItself(found)) => assert_eq!(found.confirmations, 3),
            other => panic!("{args:?}: {other:?}"),
        }
    }
}

/// What the daemon has deleted is named, and never taken for what is not there.
#[test]
fn pruned_blocks_are_named() {
    let Some(exe) = exe("pruned_blocks_are_named") else { return };
    let daemon = RegtestDaemon::start_with_args(&exe, &["-prune=1", "-fastprune=1"]).unwrap();
    let node = daemon.connect().unwrap();
    node.mine(105, &anyone()).unwrap();
    let coins = node.coins(&anyone()).unwrap();
    let (unspent, spent) = (spend_all(&coins[0]), spend_all(&coins[1]));
    node.broadcast(&unspent).unwrap();
    node.broadcast(&spent).unwrap();
    let block = node.mine(1, &anyone()).unwrap()[0];
    let output = Coin::of(&node.transaction(&spent.compute_txid()).unwrap().unwrap(), 0).unwrap();
    node.broadcast(&spend_all(&output)).unwrap();
    node.mine(900, &bitcoin::ScriptBuf::from_bytes(vec![0x51])).unwrap();
    daemon.call("pruneblockchain", &[json!(600)]).unwrap();
    assert!(matches!(node.block(&block), Err(NodeError::BlockPruned { hash }) if hash == block));
    assert_eq!(node.header(&block).unwrap().height.to_u32(), 106, "headers stay");
    match node.transaction(&unspent.compute_txid()) {
        Err(NodeError::BlockPruned { hash }) => assert_eq!(hash, block, "its unspent output tells the block"),
        other => panic!("{other:?}"),
    }
    let missing = node.transaction(&spent.compute_txid());
    assert!(matches!(missing, Err(NodeError::NotIndexed { .. })), "{missing:?}");
    let spender = node.spender(&output);
    assert!(matches!(spender, Err(NodeError::SpenderNotFound { .. })), "{spender:?}");
}

/// A daemon that was killed no longer knows its last blocks, and its index of transactions names one of them.
#[test]
fn transaction_in_a_block_that_a_killed_daemon_forgot_is_in_no_block() {
    let test = "transaction_in_a_block_that_a_killed_daemon_forgot_is_in_no_block";
    let Some(exe) = exe(test) else { return };
    let mut daemon = RegtestDaemon::start_with_args(&exe, &["-txindex=1"]).unwrap();
    let node = daemon.connect().unwrap();
    node.mine(105, &anyone()).unwrap();
    daemon.restart().unwrap();
    let coin = node.coins(&anyone()).unwrap().remove(0);
    let transaction = spend_all(&coin);
    node.broadcast(&transaction).unwrap();
    let block = node.mine(1, &anyone()).unwrap()[0];
    let txid = transaction.compute_txid();
    assert_eq!(indexed(|| node.transaction(&txid).ok().flatten()).confirmations, 1);

    daemon.kill_and_restart().unwrap();
    assert_eq!(node.tip().unwrap().height.to_u32(), 105);
    assert!(matches!(node.header(&block), Err(NodeError::UnknownBlock { hash }) if hash == block));
    assert_eq!(node.transaction(&txid).unwrap(), None);
    assert_eq!(node.spender(&coin).unwrap(), None);
    node.broadcast(&transaction).unwrap();
    assert_eq!(node.transaction(&txid).unwrap().unwrap().block, None, "in the mempool");
}

/// An older daemon's help names no index of spenders.
#[test]
#[cfg(unix)]
fn options_that_a_daemon_lacks_are_known_from_its_help() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("bitcoind");
    std::fs::write(
        &old,
        "#!/bin/sh\necho '  -prune=<n>'\necho '  -txindex'\necho '       -txospenderindex'\n",
    )
    .unwrap();
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o700)).unwrap();
    let knows = |option: &str| RegtestDaemon::knows_option(&old, option).unwrap();
    assert!(knows("-prune") && knows("-txindex") && knows("-txospenderindex"));
    std::fs::write(&old, "#!/bin/sh\necho '  -prune=<n>'\necho '  -txindex'\n").unwrap();
    assert!(knows("-prune") && knows("-txindex") && !knows("-txospenderindex") && !knows("-tx"));
    assert_eq!(known(&old, "a test", &["-txindex=1", "-txospenderindex=1"]), None);
    assert!(matches!(
        RegtestDaemon::knows_option(&dir.path().join("none"), "-prune"),
        Err(NodeError::Daemon { .. })
    ));
}

/// With an index of spenders and none of transactions the node names a confirmed spender, and does not give
/// the transaction itself.
#[test]
fn spender_is_found_through_the_index_of_spenders() {
    let test = "spender_is_found_through_the_index_of_spenders";
    let Some(exe) = exe(test) else { return };
    if known(&exe, test, &["-txospenderindex=1"]).is_none() {
        return;
    }
    let daemon = RegtestDaemon::start_with_args(&exe, &["-txospenderindex=1"]).unwrap();
    // Without the index nothing could be found: no block is searched.
    let node = daemon.connect().unwrap().with_search_depth(0);
    node.mine(105, &anyone()).unwrap();
    let coins = node.coins(&anyone()).unwrap();
    let (coin, unspent) = (&coins[0], &coins[1]);
    let parent = spend_all(coin);
    node.broadcast(&parent).unwrap();
    let found = node.spender(coin).unwrap().unwrap();
    assert_eq!((&found.transaction, found.block), (&parent, None));

    node.mine(3, &anyone()).unwrap();
    let found = indexed(|| node.spender(coin).ok().flatten());
    let block = found.block.expect("it is confirmed");
    assert_eq!((&found.transaction, block.height.to_u32(), found.confirmations), (&parent, 106, 3));
    assert_eq!(block.hash, node.block_hash(block.height).unwrap());
    let later = node.spender(&Coin { height: BlockHeight::new(107), ..coin.clone() }).unwrap_err();
    assert!(matches!(later, NodeError::NoSuchOutput { .. }), "no earlier block is looked at: {later}");
    assert_eq!(node.spender(unspent).unwrap(), None);

    // Known again although every output of it is spent.
    let output = Coin {
        outpoint: bitcoin::OutPoint { txid: parent.compute_txid(), vout: 0 },
        output: parent.output[0].clone(),
        height: block.height,
    };
    node.broadcast(&spend_all(&output)).unwrap();
    node.mine(1, &anyone()).unwrap();
    indexed(|| node.spender(&output).ok().flatten());
    assert_eq!(node.broadcast(&parent).unwrap(), parent.compute_txid());
    let rival = spend(coin, Sequence::ZERO, op_true(), pay(coin, anyone()));
    let error = node.broadcast(&rival).unwrap_err();
    assert_eq!(error.rejection_class(), Some(RejectionClass::MissingInputs), "{error}");

    // After a reorg the spender is unconfirmed again.
    daemon.call("invalidateblock", &[json!(block.hash)]).unwrap();
    let found = indexed(|| node.spender(coin).ok().flatten());
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
