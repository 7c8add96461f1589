//! The driver: it follows a node, stores what the core says, and does what the core wants.

mod carry;
mod inclusions;
mod leap;
mod look_back;
mod reports;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use babylon::query::DelegationStatus;
use bitcoin::Txid;
use chain::{
    BlockHeight, Broadcast, ChainEvent, ChainSource, ChainTip, FollowError, Follower, Lookup, Mempool,
    NodeError, Spenders, Step,
};
use finality::Evidence;
use staking_scripts::{Delegation, Parameters, ParametersHistory};
use store::Store;

use self::carry::Pending;
use self::look_back::LookBack;
use crate::event::Event;
use crate::report::{Post, Report};
use crate::rows::{RowError, is_stored, passed_blocks, stored_tip};
use crate::told::{Observer, Told};
use crate::watch::{Output, Settings, Watch};

/// How many blocks a step passes at most, so that a long way does not keep others waiting.
const BLOCKS_A_STEP: u32 = 100;
/// How often the mempool is read, where it matters.
const MEMPOOL_EVERY: Duration = Duration::from_secs(5);

/// What the driver needs of a node.
pub trait WatchedNode: ChainSource + Lookup + Broadcast + Mempool + Spenders {}

impl<T: ChainSource + Lookup + Broadcast + Mempool + Spenders + ?Sized> WatchedNode for T {}

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
    /// The block that is to stay is not in the node's chain.
    #[error("the block that was judged at height {height} is not in the node's chain; must begin lower")]
    OtherBranch {
        /// Its height.
        height: BlockHeight,
    },
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

