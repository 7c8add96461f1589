//! The driver: it follows a node, stores what the core says, and does what the core wants.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bitcoin::{Transaction, Txid};
use chain::{
    BlockHeight, Broadcast, ChainEvent, ChainSource, ChainTip, FollowError, Follower, Mempool, NodeError,
    Step,
};
use finality::Evidence;
use staking_scripts::Delegation;
use staking_scripts::delegation::SlashedOutput;
use store::{ChangeSet, Store};

use crate::alert::Alert;
use crate::event::{Action, Event, Verdict};
use crate::rows::{RowError, passed_blocks, stored_delegations};
use crate::told::{Observer, Told};
use crate::watch::{Output, Settings, Watch};

/// How many blocks a step passes at most, so that a long way does not keep others waiting.
const BLOCKS_A_STEP: u32 = 100;
/// How often the mempool is read, where it matters.
const MEMPOOL_EVERY: Duration = Duration::from_secs(5);

/// What the driver needs of a node.
pub trait WatchedNode: ChainSource + Broadcast + Mempool {}

impl<T: ChainSource + Broadcast + Mempool + ?Sized> WatchedNode for T {}

/// Why the watchtower cannot go on now.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The node does not answer, or not as it must; nothing is lost.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The node's chain cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Another watchtower works with this store: ask again from time to time.
    #[error("another watchtower leads with this store; this one stands by")]
    StandingBy,
    /// The store does not answer, or a row of it is damaged. What could not be stored is tried again with the
    /// next call, before anything else; where the store is lost, open it anew.
    #[error(transparent)]
    Rows(#[from] RowError),
}

impl From<store::StoreError> for DriverError {
    fn from(error: store::StoreError) -> Self {
        Self::Rows(error.into())
    }
}

/// What is still to be told, stored and done of an output.
struct Pending {
    alerts: Vec<Alert>,
    changes: ChangeSet,
    actions: VecDeque<Action>,
}

impl From<Output> for Pending {
    fn from(Output { changes, actions }: Output) -> Self {
        let mut pending = Self { alerts: Vec::new(), changes, actions: VecDeque::new() };
        for action in actions {
            match action {
                Action::Alert(alert) => pending.alerts.push(alert),
                action => pending.actions.push_back(action),
            }
        }
        pending
    }
}

/// A pass over blocks that are looked at again.
struct Pass {
    /// The next height.
    next: u32,
    /// The stakes that it is for.
    stakes: Vec<Txid>,
}

/// A watchtower that runs.
pub struct Driver<'a> {
    node: &'a dyn WatchedNode,
    store: Box<dyn Store + 'a>,
    observer: &'a dyn Observer,
    watch: Watch,
    follower: Follower,
    /// Whether transactions are handed to the node.
    sends: bool,
    began: Instant,
    /// What is still to be stored and done, in order.
    pending: VecDeque<Pending>,
    /// The stakes for which blocks are still to be looked at again, and from which height on.
    look_back: BTreeMap<Txid, u32>,
    /// The pass over these blocks that is under way.
    pass: Option<Pass>,
    mempool_read: Option<Instant>,
}

impl std::fmt::Debug for Driver<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("watch", &self.watch).finish_non_exhaustive()
    }
}

impl<'a> Driver<'a> {
    /// Opens what is stored; of an empty store, one that begins after the block at this height.
    ///
    /// # Errors
    /// [`DriverError`]; [`DriverError::StandingBy`] where another one leads.
    pub fn open(
        settings: Settings,
        node: &'a dyn WatchedNode,
        mut store: Box<dyn Store + 'a>,
        observer: &'a dyn Observer,
        start: BlockHeight,
    ) -> Result<Self, DriverError> {
        if !store.try_lead()? {
            return Err(DriverError::StandingBy);
        }
        let start = ChainTip { height: start, hash: node.block_hash(start)? };
        let (watch, output) = Watch::open(settings, &mut *store, start)?;
        let passed = passed_blocks(&mut *store)?;
        let follower = Follower::resume(passed, watch.tracker().tip());
        Ok(Self {
            node,
            store,
            observer,
            watch,
            follower,
            sends: true,
            began: Instant::now(),
            pending: VecDeque::from([output.into()]),
            look_back: BTreeMap::new(),
            pass: None,
            mempool_read: None,
        })
    }

    /// Hands nothing to the node from now on, and tells what would be.
    #[must_use]
    pub fn without_sending(self) -> Self {
        Self { sends: false, ..self }
    }

    /// Returns the core.
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Takes note of a delegation; its staking transaction is in no block below `since`.
    ///
    /// # Errors
    /// [`DriverError::Rows`].
    pub fn learn(&mut self, delegation: &Delegation, since: u32) -> Result<(), DriverError> {
        self.tell(Event::Delegation { delegation, since })
    }

    /// Takes note of evidence.
    ///
    /// # Errors
    /// [`DriverError::Rows`].
    pub fn accuse(&mut self, evidence: &Evidence) -> Result<(), DriverError> {
        self.tell(Event::Evidence { evidence })
    }

    fn tell(&mut self, event: Event<'_>) -> Result<(), DriverError> {
        // Where that fails, nothing is added to what waits.
        self.carry_out()?;
        let output = self.watch.handle(event);
        self.pending.push_back(output.into());
        self.carry_out()
    }

