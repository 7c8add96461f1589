//! The driver on a chain that forks, forgets, fails and lies.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use bitcoin::{BlockHash, Transaction};
use chain::testing::ScriptedChain;
use chain::{BlockHeight, Broadcast as _, ChainSource as _, NodeError};
use staking_scripts::delegation::SlashedOutput;
use store::testing::{Fault, MemoryDatabase};

use super::stakes::{MADE, PARAMETERS, evidence};
use super::tower::DEPTH;
use crate::driver::{Driver, DriverError};
use crate::rows::SCHEMA;
use crate::told::{Observer, Told};
use crate::watch::Settings;

/// What it told, in words.
#[derive(Default)]
pub(super) struct Log(RefCell<Vec<String>>);

impl Observer for Log {
    fn told(&self, told: &Told<'_>) {
        let said = match told {
            Told::Alert(alert) => alert.kind().to_owned(),
            Told::Sent { verdict, .. } => format!("sent {}", verdict.is_some()),
            Told::Block(at) => format!("block {}", at.height),
            Told::Disconnected(at) => format!("down to {}", at.height),
            Told::Behind(at) => format!("behind {}", at.height),
            Told::AtTip(at) => format!("at {}", at.height),
            Told::LooksBack { from, stakes } => format!("{stakes} from {from}"),
            Told::Reported { report, error } => format!("{} {}", report.kind(), error.is_none()),
        };
        self.0.borrow_mut().push(said);
    }
}

impl Log {
    pub(super) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut())
    }
}

pub(super) fn open<'a>(node: &'a ScriptedChain, database: &MemoryDatabase, log: &'a Log) -> Driver<'a> {
    let settings = Settings::new(PARAMETERS.clone(), DEPTH);
    let store = Box::new(database.open(&SCHEMA).unwrap());
    Driver::open(settings, node, store, log, BlockHeight::GENESIS).unwrap()
}

pub(super) fn extend(
    node: &ScriptedChain,
    parent: BlockHash,
    count: u32,
    transactions: &[Transaction],
) -> Vec<BlockHash> {
    let bits = bitcoin::constants::genesis_block(bitcoin::Network::Regtest).header.bits;
    let hashes = node.extend_with(parent, count, bits, transactions);
    node.set_tip(*hashes.last().unwrap());
    hashes
}

fn sent(node: &ScriptedChain) -> usize {
    node.broadcasts().len()
}

#[test]
fn blocks_before_a_stake_was_learned_are_looked_at_again_and_a_dry_run_sends_nothing() {
    let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
    let genesis = node.tip().unwrap().hash;
    extend(&node, genesis, 3, &[MADE[0].staking.clone()]);
    let mut driver = open(&node, &database, &log).without_sending();
    let now = Instant::now();
    assert!(driver.step(now).unwrap());
    assert_eq!(log.taken(), ["block 1", "block 2", "block 3", "at 3"]);
    driver.learn(&MADE[0].delegation, 1).unwrap();
    driver.accuse(&evidence(0, 7)).unwrap();
    assert!(driver.step(now).unwrap());
    assert_eq!(log.taken(), ["equivocation", "at 3", "1 from 1", "sent false"]);
    assert_eq!(sent(&node), 0);
    drop(driver);
    // With the same store, and in earnest.
    let mut driver = open(&node, &database, &log);
    driver.step(now).unwrap();
    driver.step(now + Duration::from_secs(61)).unwrap();
    assert!(sent(&node) > 0, "{:?}", log.taken());
}

#[test]
fn a_node_that_forgets_its_tip_undoes_nothing_and_another_branch_does() {
    let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
    let genesis = node.tip().unwrap().hash;
    let old = extend(&node, genesis, 8, &[]);
    let now = Instant::now();
    open(&node, &database, &log).step(now).unwrap();
    log.taken();
    // Killed, both of them: the node has lost its last four blocks.
    node.forget(&old[4..]);
    node.set_tip(old[3]);
    let mut driver = open(&node, &database, &log);
    assert!(driver.step(now).unwrap());
    assert_eq!(log.taken(), ["behind 4"]);
    assert_eq!(driver.watch().tracker().height(), 8);
    // It comes back on another branch; the fork point is among the blocks that were passed.
    let new = extend(&node, old[3], 6, &[]);
    driver.step(now).unwrap();
    let told = log.taken();
    assert_eq!((told[0].as_str(), told[1].as_str()), ("down to 4", "block 5"), "{told:?}");
    assert!(told.iter().all(|said| said != "deep_reorg"), "{told:?}");
    assert_eq!(driver.watch().tracker().tip().hash, new[5]);
    // As deep as what counts as final.
    extend(&node, old[3], 9, &[]);
    driver.step(now).unwrap();
    assert!(log.taken().iter().any(|said| said == "deep_reorg"));
}

