//! The daemon beside a secured chain that does not behave: what is to be slashed is.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use babylon::node::{Answer, BlockHeader, ChainNode, Executed, NodeError, NodeStatus, Query};
use bitcoin::BlockHash;
use chain::testing::ScriptedChain;
use chain::{BlockHeight, ChainSource as _};
use finality::ConsumerHeight;
use staking_scripts::testing::history;
use store::Store;
use store::testing::MemoryDatabase;

use super::stakes::{MADE, PARAMETERS, evidence};
use super::tower::DEPTH;
use crate::daemon::{DaemonObserver, DaemonParts, WatchDaemon, WatchFault, WatchStep};
use crate::driver::WatchedNode;
use crate::rows::SCHEMA;
use crate::sources::FollowedFiles;
use crate::told::{Observer, Told};
use crate::watch::Settings;

/// A node of the secured chain that never answers, as long as a test runs, or does not answer rightly.
#[derive(Debug)]
struct Odd {
    hangs: bool,
}

impl Odd {
    fn answer<T>(&self) -> Result<T, NodeError> {
        if self.hangs {
            std::thread::sleep(Duration::from_secs(3600));
        }
        Err(NodeError::Answer { what: "nonsense".to_owned() })
    }
}

impl ChainNode for Odd {
    fn status(&self) -> Result<NodeStatus, NodeError> {
        self.answer()
    }

    fn header(&self, _: ConsumerHeight) -> Result<Option<BlockHeader>, NodeError> {
        self.answer()
    }

    fn query(&self, _: &Query) -> Result<Answer, NodeError> {
        self.answer()
    }

    fn broadcast(&self, _: &[u8]) -> Result<(), NodeError> {
        self.answer()
    }

    fn executed(&self, _: [u8; 32]) -> Result<Option<Executed>, NodeError> {
        self.answer()
    }
}

#[derive(Default)]
struct Log(RefCell<Vec<String>>);

impl Observer for Log {
    fn told(&self, told: &Told<'_>) {
        if let Told::Alert(alert) = told {
            self.0.borrow_mut().push(alert.kind().to_owned());
        }
    }
}

impl DaemonObserver for Log {
    fn raised(&self, fault: WatchFault, reason: &str) {
        self.0.borrow_mut().push(format!("raised {fault}: {reason}"));
    }

    fn cleared(&self, fault: WatchFault) {
        self.0.borrow_mut().push(format!("cleared {fault}"));
    }

    fn left_out(&self, place: &str, reason: &str) {
        self.0.borrow_mut().push(format!("left out {place}: {reason}"));
    }
}

/// A Bitcoin with a stake in its first block, and files with its delegation and evidence.
struct World {
    node: ScriptedChain,
    tip: BlockHash,
    folder: tempfile::TempDir,
    database: MemoryDatabase,
    log: Log,
}

impl World {
    fn new() -> Self {
        let (node, folder) = (ScriptedChain::new(), tempfile::tempdir().unwrap());
        let genesis = node.tip().unwrap().hash;
        let blocks = node.extend_with(genesis, 2, bits(), std::slice::from_ref(&MADE[0].staking));
        node.set_tip(blocks[1]);
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        write("stake.json", MADE[0].delegation.to_json());
        write("evidence.json", serde_json::to_string(&evidence(0, 7)).unwrap());
        Self { node, tip: blocks[1], folder, database: MemoryDatabase::new(), log: Log::default() }
    }

    /// Steps a daemon for some time, and returns what was told.
    fn run(&self, chain: Odd, settings: &Settings, time: Duration) -> Vec<String> {
        let open_store = || -> Result<Box<dyn Store>, _> { Ok(Box::new(self.database.open(&SCHEMA)?)) };
        let followed = |name: &str| FollowedFiles::new([self.folder.path().join(name)]);
        let node: &dyn WatchedNode = &self.node;
        let mut daemon = WatchDaemon::new(DaemonParts {
            settings: settings.clone(),
            node,
            chain: Some(Arc::new(chain)),
            follows_parameters: true,
            delegations: followed("stake.json"),
            evidence: followed("evidence.json"),
            open_store: &open_store,
            observer: &self.log,
            post: None,
            start: BlockHeight::GENESIS,
            sends: true,
            prioritises: false,
        });
        let begun = Instant::now();
        while begun.elapsed() < time {
            if daemon.step(Instant::now()) != WatchStep::Again {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.log.0.take()
    }
}

fn bits() -> bitcoin::CompactTarget {
    bitcoin::constants::genesis_block(bitcoin::Network::Regtest).header.bits
}

/// Nobody waits for a chain that hangs: with evidence from elsewhere its stakes are slashed.
#[test]
fn a_chain_that_hangs_keeps_nobody_from_slashing() {
    let world = World::new();
    let settings = Settings::new(history(&[0]), DEPTH);
    // Within the settings of the test's stakes.
    assert_eq!(settings.parameters.iter().len(), PARAMETERS.iter().len());
    let told = world.run(Odd { hangs: true }, &settings, Duration::from_millis(300));
    assert!(!world.node.broadcasts().is_empty(), "{told:?}");
    assert_eq!(told, ["equivocation"]);
    // A block that comes is judged.
    let next = world.node.extend_with(world.tip, 1, bits(), &[]);
    world.node.set_tip(next[0]);
    let before = world.node.broadcasts().len();
    let told = world.run(Odd { hangs: true }, &settings, Duration::from_millis(300));
    assert!(world.node.broadcasts().len() > before, "{told:?}");
}

/// It is told, once, and nothing else stops.
#[test]
fn a_chain_that_talks_nonsense_is_a_fault() {
    let world = World::new();
    let settings = Settings::new(history(&[0]), DEPTH);
    let told = world.run(Odd { hangs: false }, &settings, Duration::from_millis(500));
    assert!(!world.node.broadcasts().is_empty(), "{told:?}");
    let faults: Vec<_> = told.iter().filter(|said| said.starts_with("raised")).collect();
    assert!(
        faults.len() == 1 && faults[0].contains("raised chain: ") && faults[0].contains("nonsense"),
        "{told:?}"
    );
}