/// A watchtower that runs.
pub struct Driver<'a> {
    node: &'a dyn WatchedNode,
    store: Box<dyn Store + 'a>,
    observer: &'a dyn Observer,
    watch: Watch,
    follower: Follower,
    /// Whether transactions are handed to the node.
    sends: bool,
    /// Whether the node is to prefer them to what pays more, and those for which it was told.
    prioritises: bool,
    prioritised: BTreeSet<Txid>,
    /// Who takes reports to the secured chain.
    post: Option<&'a dyn Post>,
    /// Those that are to be handed over next.
    reports: VecDeque<Report>,
    began: Instant,
    /// What is still to be stored and done, in order.
    pending: VecDeque<Pending>,
    /// What follows of blocks that were passed, and is stored with that of others.
    held: Output,
    /// The stakes for which blocks are still to be looked at again, and from which height on.
    look_back: BTreeMap<Txid, u32>,
    /// From which height on for all of them.
    look_back_all: Option<u32>,
    /// What of that is under way.
    looks_back: Option<LookBack>,
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
        // A store that has a position goes by that: the node may be below its beginning for a moment.
        let start = match stored_tip(&mut *store)? {
            Some(tip) => tip,
            None => ChainTip { height: start, hash: node.block_hash(start)? },
        };
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
            prioritises: false,
            prioritised: BTreeSet::new(),
            post: None,
            reports: VecDeque::new(),
            began: Instant::now(),
            pending: VecDeque::from([output.into()]),
            held: Output::default(),
            look_back: BTreeMap::new(),
            look_back_all: None,
            looks_back: None,
            mempool_read: None,
        })
    }

    /// Hands nothing to the node from now on, and tells what would be.
    #[must_use]
    pub fn without_sending(self) -> Self {
        Self { sends: false, ..self }
    }

    /// Has the node prefer slashing transactions that it refuses for their fee to what pays more: for whoever
    /// mines with it.
    #[must_use]
    pub fn prioritising(self) -> Self {
        Self { prioritises: true, ..self }
    }

    /// Hands what the secured chain should know to somebody who takes it there. Without one, nothing of it is
    /// made.
    #[must_use]
    pub fn reporting_to(self, post: &'a dyn Post) -> Self {
        Self { post: Some(post), ..self }
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
        // Whoever starts again tells all of it again, and its signatures take a millisecond or two.
        if is_stored(&mut *self.store, delegation)? {
            return self.look_again(delegation.staking_transaction.compute_txid(), since);
        }
        self.tell(Event::Delegation { delegation, since })
    }

    /// Returns whether blocks are still looked at again.
    pub fn is_looking_back(&self) -> bool {
        self.looks_back.is_some() || !self.look_back.is_empty() || self.look_back_all.is_some()
    }

    /// Looks at blocks again for a stake that is known, from this height on, where it is in none of those
    /// that were looked at.
    ///
    /// # Errors
    /// [`DriverError`].
    pub fn look_again(&mut self, stake: Txid, since: u32) -> Result<(), DriverError> {
        match self.watch.tracker().is_missing(&stake, since) {
            true => self.tell(Event::LookAgain { stake, since }),
            false => Ok(()),
        }
    }

    /// Forgets what blocks above this height had, and follows the node from there again.
    ///
    /// # Errors
    /// [`DriverError`].
    pub fn rewind(&mut self, height: BlockHeight) -> Result<(), DriverError> {
        let height = height.to_u32().min(self.watch.tracker().height());
        let height = BlockHeight::new(height);
        let fork_point = ChainTip { height, hash: self.node.block_hash(height)? };
        let passed = passed_blocks(&mut *self.store)?;
        if passed.iter().any(|known| known.height == height && known.hash != fork_point.hash) {
            return Err(DriverError::OtherBranch { height });
        }
        self.tell(Event::Rewound { to: fork_point })?;
        let passed = passed_blocks(&mut *self.store)?;
        self.follower = Follower::resume(passed, fork_point);
        Ok(())
    }

    /// Goes by these versions of the parameters from now on.
    ///
    /// # Errors
    /// [`DriverError`]: what follows is done with the next call.
    pub fn set_parameters(&mut self, parameters: ParametersHistory<Parameters>) -> Result<(), DriverError> {
        let output = self.watch.set_parameters(parameters);
        self.pending.push_back(output.into());
        self.carry_out()
    }

    /// Takes note of evidence.
    ///
    /// # Errors
    /// [`DriverError::Rows`].
    pub fn accuse(&mut self, evidence: &Evidence) -> Result<(), DriverError> {
        self.tell(Event::Evidence { evidence })
    }

    /// Takes note of what the secured chain has of a stake, whose delegation was learned before.
    ///
    /// # Errors
    /// [`DriverError::Rows`].
    pub fn registered(&mut self, stake: Txid, status: DelegationStatus) -> Result<(), DriverError> {
        self.tell(Event::Registered { stake, status })
    }

    fn tell(&mut self, event: Event<'_>) -> Result<(), DriverError> {
        // Where that fails, nothing is added to what waits.
        self.carry_out()?;
        let output = self.watch.handle(event);
        self.pending.push_back(output.into());
        self.carry_out()
    }

    /// Passes some blocks, and does what waits for a time. Returns whether it is at the node's tip, and
    /// nothing is left to look at.
    ///
    /// # Errors
    /// [`DriverError`]: after one of the node the same step may succeed later.
    pub fn step(&mut self, now: Instant) -> Result<bool, DriverError> {
        self.carry_out()?;
        let is_at_tip = self.follow()?;
        // What cannot be looked at again keeps nothing else from being done.
        let looked_back = if is_at_tip { self.look_back() } else { Ok(false) };
        if is_at_tip {
            self.read_mempool(now)?;
        }
        let seconds = now.saturating_duration_since(self.began).as_secs();
        self.tell(Event::Tick { seconds })?;
        // Last, as nobody else is to wait for it.
        let is_reported = !is_at_tip || self.report()?;
        Ok(looked_back? && is_reported)
    }

    /// Returns whether it is where the node is, or the node behind it.
    fn follow(&mut self) -> Result<bool, DriverError> {
        let blocks = self.node.tip()?.height.to_u32().saturating_sub(self.watch.tracker().height());
        self.tell(Event::Behind { blocks })?;
        self.leap(blocks)?;
        let followed = self.pass_blocks();
        self.store_held()?;
        followed
    }

    fn pass_blocks(&mut self) -> Result<bool, DriverError> {
        for _ in 0..BLOCKS_A_STEP {
            match self.follower.step(&self.node)? {
                Step::Event(ChainEvent::Connected { at, block }) => {
                    self.hold(Event::Connected { block: &block, at })?;
                    self.observer.told(&Told::Block(at));
                }
                Step::Event(ChainEvent::Disconnected { fork_point, .. }) => {
                    self.hold(Event::Disconnected { fork_point })?;
                    self.observer.told(&Told::Disconnected(fork_point));
                }
                Step::AtTip => {
                    self.store_held()?;
                    self.tell(Event::Behind { blocks: 0 })?;
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

    /// Tells as [`tell`](Self::tell) does. Where the node is far ahead and nothing is to be done, what is to
    /// be stored is stored later, with that of other blocks: whoever is killed before passes them again.
    fn hold(&mut self, event: Event<'_>) -> Result<(), DriverError> {
        let Output { changes, mut actions } = self.watch.handle(event);
        self.held.changes.merge(changes);
        self.held.actions.append(&mut actions);
        match self.watch.is_behind() && self.held.actions.is_empty() {
            true => Ok(()),
            false => self.store_held(),
        }
    }

    fn store_held(&mut self) -> Result<(), DriverError> {
        let Output { changes, actions } = std::mem::take(&mut self.held);
        if !changes.is_empty() || !actions.is_empty() {
            self.pending.push_back(Output { changes, actions }.into());
        }
        self.carry_out()
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
