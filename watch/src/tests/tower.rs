//! A driver as thin as can be: it feeds the core from the world, stores, and does what is wanted.

use std::collections::VecDeque;

use chain::{BlockHeight, ChainTip};
use store::Store as _;
use store::testing::{MemoryDatabase, MemoryStore};

use super::stakes::PARAMETERS;
use super::world::Bitcoin;
use crate::alert::Alert;
use crate::event::{Action, Event};
use crate::rows::{SCHEMA, stored_delegations, stored_slashing};
use crate::watch::{Output, Settings, Watch};

/// How deep what counts must be.
pub(super) const DEPTH: u32 = 6;

/// A watchtower that may be killed.
pub(super) struct Tower {
    pub(super) watch: Watch,
    database: MemoryDatabase,
    store: MemoryStore,
    pub(super) alerts: Vec<Alert>,
    seconds: u64,
    /// After how many stored changes it is killed before it does anything.
    pub(super) dies_in: Option<u32>,
}

/// It was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Killed;

impl Tower {
    /// One that begins at the chain's first block.
    pub(super) fn new(bitcoin: &mut Bitcoin) -> Self {
        let start = bitcoin.at(0).unwrap().1;
        let database = MemoryDatabase::new();
        let mut store = leading(&database);
        let (watch, output) = Watch::open(settings(), &mut store, start).unwrap();
        let mut tower = Self { watch, database, store, alerts: Vec::new(), seconds: 0, dies_in: None };
        tower.carry_out(output, bitcoin).unwrap();
        tower
    }

    /// Killed and started again.
    pub(super) fn restart(&mut self, bitcoin: &mut Bitcoin) {
        self.dies_in = None;
        let start = ChainTip { height: BlockHeight::GENESIS, hash: bitcoin.at(0).unwrap().1.hash };
        // What died leads no more.
        self.database.end_lead();
        self.store = leading(&self.database);
        let (watch, output) = Watch::open(settings(), &mut self.store, start).unwrap();
        self.watch = watch;
        self.seconds = 0;
        self.carry_out(output, bitcoin).unwrap();
    }

    pub(super) fn tell(&mut self, event: Event<'_>, bitcoin: &mut Bitcoin) -> Result<(), Killed> {
        let output = self.watch.handle(event);
        self.carry_out(output, bitcoin)
    }

    fn carry_out(&mut self, output: Output, bitcoin: &mut Bitcoin) -> Result<(), Killed> {
        let mut outputs = VecDeque::from([output]);
        while let Some(Output { changes, actions }) = outputs.pop_front() {
            self.step()?;
            self.store.apply(&changes).unwrap();
            for action in actions {
                self.step()?;
                match action {
                    Action::Alert(alert) => self.alerts.push(alert),
                    Action::Load { stakes } => {
                        let delegations = stored_delegations(&mut self.store, &stakes).unwrap();
                        outputs.push_back(self.watch.handle(Event::Loaded { delegations: &delegations }));
                    }
                    Action::Recover { stake } => {
                        let found = stored_slashing(&mut self.store, &stake).unwrap();
                        if let Some((delegation, transaction)) = found {
                            let (delegation, transaction) = (&delegation, &transaction);
                            outputs.push_back(self.watch.handle(Event::Slashing { delegation, transaction }));
                        }
                    }
                    Action::Broadcast { stake, output, transaction } => {
                        let verdict = bitcoin.broadcast(&transaction);
                        let event = Event::Verdict { stake, output, verdict };
                        outputs.push_back(self.watch.handle(event));
                    }
                    Action::LookBack { stakes } => {
                        let stakes: Vec<_> = stakes.into_iter().map(|(stake, _)| stake).collect();
                        for height in 1..=self.watch.tracker().height() {
                            let Some((block, _)) = bitcoin.at(usize::try_from(height).unwrap()) else {
                                break;
                            };
                            outputs.push_back(self.watch.handle(Event::LookedBack { block, height }));
                        }
                        outputs.push_back(self.watch.handle(Event::LookBackDone { stakes: &stakes }));
                    }
                }
            }
        }
        Ok(())
    }

    /// Every value that is stored.
    pub(super) fn stored(&mut self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        for table in SCHEMA.versions.concat() {
            self.store
                .scan(table, &[], &mut |_, value| {
                    all.push(value.to_vec());
                    std::ops::ControlFlow::Continue(())
                })
                .unwrap();
        }
        all
    }

    /// A point at which it may be killed.
    fn step(&mut self) -> Result<(), Killed> {
        match &mut self.dies_in {
            Some(0) => Err(Killed),
            Some(steps) => {
                *steps -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Follows the chain to its tip, and looks at the mempool.
    pub(super) fn follow(&mut self, bitcoin: &mut Bitcoin) -> Result<(), Killed> {
        let tip = self.watch.tracker().tip();
        let fork_point = bitcoin.fork_point(tip.hash);
        if fork_point != tip {
            self.tell(Event::Disconnected { fork_point }, bitcoin)?;
        }
        let next = |tower: &Self| usize::try_from(tower.watch.tracker().height()).unwrap() + 1;
        while let Some((block, at)) = bitcoin.at(next(self)).map(|(block, at)| (block.clone(), at)) {
            self.tell(Event::Connected { block: &block, at }, bitcoin)?;
        }
        self.look_at_mempool(bitcoin)
    }

    pub(super) fn look_at_mempool(&mut self, bitcoin: &mut Bitcoin) -> Result<(), Killed> {
        let txids: Vec<_> = bitcoin.mempool().iter().map(bitcoin::Transaction::compute_txid).collect();
        self.tell(Event::Waiting { txids: &txids }, bitcoin)
    }

    pub(super) fn wait(&mut self, seconds: u64, bitcoin: &mut Bitcoin) -> Result<(), Killed> {
        self.seconds += seconds;
        let seconds = self.seconds;
        self.tell(Event::Tick { seconds }, bitcoin)
    }
}

fn leading(database: &MemoryDatabase) -> MemoryStore {
    let mut store = database.open(&SCHEMA).unwrap();
    assert!(store.try_lead().unwrap());
    store
}

fn settings() -> Settings {
    Settings::new(PARAMETERS.clone(), DEPTH)
}
