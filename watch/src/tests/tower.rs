//! A driver as thin as can be: it feeds the core from the world, stores, and does what is wanted.

use std::collections::VecDeque;

use chain::{BlockHeight, ChainTip};
use store::testing::{MemoryDatabase, MemoryStore};
use store::{ChangeSet, Store as _};

use super::stakes::PARAMETERS;
use super::world::Bitcoin;
use crate::alert::Alert;
use crate::event::{Action, Event};
use crate::report::Report;
use crate::rows::{SCHEMA, StoredReady, stored_delegations, stored_ready, stored_slashing};
use crate::watch::{Output, Settings, Watch};

/// How deep what counts must be.
pub(super) const DEPTH: u32 = 6;

/// A watchtower that may be killed.
pub(super) struct Tower {
    pub(super) watch: Watch,
    database: MemoryDatabase,
    store: MemoryStore,
    pub(super) alerts: Vec<Alert>,
    pub(super) settings: Settings,
    /// Whether it hands over what is due, and all that was.
    pub(super) posts: bool,
    pub(super) posted: Vec<Report>,
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
        Self::with(settings(), MemoryDatabase::new(), bitcoin)
    }

    /// One with settings of its own, on what is stored already.
    pub(super) fn with(settings: Settings, database: MemoryDatabase, bitcoin: &mut Bitcoin) -> Self {
        let start = bitcoin.at(0).unwrap().1;
        let mut store = leading(&database);
        let (watch, output) = Watch::open(settings.clone(), &mut store, start).unwrap();
        let mut tower = Self {
            watch,
            database,
            store,
            alerts: Vec::new(),
            settings,
            posts: false,
            posted: Vec::new(),
            seconds: 0,
            dies_in: None,
        };
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
        let (watch, output) = Watch::open(self.settings.clone(), &mut self.store, start).unwrap();
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
                        let StoredReady { ready, others } = stored_ready(&mut self.store, &stakes).unwrap();
                        outputs.push_back(self.watch.handle(Event::Ready { ready: &ready, others: &others }));
                    }
                    Action::LoadDelegations { stakes } => {
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
                    Action::LookBackAll { since } => {
                        for height in since..=self.watch.tracker().height() {
                            let Some((block, _)) = bitcoin.at(usize::try_from(height).unwrap()) else {
                                break;
                            };
                            outputs.push_back(self.watch.handle(Event::LookedBack { block, height }));
                        }
                        outputs.push_back(self.watch.handle(Event::AllLookedBack));
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

    /// Changes what is stored behind its back.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut ChangeSet)) {
        let mut changes = ChangeSet::new();
        change(&mut changes);
        self.store.apply(&changes).unwrap();
    }

    /// How many rows a table has.
    pub(super) fn rows(&mut self, table: &str) -> u64 {
        self.store.count(table).unwrap()
    }

    /// The rows of a table.
    pub(super) fn table(&mut self, table: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut all = Vec::new();
        self.store
            .scan(table, &[], &mut |key, value| {
                all.push((key.to_vec(), value.to_vec()));
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        all
    }

    /// Every value that is stored.
    pub(super) fn stored(&mut self) -> Vec<Vec<u8>> {
        let tables = SCHEMA.versions.concat();
        tables.into_iter().flat_map(|table| self.table(table)).map(|(_, value)| value).collect()
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
        self.look_at_mempool(bitcoin)?;
        self.post(bitcoin)
    }

    /// Hands over what is due, and may be killed before it knows that it has.
    fn post(&mut self, bitcoin: &mut Bitcoin) -> Result<(), Killed> {
        let due = if self.posts { self.watch.due_reports() } else { Vec::new() };
        for report in due {
            assert!(self.watch.is_due(&report));
            self.posted.push(report);
            self.step()?;
            self.tell(Event::Reported { report, failure: None }, bitcoin)?;
        }
        Ok(())
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

pub(super) fn settings() -> Settings {
    Settings::new(PARAMETERS.clone(), DEPTH)
}
