//! Looking back by an index of spenders finds what reading every block does.

use std::time::Instant;

use bitcoin::Transaction;
use chain::testing::ScriptedChain;
use chain::{BlockHeight, ChainSource as _};
use staking_scripts::delegation::SlashedOutput;
use store::testing::MemoryDatabase;

use super::driver::{Log, extend, open};
use super::stakes::{MADE, STAKES, slashing};
use crate::driver::Driver;
use crate::stake::TrackedStake;

/// Where the staking transactions are.
const FIRST: u32 = 10;
const BLOCKS: u32 = 1500;

/// Six stakes, in blocks 10 to 15; later one is unbonded and slashed, one slashed, one extended, and two are
/// unbonded.
fn chain() -> ScriptedChain {
    let node = ScriptedChain::new();
    let child = MADE[1].child.as_ref().unwrap();
    let staking: Vec<_> = MADE.iter().map(|made| made.staking.clone()).collect();
    let mut blocks: Vec<(u32, Vec<Transaction>)> =
        (FIRST..).zip(staking).map(|(height, staking)| (height, vec![staking])).collect();
    blocks.push((300, vec![MADE[0].unbonding.clone()]));
    blocks.push((500, vec![slashing(0, SlashedOutput::Unbonding)]));
    blocks.push((510, vec![child.staking.clone()]));
    blocks.push((700, vec![slashing(2, SlashedOutput::Staking)]));
    blocks.push((1460, vec![MADE[4].unbonding.clone()]));
    blocks.push((BLOCKS - 1, vec![MADE[3].unbonding.clone()]));
    let mut tip = node.tip().unwrap();
    for (height, transactions) in blocks {
        let empty = height - tip.height.to_u32() - 1;
        let parent = if empty == 0 { tip.hash } else { *extend(&node, tip.hash, empty, &[]).last().unwrap() };
        extend(&node, parent, 1, &transactions);
        tip = node.tip().unwrap();
    }
    extend(&node, tip.hash, BLOCKS - tip.height.to_u32(), &[]);
    node
}

fn at_tip<'a>(node: &'a ScriptedChain, database: &MemoryDatabase, log: &'a Log) -> Driver<'a> {
    let mut driver = open(node, database, log);
    while !driver.step(Instant::now()).unwrap() {}
    driver
}

/// What is known of each, wherever it was looked for.
fn found(driver: &Driver<'_>) -> Vec<TrackedStake> {
    found_of(driver, 0..STAKES)
}

fn found_of(driver: &Driver<'_>, which: std::ops::Range<usize>) -> Vec<TrackedStake> {
    let tracker = driver.watch().tracker();
    let ids = MADE[which].iter().map(|made| made.staking.compute_txid());
    let stakes = ids.map(|id| tracker.stake(tracker.find(&id).unwrap()).unwrap().clone());
    stakes.map(|stake| TrackedStake { searched: 0, ..stake }).collect()
}

/// Learns all stakes, each from the height that is given, and returns what is known then and how many calls
/// that took.
fn learn(node: &ScriptedChain, since: impl Fn(u32) -> u32, steps: usize) -> (Vec<TrackedStake>, u64) {
    let (log, database) = (Log::default(), MemoryDatabase::new());
    let mut driver = at_tip(node, &database, &log);
    for (number, made) in (0_u32..).zip(MADE.iter()) {
        driver.learn(&made.delegation, since(number)).unwrap();
    }
    let before = node.calls();
    for _ in 0..steps {
        driver.step(Instant::now()).unwrap();
    }
    // Killed meanwhile.
    if steps > 0 {
        drop(driver);
        driver = open(node, &database, &log);
    }
    while !driver.step(Instant::now()).unwrap() {}
    (found(&driver), node.calls() - before)
}

#[test]
fn an_index_finds_what_blocks_do_in_fewer_calls() {
    let node = chain();
    let (by_blocks, calls) = learn(&node, |number| FIRST + number, 0);
    node.set_index(true);
    let (by_index, fewer) = learn(&node, |number| FIRST + number, 0);
    assert_eq!(by_index, by_blocks);
    assert!(by_index[0].slashing().is_some() && by_index[2].slashing().is_some());
    assert!(by_index[1].extension().is_some() && by_index[3].unbonding_output().is_some());
    assert_eq!(by_index.iter().filter(|stake| stake.spends.is_some()).count(), 5);
    assert_eq!(by_index.len(), STAKES);
    assert!(fewer * 20 < calls, "{fewer} of {calls}");
    // Killed at any step.
    for steps in 1..5 {
        assert_eq!(learn(&node, |number| FIRST + number, steps).0, by_blocks, "{steps}");
    }
}

