//! The driver makes reports ready and hands them over.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use babylon::query::DelegationStatus;
use bitcoin::consensus::Params;
use bitcoin::{Block, Network, Transaction, Txid};
use chain::testing::ScriptedChain;
use chain::{BlockHeight, ChainSource as _};
use staking_scripts::delegation::SlashedOutput;
use staking_scripts::testing::key;
use store::testing::MemoryDatabase;

use super::driver::{Log, extend};
use super::stakes::{MADE, slashing};
use super::tower::{DEPTH, settings};
use crate::driver::Driver;
use crate::report::{Post, PostError, ReadyReport};
use crate::rows::SCHEMA;
use crate::watch::{OnSelective, Settings};

/// Whoever takes reports, or not.
#[derive(Default)]
struct Outbox {
    taken: RefCell<Vec<ReadyReport>>,
    refuses: Cell<bool>,
    asked: Cell<u32>,
}

impl Post for Outbox {
    fn post(&self, report: &ReadyReport) -> Result<(), PostError> {
        self.asked.set(self.asked.get() + 1);
        if self.refuses.get() {
            return Err(PostError("no fees".to_owned()));
        }
        self.taken.borrow_mut().push(report.clone());
        Ok(())
    }
}

struct World {
    node: ScriptedChain,
    log: Log,
    outbox: Outbox,
    database: MemoryDatabase,
}

impl World {
    /// A chain with these transactions, each in a block, and some blocks on them.
    fn new(transactions: &[&Transaction]) -> Self {
        let world = Self {
            node: ScriptedChain::new(),
            log: Log::default(),
            outbox: Outbox::default(),
            database: MemoryDatabase::new(),
        };
        for transaction in transactions {
            world.mine(1, transaction);
        }
        world
    }

    fn mine(&self, count: u32, transaction: &Transaction) -> Block {
        let tip = self.node.tip().unwrap().hash;
        let first = extend(&self.node, tip, count, std::slice::from_ref(transaction))[0];
        self.node.block(&first).unwrap()
    }

    fn empty(&self, count: u32) {
        extend(&self.node, self.node.tip().unwrap().hash, count, &[]);
    }

    fn open(&self, on_selective: OnSelective) -> Driver<'_> {
        let settings = Settings { on_selective, ..settings() };
        let store = Box::new(self.database.open(&SCHEMA).unwrap());
        let driver = Driver::open(settings, &self.node, store, &self.log, BlockHeight::GENESIS).unwrap();
        driver.reporting_to(&self.outbox)
    }

    fn taken(&self) -> Vec<ReadyReport> {
        self.outbox.taken.take()
    }
}

fn rest(driver: &mut Driver<'_>, now: Instant) {
    while !driver.step(now).unwrap() {}
}

fn id(number: usize) -> Txid {
    MADE[number].staking.compute_txid()
}

#[test]
fn inclusion_and_undelegation_are_handed_over_with_proofs() {
    let world = World::new(&[&MADE[0].staking, &MADE[2].staking]);
    let block = world.node.block_at(BlockHeight::new(1)).unwrap();
    world.empty(DEPTH);
    let now = Instant::now();
    let mut driver = world.open(OnSelective::Alert);
    for number in [0, 2] {
        driver.learn(&MADE[number].delegation, 1).unwrap();
        driver.registered(id(number), DelegationStatus::Verified).unwrap();
    }
    rest(&mut driver, now);
    let params = Params::new(Network::Regtest);
    let taken = world.taken();
    // The second one is as deep, too.
    assert_eq!(taken.len(), 2);
    let ReadyReport::Inclusion { stake, block: hash, height, proof } = &taken[0] else {
        panic!("{taken:?}");
    };
    assert_eq!((*stake, *hash, *height), (id(0), block.block_hash(), 1));
    // Blocks of a script have no work.
    let mut mined = block.header;
    while mined.validate_pow(mined.target()).is_err() {
        mined.nonce += 1;
    }
    proof.verify(&MADE[0].staking, &mined, &params).unwrap();

    driver.registered(id(0), DelegationStatus::Active).unwrap();
    let block = world.mine(1, &MADE[0].unbonding);
    rest(&mut driver, now);
    let taken = world.taken();
    let [ReadyReport::Undelegation { stake, spending, block: hash, proof, funding, .. }] = taken.as_slice()
    else {
        panic!("{taken:?}");
    };
    assert_eq!((*stake, *hash, &**spending), (id(0), block.block_hash(), &MADE[0].unbonding));
    let funding: Vec<_> = funding.iter().map(Transaction::compute_txid).collect();
    assert_eq!((funding, proof.position()), (vec![id(0)], 1));
    let log = world.log.taken();
    assert!(log.contains(&"undelegation true".to_owned()), "{log:?}");
    // Nothing more, also after a restart.
    drop(driver);
    rest(&mut world.open(OnSelective::Alert), now + Duration::from_secs(600));
    assert_eq!(world.taken().len(), 0);
}