/// Whoever says a wrong height of a stake hides it from nobody: where another says a lower one, it is looked
/// for there, also after a restart, and once.
#[test]
fn a_stake_is_looked_for_where_somebody_else_says() {
    let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
    let genesis = node.tip().unwrap().hash;
    extend(&node, genesis, 3, &[MADE[0].staking.clone()]);
    let (now, delegation) = (Instant::now(), &MADE[0].delegation);
    let included = |driver: &Driver<'_>| {
        let tracker = driver.watch().tracker();
        let id = tracker.find(&delegation.staking_transaction.compute_txid()).unwrap();
        tracker.stake(id).unwrap().included_height()
    };
    let mut driver = open(&node, &database, &log);
    driver.step(now).unwrap();
    driver.learn(delegation, 3).unwrap();
    driver.step(now).unwrap();
    assert_eq!(included(&driver), None);
    drop(driver);
    let mut driver = open(&node, &database, &log);
    log.taken();
    for since in [3, 1, 1, 2] {
        driver.learn(delegation, since).unwrap();
        driver.step(now).unwrap();
    }
    assert_eq!(included(&driver), Some(1));
    let looked: Vec<_> = log.taken().into_iter().filter(|said| said.contains("from")).collect();
    assert_eq!(looked, ["1 from 1"]);
}

#[test]
fn failures_of_the_node_lose_nothing() {
    let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
    let genesis = node.tip().unwrap().hash;
    let blocks = extend(&node, genesis, 2, &[MADE[0].staking.clone()]);
    let mut driver = open(&node, &database, &log);
    driver.learn(&MADE[0].delegation, 1).unwrap();
    driver.accuse(&evidence(0, 7)).unwrap();
    let now = Instant::now();
    for _ in 0..3 {
        node.fail_next(NodeError::UnknownBlock { hash: genesis });
        let _failed = driver.step(now);
    }
    node.reject_next("bad-txns-inputs-missingorspent");
    driver.step(now).unwrap();
    driver.step(now + Duration::from_secs(61)).unwrap();
    assert!(sent(&node) > 0);
    // What it has pruned cannot be followed, and is said.
    let next = extend(&node, blocks[1], 1, &[]);
    node.prune(&next);
    let error = driver.step(now).unwrap_err();
    assert!(matches!(error, DriverError::Follow(_)), "{error}");
    assert_eq!(driver.watch().tracker().height(), 2);
}

/// Nothing is done of what could not be stored.
#[test]
fn where_nothing_is_stored_nothing_is_sent() {
    for fault in [Fault::Failed, Fault::UnknownNotWritten, Fault::UnknownWritten] {
        let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
        extend(&node, node.tip().unwrap().hash, 1, &[MADE[0].staking.clone()]);
        let mut driver = open(&node, &database, &log);
        driver.learn(&MADE[0].delegation, 1).unwrap();
        driver.step(Instant::now()).unwrap();
        log.taken();
        database.fail_next(fault);
        assert!(matches!(driver.accuse(&evidence(0, 7)), Err(DriverError::Rows(_))));
        // Somebody is told at once, and nothing is sent.
        assert_eq!((sent(&node), log.taken()), (0, vec!["equivocation".to_owned()]));
        // Opened anew, it is told again, or knows.
        drop(driver);
        let mut driver = open(&node, &database, &log);
        driver.accuse(&evidence(0, 7)).unwrap();
        driver.step(Instant::now()).unwrap();
        assert!(sent(&node) > 0, "{fault:?}");
        let is_told_again = log.taken().iter().any(|said| said == "equivocation");
        assert_eq!(is_told_again, fault != Fault::UnknownWritten, "{fault:?}");
    }
}