/// Where it is not known in which block a stake is, every block since then is read; the index helps with
/// those below.
#[test]
fn stakes_of_which_the_block_is_not_known_are_found_too() {
    let node = chain();
    let (by_blocks, calls) = learn(&node, |_| 1, 0);
    node.set_index(true);
    let (all, as_many) = learn(&node, |_| 1, 0);
    assert_eq!(all, by_blocks);
    assert!(as_many < calls + 50, "{as_many} of {calls}");
    let (some, _) = learn(&node, |number| if number == 4 { 12 } else { FIRST + number }, 0);
    assert_eq!(some, by_blocks);
}

/// The index is gone, or names a block that the node lost: every block is read.
#[test]
fn an_index_that_fails_is_not_believed() {
    let node = chain();
    let (by_blocks, _) = learn(&node, |_| 1, 0);
    node.set_index(true);
    let (log, database) = (Log::default(), MemoryDatabase::new());
    let mut driver = at_tip(&node, &database, &log);
    for (number, made) in (0_u32..).zip(MADE.iter()) {
        driver.learn(&made.delegation, FIRST + number).unwrap();
    }
    driver.step(Instant::now()).unwrap();
    node.set_index(false);
    while !driver.step(Instant::now()).unwrap() {}
    assert_eq!(found(&driver), by_blocks);
}

/// A node that went back and comes to the same blocks again connects none of them: they are waited for.
#[test]
fn blocks_that_the_node_lost_for_a_while_are_not_passed_over() {
    let node = chain();
    let (by_blocks, _) = learn(&node, |_| 1, 0);
    for has_index in [false, true] {
        node.set_index(has_index);
        let (log, database) = (Log::default(), MemoryDatabase::new());
        let mut driver = at_tip(&node, &database, &log);
        let tip = node.tip().unwrap().hash;
        let lost: Vec<_> = (1450..=BLOCKS).map(|at| node.block_hash(BlockHeight::new(at)).unwrap()).collect();
        let back = node.block_hash(BlockHeight::new(1449)).unwrap();
        node.forget(&lost);
        node.set_tip(back);
        for (number, made) in (0_u32..).zip(MADE.iter()) {
            driver.learn(&made.delegation, FIRST + number).unwrap();
        }
        for _ in 0..30 {
            driver.step(Instant::now()).unwrap();
        }
        // There is nothing to do but to wait.
        assert!(driver.step(Instant::now()).unwrap());
        node.remember(&lost);
        node.set_tip(tip);
        while !driver.step(Instant::now()).unwrap() {}
        assert_eq!(found(&driver), by_blocks, "{has_index}");
    }
}

/// Far behind a node with an index, it leaps: what the blocks had is found as if it had read them.
#[test]
fn a_leap_finds_what_reading_every_block_does() {
    // All were in blocks before; one was not, and is unspent; and some were not, and are spent, of which
    // nothing but the blocks tells where they are.
    for (learned_at, which, is_cheap) in [(20, 0..STAKES, true), (1, 5..STAKES, true), (1, 0..STAKES, false)]
    {
        for steps in 0..5 {
            let (by_blocks, calls) = behind(false, learned_at, which.clone(), steps);
            let (by_index, fewer) = behind(true, learned_at, which.clone(), steps);
            assert_eq!(by_index, by_blocks, "{learned_at} {steps}");
            assert!(!is_cheap || fewer * 5 < calls, "{fewer} of {calls}");
            assert!(by_index.iter().all(|stake| stake.included_height().is_some()));
        }
    }
}

/// Knows stakes at some block, was killed after so many steps, and follows to the tip. Returns what is known
/// then, and how many calls that took.
fn behind(
    has_index: bool,
    learned_at: u32,
    which: std::ops::Range<usize>,
    steps: usize,
) -> (Vec<TrackedStake>, u64) {
    let node = chain();
    let tip = node.tip().unwrap().hash;
    node.set_tip(node.block_hash(BlockHeight::new(learned_at)).unwrap());
    let (log, database) = (Log::default(), MemoryDatabase::new());
    let mut driver = at_tip(&node, &database, &log);
    for made in &MADE[which.clone()] {
        driver.learn(&made.delegation, 1).unwrap();
    }
    while !driver.step(Instant::now()).unwrap() {}
    node.set_index(has_index);
    node.set_tip(tip);
    let before = node.calls();
    for _ in 0..steps {
        driver.step(Instant::now()).unwrap();
    }
    if steps > 0 {
        drop(driver);
        driver = open(&node, &database, &log);
    }
    while !driver.step(Instant::now()).unwrap() {}
    assert_eq!(driver.watch().tracker().tip(), node.tip().unwrap());
    (found_of(&driver, which), node.calls() - before)
}
