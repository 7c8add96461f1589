//! The watchtower on both nodes: what it sends is judged by Bitcoin Core.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use bitcoin::{Amount, FeeRate, ScriptBuf, Transaction, Txid};
use chain::testing::RegtestDaemon;
use chain::{BitcoinCore, BlockHeight, ChainSource as _, EmbeddedRegtest, Node};
use eots::{SecretRandomness, sign};
use finality::{ConsumerHeight, Evidence, SigningContext, VoteMessage};
use staking_scripts::coins::{key_path_script, sign_key_path};
use staking_scripts::delegation::{ChainRules, NewDelegation, ParametersAt, SlashedOutput};
use staking_scripts::outputs::{StakedTo, StakingOutput, Timelock};
use staking_scripts::testing::{covenant_signatures, history, key, members, possession};
use staking_scripts::transactions::{LeafTransaction as _, NewStake, StakingTransaction};
use staking_scripts::{Delegation, FundingCoin, Parameters, ParametersHistory, StakeStatus};
use store::SqliteStore;
use watch::{
    Alert, DelegationStatus, Driver, Observer, OnSelective, Post, PostError, ReadyReport, SCHEMA, Settings,
    Told, WatchedNode,
};

use crate::bitcoind::program;

const DEPTH: u32 = 6;

/// A stake with everybody's signatures, on the node's chain.
struct Staked {
    delegation: Delegation,
    txid: Txid,
    unbonding: Transaction,
}

/// A chain with mature coins, and who stakes on it.
struct World<'a> {
    node: &'a dyn Node,
    parameters: ParametersHistory<Parameters>,
    /// Each branch is mined to another script.
    branch: RefCell<u8>,
}

impl<'a> World<'a> {
    fn new(node: &'a dyn Node) -> Self {
        let world = Self { node, parameters: history(&[0]), branch: RefCell::new(1) };
        node.mine(4, &wallet()).unwrap();
        world.mine(100);
        world
    }

    fn mine(&self, count: u32) {
        let script = ScriptBuf::from_bytes(vec![0x51; usize::from(*self.branch.borrow())]);
        self.node.mine(count, &script).unwrap();
    }

    fn committee(&self) -> &Parameters {
        self.parameters.get(0).unwrap()
    }

    /// Stakes a coin of the wallet to a provider, confirmed.
    fn stake(&self, number: usize, provider: usize) -> Staked {
        let staker = key("staker", number);
        let staked_to = StakedTo::Genesis(*key("provider", provider).public_key());
        let parties = self.committee().parties(*staker.public_key(), staked_to.keys()).unwrap();
        let coin = self.node.coins(&wallet()).unwrap().remove(0);
        let coin = FundingCoin::new(coin.outpoint, coin.output).unwrap();
        let staking = StakingTransaction::build(NewStake {
            output: StakingOutput::new(parties, Timelock::from_blocks(2_000).unwrap()).unwrap(),
            amount: Amount::from_sat(1_000_000),
            coins: &[coin],
            change: wallet(),
            fee_rate: FeeRate::from_sat_per_vb_u32(5),
            op_return_tag: None,
        })
        .unwrap();
        let new = NewDelegation {
            staked_to: &staked_to,
            staking: &staking.staking_output(),
            transaction: staking.unsigned(),
            parameters: self.committee(),
            parameters_at: ParametersAt::Version(0),
        };
        let mut delegation = Delegation::signed(&new, &staker).unwrap();
        delegation.proof_of_possession = Some(possession(&staker));
        let checked = delegation.check_under(self.committee(), None, ChainRules::MAINNET).unwrap();
        delegation.covenant_signatures =
            members(0).iter().skip(2).take(6).map(|member| covenant_signatures(&checked, member)).collect();
        let unbonding = delegation.unbonding(self.committee().covenant()).unwrap();
        let by_staker = unbonding.sign_as_staker(&staker).unwrap();
        let unbonding = delegation.unbond(&by_staker, self.committee().covenant()).unwrap();
        let signed = staking.finalize(&sign_key_path(staking.psbt(), &key("wallet", 0)).unwrap()).unwrap();
        let txid = self.node.broadcast(&signed).unwrap();
        self.mine(1);
        Staked { delegation, txid, unbonding }
    }

    fn settings(&self) -> Settings {
        Settings::new(self.parameters.clone(), DEPTH)
    }
}

fn wallet() -> ScriptBuf {
    key_path_script(key("wallet", 0).public_key())
}

