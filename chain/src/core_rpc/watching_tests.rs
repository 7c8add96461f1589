//! A mempool, an index of spenders and a bell, of a real `bitcoind`, and of the embedded node beside it.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::time::{Duration, Instant};

use bitcoin::hashes::Hash as _;
use bitcoin::{OutPoint, Sequence, Transaction, Txid};

use super::daemon_tests::{anyone, exe, op_true, pay, spend};
use crate::testing::RegtestDaemon;
use crate::{BitcoinCore, BlockHeight, Coin, Node, SpentOutput};

fn spend_all(coin: &Coin) -> Transaction {
    spend(coin, Sequence::MAX, op_true(), pay(coin, anyone()))
}

/// Asks until the index answers so: it follows the chain by itself.
#[track_caller]
fn answers(node: &dyn Node, asked: &[OutPoint], expected: &[SpentOutput]) {
    let order = |mut found: Vec<SpentOutput>| {
        found.sort_by_key(|spent| spent.outpoint);
        found
    };
    let expected = order(expected.to_vec());
    let mut found = None;
    for _ in 0..400 {
        found = node.spenders(asked).unwrap().map(order);
        if found.as_ref() == Some(&expected) {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    assert_eq!(found, Some(expected));
}

/// What waits and what is in a block, more than one call asks for, what is not there, and after a reorg.
fn check_spenders(node: &dyn Node, reorganize: impl Fn(BlockHeight)) {
    node.mine(107, &anyone()).unwrap();
    let coins = node.coins(&anyone()).unwrap();
    let (first, second) = (spend_all(&coins[0]), spend_all(&coins[1]));
    assert_eq!(node.waiting().unwrap(), []);
    node.broadcast(&first).unwrap();
    assert_eq!(node.waiting().unwrap(), [first.compute_txid()]);
    let block = node.mine(1, &bitcoin::ScriptBuf::from_bytes(vec![0x51])).unwrap()[0];
    node.broadcast(&second).unwrap();
    assert_eq!(node.waiting().unwrap(), [second.compute_txid()]);

    let nobody = |number: u32| OutPoint::new(Txid::from_byte_array([7; 32]), number);
    let mut asked: Vec<OutPoint> = (0..1_200).map(nobody).collect();
    asked.extend([nobody(u32::MAX), coins[0].outpoint, coins[1].outpoint, coins[2].outpoint]);
    let by = |coin: &Coin, transaction: &Transaction, block| SpentOutput {
        outpoint: coin.outpoint,
        by: transaction.compute_txid(),
        block,
    };
    let waits = by(&coins[1], &second, None);
    answers(node, &asked, &[by(&coins[0], &first, Some(block)), waits]);
    assert_eq!(node.spenders(&[]).unwrap(), Some(Vec::new()));
    let tip = node.tip().unwrap();
    reorganize(BlockHeight::new(tip.height.to_u32() - 1));
    // It waits again.
    answers(node, &asked, &[by(&coins[0], &first, None), waits]);
}

fn invalidate(daemon: &RegtestDaemon, node: &BitcoinCore, fork_height: BlockHeight) {
    let gone = crate::ChainSource::block_hash(node, fork_height.saturating_add(1)).unwrap();
    daemon.call("invalidateblock", &[serde_json::json!(gone)]).unwrap();
}

#[test]
fn spenders_of_many_outputs_are_told_at_once() {
    let Some(exe) = exe("spenders_of_many_outputs_are_told_at_once") else { return };
    if !RegtestDaemon::knows_option(&exe, "-txospenderindex").unwrap() {
        eprintln!("SKIPPED: spenders_of_many_outputs_are_told_at_once needs -txospenderindex");
        return;
    }
    let daemon = RegtestDaemon::start_with_args(&exe, &["-txospenderindex=1"]).unwrap();
    let node = daemon.connect().unwrap();
    check_spenders(&node, |height| invalidate(&daemon, &node, height));
    // Without the index there is no answer, and no error.
    let daemon = RegtestDaemon::start(&exe).unwrap();
    let outpoint = OutPoint::new(Txid::from_byte_array([7; 32]), 0);
    assert_eq!(crate::Spenders::spenders(&daemon.connect().unwrap(), &[outpoint]).unwrap(), None);
}

#[cfg(feature = "embedded")]
#[test]
fn embedded_node_tells_the_spenders_of_many_outputs() {
    let node = crate::EmbeddedRegtest::in_memory().unwrap();
    check_spenders(&node, |height| {
        let fork_point = crate::ChainSource::block_hash(&node, height).unwrap();
        node.mine_on(&fork_point, 2, &op_true()).unwrap();
    });
}

fn check_bell(node: &(dyn Node + Sync)) {
    let known = node.mine(1, &anyone()).unwrap()[0];
    let begun = Instant::now();
    node.wait_for_block(&known, Duration::from_millis(300)).unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(250), "{:?}", begun.elapsed());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(200));
            node.mine(1, &anyone()).unwrap();
        });
        let begun = Instant::now();
        node.wait_for_block(&known, Duration::from_secs(20)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    });
    // The tip is another already.
    let begun = Instant::now();
    node.wait_for_block(&known, Duration::from_secs(20)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn bell_rings_with_the_next_block() {
    #[cfg(feature = "embedded")]
    check_bell(&crate::EmbeddedRegtest::in_memory().unwrap());
    let Some(exe) = exe("bell_rings_with_the_next_block") else { return };
    let daemon = RegtestDaemon::start(&exe).unwrap();
    check_bell(&daemon.connect().unwrap());
}