/// An extension spends another coin too, which the node may not have.
#[test]
fn funding_transactions_that_the_node_lacks_are_an_alert() {
    let child = MADE[1].child.as_ref().unwrap();
    let world = World::new(&[&MADE[1].staking, &child.staking]);
    world.empty(DEPTH);
    let now = Instant::now();
    let mut driver = world.open(OnSelective::Alert);
    driver.learn(&MADE[1].delegation, 1).unwrap();
    driver.registered(id(1), DelegationStatus::Active).unwrap();
    for _ in 0..3 {
        rest(&mut driver, now);
    }
    let log = world.log.taken();
    assert_eq!(log.iter().filter(|said| *said == "not_reported").count(), 1, "{log:?}");
    assert_eq!(log.iter().filter(|said| *said == "undelegation false").count(), 1, "{log:?}");
    assert_eq!(world.outbox.asked.get(), 0);
}

#[test]
fn what_is_not_taken_is_handed_over_again_and_told_once() {
    let world = World::new(&[&MADE[0].staking, &MADE[0].unbonding]);
    world.outbox.refuses.set(true);
    let now = Instant::now();
    let mut driver = world.open(OnSelective::Alert);
    driver.learn(&MADE[0].delegation, 1).unwrap();
    driver.registered(id(0), DelegationStatus::Active).unwrap();
    rest(&mut driver, now);
    rest(&mut driver, now);
    assert_eq!(world.outbox.asked.get(), 1);
    world.empty(1);
    rest(&mut driver, now);
    assert_eq!(world.outbox.asked.get(), 2);
    world.outbox.refuses.set(false);
    rest(&mut driver, now + Duration::from_secs(61));
    rest(&mut driver, now + Duration::from_secs(122));
    let log = world.log.taken();
    assert_eq!(log.iter().filter(|said| *said == "not_reported").count(), 1, "{log:?}");
    assert_eq!((world.outbox.asked.get(), world.taken().len()), (3, 1), "{log:?}");
}

#[test]
fn a_selective_slashing_is_published_where_that_is_wanted_and_not_without_a_post() {
    for (on_selective, count) in [(OnSelective::Slash, 0), (OnSelective::Publish, 1)] {
        let world = World::new(&[&MADE[0].staking, &slashing(0, SlashedOutput::Staking)]);
        let mut driver = world.open(on_selective);
        driver.learn(&MADE[0].delegation, 1).unwrap();
        driver.learn(&MADE[2].delegation, 1).unwrap();
        rest(&mut driver, Instant::now());
        let taken = world.taken();
        assert_eq!(taken.len(), count);
        for report in taken {
            let ReadyReport::SelectiveSlashing { provider, key: found } = &report else {
                panic!("{report:?}");
            };
            let expected = key("provider", 0);
            assert_eq!((provider, found.to_bytes()), (expected.public_key(), expected.to_bytes()));
        }
    }
}

/// The node moves to another branch while a report is made, after any of its calls: it is not proven from
/// another block, and nobody is told that it cannot be.
#[test]
fn nothing_is_reported_from_another_branch() {
    for calls in 1..16 {
        let world = World::new(&[&MADE[0].staking]);
        let fork = world.node.tip().unwrap();
        let unbonding = world.mine(1, &MADE[0].unbonding);
        let tip = world.node.tip().unwrap().hash;
        let branch = extend(&world.node, fork.hash, 3, &[]);
        world.node.set_tip(tip);
        let now = Instant::now();
        let mut driver = world.open(OnSelective::Alert);
        driver.learn(&MADE[0].delegation, 1).unwrap();
        rest(&mut driver, now);
        driver.registered(id(0), DelegationStatus::Active).unwrap();
        world.node.set_tip_after(calls, branch[2]);
        rest(&mut driver, now);
        while driver.watch().tracker().tip().hash != branch[2] {
            driver.step(now).unwrap();
        }
        let log = world.log.taken();
        assert!(!log.contains(&"not_reported".to_owned()), "{calls}: {log:?}");
        for report in world.taken() {
            let ReadyReport::Undelegation { block, .. } = report else { panic!("{report:?}") };
            assert_eq!(block, unbonding.block_hash());
        }
    }
}