fn evidence(provider: usize) -> Evidence {
    let key = key("provider", provider);
    let signed = |block: u8| {
        let message = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(7), [block; 32]);
        let randomness = SecretRandomness::derive(&key, b"bbn-1", 7);
        let public = *randomness.public_randomness();
        (message, sign(&key, randomness, &message.to_bytes()).unwrap(), public)
    };
    let ((canonical, canonical_signature, public_randomness), (fork, fork_signature, _)) =
        (signed(1), signed(2));
    let public_key = *key.public_key();
    Evidence { public_key, public_randomness, canonical, canonical_signature, fork, fork_signature }
}

/// What it told.
#[derive(Default)]
struct Log(RefCell<Vec<Alert>>);

impl Observer for Log {
    fn told(&self, told: &Told<'_>) {
        if let Told::Alert(alert) = told {
            self.0.borrow_mut().push((*alert).clone());
        }
    }
}

impl Log {
    fn kinds(&self) -> Vec<&'static str> {
        self.0.borrow().iter().map(Alert::kind).collect()
    }
}

/// Steps until it is at the tip and nothing is left.
fn rest(driver: &mut Driver<'_>, seconds: u64) {
    let now = Instant::now() + Duration::from_secs(seconds);
    for _ in 0..100 {
        if driver.step(now).unwrap() {
            return;
        }
    }
    panic!("it does not come to rest");
}

fn status(driver: &Driver<'_>, stake: &Staked) -> StakeStatus {
    let tracker = driver.watch().tracker();
    let found = tracker.stake(tracker.find(&stake.txid).unwrap()).unwrap();
    found.state(tracker.height(), DEPTH).status
}

/// Two stakes of whoever equivocates, one of whose stakers unbonds just then, and one of another: killed in
/// between, undone by a reorg, and slashed for good in the end.
fn slashes(node: &dyn Node, waiting: impl Fn() -> usize, reorganize: impl Fn(BlockHeight)) {
    let world = World::new(node);
    let watched: &dyn WatchedNode = &node;
    let folder = tempfile::tempdir().unwrap();
    let open = |log| {
        let store = SqliteStore::open(folder.path().join("watch.db"), &SCHEMA).unwrap();
        Driver::open(world.settings(), watched, Box::new(store), log, BlockHeight::new(0)).unwrap()
    };
    let log = Log::default();
    let mut driver = open(&log);
    let [first, second, other] =
        [(0, 0), (1, 0), (2, 1)].map(|(number, provider)| world.stake(number, provider));
    rest(&mut driver, 0);
    for stake in [&first, &second, &other] {
        driver.learn(&stake.delegation, 1).unwrap();
    }
    world.mine(DEPTH);
    rest(&mut driver, 0);
    for stake in [&first, &second, &other] {
        assert_eq!(status(&driver, stake), StakeStatus::Active);
    }
    let active = driver.watch().tracker().statistics(driver.watch().tracker().height(), DEPTH);
    assert_eq!((active.active_stakes, active.active_sat), (3, 3_000_000));

    // The unbonding waits when the evidence comes. Killed right after that.
    node.broadcast(&second.unbonding).unwrap();
    driver.accuse(&evidence(0)).unwrap();
    assert!(waiting() >= 2, "{}", waiting());
    drop(driver);
    let mut driver = open(&log);
    rest(&mut driver, 0);
    world.mine(1);
    rest(&mut driver, 0);
    world.mine(1);
    rest(&mut driver, 0);
    for stake in [&first, &second] {
        assert_eq!(status(&driver, stake), StakeStatus::Slashed);
    }
    assert_eq!(status(&driver, &other), StakeStatus::Active);

    // Undone.
    let fork_height = BlockHeight::new(driver.watch().tracker().height() - 2);
    *world.branch.borrow_mut() += 1;
    reorganize(fork_height);
    rest(&mut driver, 0);
    rest(&mut driver, 120);
    world.mine(1);
    rest(&mut driver, 240);
    world.mine(DEPTH + 1);
    rest(&mut driver, 360);
    for stake in [&first, &second] {
        assert_eq!(status(&driver, stake), StakeStatus::Slashed, "{:?}", log.0.borrow());
    }
    assert_eq!(status(&driver, &other), StakeStatus::Active);
    assert_eq!(log.kinds(), ["equivocation", "slashed", "slashed"], "{:?}", log.0.borrow());
}