    /// Stores and does what is pending. What fails stays pending, and is stored before anything later.
    fn carry_out(&mut self) -> Result<(), DriverError> {
        while let Some(pending) = self.pending.front_mut() {
            // Somebody is told before it is stored that he was: after a crash he is told again, and not
            // never.
            for alert in pending.alerts.drain(..) {
                self.observer.told(&Told::Alert(&alert));
            }
            // Nothing else is done that would not be done again after a crash.
            if !pending.changes.is_empty() {
                self.store.apply(&pending.changes)?;
                pending.changes = ChangeSet::new();
            }
            let Some(action) = pending.actions.pop_front() else {
                self.pending.pop_front();
                continue;
            };
            match self.act(&action) {
                Ok(followed) => self.pending.extend(followed.map(Pending::from)),
                Err(error) => {
                    if let Some(pending) = self.pending.front_mut() {
                        pending.actions.push_front(action);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Does something, and returns what follows.
    fn act(&mut self, action: &Action) -> Result<Option<Output>, DriverError> {
        Ok(match action {
            // They are told apart from the others.
            Action::Alert(_) => None,
            Action::Load { stakes } => {
                let delegations = stored_delegations(&mut *self.store, stakes)?;
                Some(self.watch.handle(Event::Loaded { delegations: &delegations }))
            }
            Action::LookBack { stakes } => {
                self.look_back.extend(stakes.iter().copied());
                None
            }
            Action::Broadcast { stake, output, transaction } => self.send(*stake, *output, transaction),
        })
    }

    fn send(&mut self, stake: Txid, output: SlashedOutput, transaction: &Transaction) -> Option<Output> {
        let verdict = self.sends.then(|| verdict(self.node.broadcast(transaction)));
        self.observer.told(&Told::Sent { stake, output, transaction, verdict: verdict.as_ref() });
        verdict.map(|verdict| self.watch.handle(Event::Verdict { stake, output, verdict }))
    }

    /// Passes some blocks, and does what waits for a time. Returns whether it is at the node's tip, and
    /// nothing is left to look at.
    ///
    /// # Errors
    /// [`DriverError`]: after one of the node the same step may succeed later.
    pub fn step(&mut self, now: Instant) -> Result<bool, DriverError> {
        self.carry_out()?;
        let mut is_at_rest = self.follow()?;
        if is_at_rest {
            is_at_rest = self.look_back()?;
            self.read_mempool(now)?;
        }
        let seconds = now.saturating_duration_since(self.began).as_secs();
        self.tell(Event::Tick { seconds })?;
        Ok(is_at_rest)
    }

    /// Returns whether it is where the node is, or the node behind it.
    fn follow(&mut self) -> Result<bool, DriverError> {
        for _ in 0..BLOCKS_A_STEP {
            match self.follower.step(&self.node)? {
                Step::Event(ChainEvent::Connected { at, block }) => {
                    self.tell(Event::Connected { block: &block, at })?;
                    self.observer.told(&Told::Block(at));
                }
                Step::Event(ChainEvent::Disconnected { fork_point, .. }) => {
                    self.tell(Event::Disconnected { fork_point })?;
                    self.observer.told(&Told::Disconnected(fork_point));
                }
                Step::AtTip => {
                    self.observer.told(&Told::AtTip(self.follower.position()));
                    return Ok(true);
                }
                Step::Behind { tip } => {
                    self.observer.told(&Told::Behind(tip));
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Looks at some of the blocks again that were passed before stakes were learned, for all of them at
    /// once. Returns whether nothing is left: a chain is long, and what is new, and what waits to be sent
    /// again, is not kept waiting for it.
    fn look_back(&mut self) -> Result<bool, DriverError> {
        let pass = match self.pass.take() {
            Some(pass) => pass,
            None => {
                let Some(next) = self.look_back.values().min().copied() else { return Ok(true) };
                let stakes: Vec<Txid> = std::mem::take(&mut self.look_back).into_keys().collect();
                self.observer.told(&Told::LooksBack { from: next, stakes: stakes.len() });
                Pass { next, stakes }
            }
        };
        let pass = self.pass.insert(pass);
        let last =
            self.watch.tracker().height().min(pass.next.saturating_add(BLOCKS_A_STEP).saturating_sub(1));
        for height in pass.next..=last {
            let block = match self.node.block_at(BlockHeight::new(height)) {
                // The node went back meanwhile: what is above its tip will be connected again.
                Err(NodeError::NoSuchBlock { .. }) => break,
                block => block?,
            };
            self.tell(Event::LookedBack { block: &block, height })?;
            if let Some(pass) = &mut self.pass {
                pass.next = height.saturating_add(1);
            }
        }
        if last < self.watch.tracker().height() {
            return Ok(false);
        }
        let stakes = self.pass.take().map(|pass| pass.stakes).unwrap_or_default();
        self.tell(Event::LookBackDone { stakes: &stakes })?;
        Ok(self.look_back.is_empty())
    }

    fn read_mempool(&mut self, now: Instant) -> Result<(), DriverError> {
        let is_due =
            self.mempool_read.is_none_or(|read| now.saturating_duration_since(read) >= MEMPOOL_EVERY);
        if !is_due || !self.watch.needs_mempool() {
            return Ok(());
        }
        let txids = self.node.waiting()?;
        self.mempool_read = Some(now);
        self.tell(Event::Waiting { txids: &txids })
    }
}

/// What a node's answer to a broadcast means.
fn verdict(answer: Result<Txid, NodeError>) -> Verdict {
    match answer {
        Ok(_) => Verdict::Taken,
        Err(error) => match error.rejection_class() {
            Some(class) => Verdict::Refused { class, reason: error.to_string() },
            None => Verdict::Unanswered,
        },
    }
}