/// What could not be stored for a moment is stored before what comes later, by the same driver.
#[test]
fn what_could_not_be_stored_is_not_passed_over() {
    let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
    let mut driver = open(&node, &database, &log);
    driver.learn(&MADE[0].delegation, 1).unwrap();
    driver.step(Instant::now()).unwrap();
    let first = extend(&node, node.tip().unwrap().hash, 1, &[MADE[0].staking.clone()])[0];
    database.fail_next(Fault::Failed);
    assert!(matches!(driver.step(Instant::now()), Err(DriverError::Rows(_))));
    extend(&node, first, 2, &[]);
    driver.step(Instant::now()).unwrap();
    drop(driver);
    // Whoever opens it knows of the block that could not be stored.
    let driver = open(&node, &database, &log);
    let tracker = driver.watch().tracker();
    let stake = tracker.stake(tracker.find(&MADE[0].staking.compute_txid()).unwrap()).unwrap();
    assert_eq!((tracker.height(), stake.included_height()), (3, Some(1)));
}

/// A long look back keeps nothing waiting: new blocks are passed and slashings sent between its parts.
#[test]
fn a_long_look_back_is_done_in_parts() {
    let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
    let blocks = extend(&node, node.tip().unwrap().hash, 350, &[MADE[0].staking.clone()]);
    let mut driver = open(&node, &database, &log);
    let now = Instant::now();
    while !driver.step(now).unwrap() {}
    driver.learn(&MADE[0].delegation, 1).unwrap();
    assert!(!driver.step(now).unwrap());
    // Learned meanwhile, it has a pass of its own; killed meanwhile, it is begun again.
    driver.learn(&MADE[2].delegation, 1).unwrap();
    extend(&node, *blocks.last().unwrap(), 1, &[]);
    assert!(!driver.step(now).unwrap());
    assert_eq!(driver.watch().tracker().height(), 351);
    drop(driver);
    let mut driver = open(&node, &database, &log);
    log.taken();
    let mut steps = 0;
    while !driver.step(now).unwrap() {
        steps += 1;
    }
    assert!((3..10).contains(&steps), "{steps}");
    assert!(log.taken().contains(&"2 from 1".to_owned()));
    let tracker = driver.watch().tracker();
    let stake = tracker.stake(tracker.find(&MADE[0].staking.compute_txid()).unwrap()).unwrap();
    assert_eq!(stake.included_height(), Some(1));
}

/// One of several that share a store works, and the others wait.
#[test]
fn one_that_stands_by_does_nothing_until_it_leads() {
    let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
    let first = open(&node, &database, &log);
    let settings = || Settings::new(PARAMETERS.clone(), DEPTH);
    let store = || Box::new(database.open(&SCHEMA).unwrap());
    let second = Driver::open(settings(), &node, store(), &log, BlockHeight::GENESIS);
    assert!(matches!(second, Err(DriverError::StandingBy)));
    drop(first);
    assert!(Driver::open(settings(), &node, store(), &log, BlockHeight::GENESIS).is_ok());
}

/// A stake is slashed behind an unbonding that waits, for a fee below what the node takes: with its parent,
/// and where that does not help, as if it paid more.
#[test]
fn what_pays_too_little_is_sent_with_its_parent_or_preferred() {
    let made = &MADE[0];
    for prioritises in [false, true] {
        let (node, log, database) = (ScriptedChain::new(), Log::default(), MemoryDatabase::new());
        let genesis = node.tip().unwrap().hash;
        extend(&node, genesis, 1, std::slice::from_ref(&made.staking));
        let mut driver = open(&node, &database, &log);
        if prioritises {
            driver = driver.prioritising();
        }
        driver.step(Instant::now()).unwrap();
        driver.learn(&made.delegation, 1).unwrap();
        driver.step(Instant::now()).unwrap();
        node.broadcast(&made.unbonding).unwrap();
        // The staking output's is refused for what waits, and again where it is preferred; then the unbonding
        // output's, alone, and with its parent.
        let times = if prioritises { 2 } else { 1 };
        (0..times).for_each(|_| node.reject_next("insufficient fee, rejecting replacement"));
        node.reject_next("mempool min fee not met, 94 < 490");
        driver.accuse(&evidence(0, 7)).unwrap();
        let slashing = super::stakes::slashing(0, SlashedOutput::Unbonding);
        assert_eq!(node.broadcasts(), [made.unbonding.clone(), made.unbonding.clone(), slashing]);
        assert!(log.taken().iter().filter(|said| *said == "sent true").count() == 2);
    }
}