#[test]
fn watchtower_slashes_on_the_embedded_node() {
    let node = EmbeddedRegtest::in_memory().unwrap();
    let waiting = || chain::Mempool::waiting(&node).unwrap().len();
    slashes(&node, waiting, |fork_height| {
        let fork_point = node.block_hash(fork_height).unwrap();
        let blocks = node.tip().unwrap().height.blocks_since(fork_height) + 1;
        node.mine_on(&fork_point, blocks, &ScriptBuf::from_bytes(vec![0x51; 2])).unwrap();
    });
}

/// Whoever takes reports.
#[derive(Default)]
struct Outbox(RefCell<Vec<ReadyReport>>);

impl Post for Outbox {
    fn post(&self, report: &ReadyReport) -> Result<(), PostError> {
        self.0.borrow_mut().push(report.clone());
        Ok(())
    }
}

/// A stake is slashed by whoever has its provider's key, and the watchtower learns of all stakes long after:
/// by the node's index of spenders it finds out, slashes the other one, and reports all of it with proofs
/// that hold for the node's headers.
#[test]
fn watchtower_finds_out_a_selective_slashing_and_reports_it() {
    let node = EmbeddedRegtest::in_memory().unwrap();
    let world = World::new(&node);
    let [slashed, other, honest] =
        [(0, 0), (1, 0), (2, 1)].map(|(number, provider)| world.stake(number, provider));
    let covenant = world.committee().covenant();
    let selective = slashed.delegation.slash(SlashedOutput::Staking, &key("provider", 0), covenant).unwrap();
    world.node.broadcast(&selective).unwrap();
    world.mine(400);
    let (log, outbox) = (Log::default(), Outbox::default());
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("watch.db"), &SCHEMA).unwrap();
    let settings = Settings { on_selective: OnSelective::Publish, ..world.settings() };
    let watched: &dyn WatchedNode = &&node;
    let driver = Driver::open(settings, watched, Box::new(store), &log, BlockHeight::new(0)).unwrap();
    let mut driver = driver.reporting_to(&outbox);
    rest(&mut driver, 0);
    for (stake, status) in [
        (&slashed, DelegationStatus::Active),
        (&other, DelegationStatus::Active),
        (&honest, DelegationStatus::Verified),
    ] {
        let height = chain::Lookup::transaction(&node, &stake.txid).unwrap().unwrap().block.unwrap().height;
        driver.learn(&stake.delegation, height.to_u32()).unwrap();
        driver.registered(stake.txid, status).unwrap();
    }
    rest(&mut driver, 0);
    world.mine(1);
    rest(&mut driver, 0);
    assert_eq!([&slashed, &other].map(|stake| status(&driver, stake)), [StakeStatus::Slashed; 2]);
    assert_eq!(status(&driver, &honest), StakeStatus::Active);

    let params = bitcoin::params::Params::new(bitcoin::Network::Regtest);
    let mut kinds: Vec<&str> = Vec::new();
    for report in outbox.0.take() {
        match report {
            ReadyReport::Inclusion { stake, block, proof, .. } => {
                let transaction = chain::Lookup::transaction(&node, &stake).unwrap().unwrap().transaction;
                proof.verify(&transaction, &node.header(&block).unwrap().header, &params).unwrap();
                assert_eq!(stake, honest.txid);
                kinds.push("inclusion");
            }
            ReadyReport::Undelegation { spending, block, proof, funding, .. } => {
                proof.verify(&spending, &node.header(&block).unwrap().header, &params).unwrap();
                assert_eq!(funding[0].compute_txid(), spending.input[0].previous_output.txid);
                kinds.push("undelegation");
            }
            ReadyReport::SelectiveSlashing { key: found, .. } => {
                assert_eq!(found.to_bytes(), key("provider", 0).to_bytes());
                kinds.push("selective_slashing");
            }
            report => panic!("{report:?}"),
        }
    }
    kinds.sort_unstable();
    assert_eq!(kinds, ["inclusion", "selective_slashing", "undelegation", "undelegation"]);
    assert_eq!(log.kinds(), ["selective_slashing", "slashed"]);
}

#[test]
fn watchtower_slashes_on_a_bitcoind() {
    let Some(program) = program() else { return };
    let daemon = RegtestDaemon::start(&program).unwrap();
    let node: BitcoinCore = daemon.connect().unwrap();
    let waiting = || chain::Mempool::waiting(&node).unwrap().len();
    slashes(&node, waiting, |fork_height| {
        let gone = node.block_hash(fork_height.saturating_add(1)).unwrap();
        daemon.call("invalidateblock", &[serde_json::json!(gone)]).unwrap();
        chain::Mine::mine(&node, 4, &ScriptBuf::from_bytes(vec![0x51; 2])).unwrap();
    });
}
