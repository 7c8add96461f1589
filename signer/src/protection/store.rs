//! The trait of a store of signing records.

use finality::ConsumerHeight;

use super::types::{HeightRange, Lane, LaneState, Outcome, SigningRecord, VoteRequest, Watermarks};

/// Where the answer to [`Store::submit`] goes. It must not block.
pub type Reply = Box<dyn FnOnce(Result<Vec<Outcome>, StoreError>) + Send>;

/// A store of signing records: at most one message for each lane and height.
///
/// Its calls block until what they have written is durable.
pub trait Store: Send + Sync {
    /// Checks every request and records those that are new, in one exclusive transaction, and returns an
    /// outcome for each, in order. A signature is in the answer only when its record is durable.
    ///
    /// The same message again has the signature of the first time. Requests of one batch see those before
    /// them.
    ///
    /// # Errors
    /// [`StoreError`]: no signature leaves. Whether requests were recorded is not known then; the same
    /// requests again tell.
    fn check_and_record(&self, requests: Vec<VoteRequest>) -> Result<Vec<Outcome>, StoreError>;

    /// Does what [`check_and_record`](Self::check_and_record) does, and calls `reply` with what that returns:
    /// where a store has a thread of its own, from there, so that nobody waits for it.
    fn submit(&self, requests: Vec<VoteRequest>, reply: Reply) {
        reply(self.check_and_record(requests));
    }

    /// Returns every lane that the store knows, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn lanes(&self) -> Result<Vec<Lane>, StoreError>;

    /// Returns what is known of a lane; of an unknown one nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn state(&self, lane: &Lane) -> Result<LaneState, StoreError>;

    /// Returns up to `most` records of a lane from a height on, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn records(
        &self,
        lane: &Lane,
        from: ConsumerHeight,
        most: usize,
    ) -> Result<Vec<SigningRecord>, StoreError>;

    /// Changes lanes, all or none of them, and returns what each is after it.
    ///
    /// # Errors
    /// [`StoreError::UnknownLane`] for a high watermark or committed heights of a lane that is not known,
    /// [`StoreError::EmptyRange`] and [`StoreError::TooManyRanges`]; nothing is changed then.
    fn change(&self, changes: Vec<LaneChange>) -> Result<Vec<Changed>, StoreError>;

    /// Returns the generation: a number that rises with every write.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn generation(&self) -> Result<u64, StoreError>;
}

/// A change of one lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneChange {
    /// The lane.
    pub lane: Lane,
    /// What changes.
    pub kind: ChangeKind,
}

/// What changes of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// Makes the lane known, with the first height that may be signed. Of a known one it raises the low
    /// watermark to below that height.
    Register(ConsumerHeight),
    /// Raises the low watermark to a height; a lower one changes nothing.
    RaiseLow(ConsumerHeight),
    /// Sets or removes the high watermark.
    SetHigh(Option<ConsumerHeight>),
    /// Sets the high watermark to a height, unless it is at or below that already.
    LowerHigh(ConsumerHeight),
    /// Raises the low watermark to a height, and forgets the records at and below it.
    Prune(ConsumerHeight),
    /// Notes that the randomness of these heights is committed.
    Committed(HeightRange),
    /// Adds records that were made elsewhere, and raises the low watermark to the highest of them. Where a
    /// height has another message here, the record here stays ([`Changed::contradicted`]).
    Import(Vec<SigningRecord>),
}

impl ChangeKind {
    /// Returns whether it changes a lane that is known already: it says nothing of what was signed before.
    pub(crate) const fn needs_lane(&self) -> bool {
        matches!(self, Self::SetHigh(_) | Self::LowerHigh(_) | Self::Committed(_))
    }
}

/// A lane after a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// The watermarks.
    pub watermarks: Watermarks,
    /// The number of records that were added or forgotten.
    pub records: u64,
    /// The heights at which an import had another message than the record here: both were signed, and the key
    /// is known to whoever has both signatures.
    pub contradicted: Vec<ConsumerHeight>,
}

/// The store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database failed. What was asked for may have been recorded all the same.
    #[error("the signing database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database holds what no store writes.
    #[error("the signing database is damaged: {0}")]
    Damaged(String),
    /// The lane of a change is not known.
    #[error("{0} is unknown to this store; must be registered with its first height")]
    UnknownLane(Box<Lane>),
    /// A vote was seen on the chain that is above every record.
    #[error(
        "the signing database of {lane} knows of no vote above {known}; must know of {seen}, the highest vote seen on the chain: another signer may run, or this is an old copy; stop the other one, and raise the low watermark to {seen}",
        known = .found.map_or_else(|| "none".to_owned(), |found| found.to_u64().to_string()),
        seen = .seen.to_u64()
    )]
    BehindChain {
        /// The lane.
        lane: Box<Lane>,
        /// The highest height known.
        found: Option<ConsumerHeight>,
        /// The highest vote on the chain.
        seen: ConsumerHeight,
    },
    /// A range of committed heights ends before it begins.
    #[error("the range from {} to {} has no height; must have one", .0.first.to_u64(), .0.last.to_u64())]
    EmptyRange(HeightRange),
    /// The committed heights have too many gaps.
    #[error(
        "the committed heights are in more than {most} ranges with gaps between them; must be in at most that"
    )]
    TooManyRanges {
        /// The most ranges.
        most: usize,
    },
    /// The transaction that held this request and others failed.
    #[error(transparent)]
    Shared(std::sync::Arc<StoreError>),
    /// A backup cannot be made; the database is as it was.
    #[error("the backup cannot be made")]
    Backup(#[source] std::io::Error),
    /// The store stopped, after an earlier failure or because it was closed.
    #[error("the signing database is closed")]
    Closed,
}

/// Checks that a store knows of the highest vote that was seen on the chain: one that does not is older than
/// the chain, or of another signer.
///
/// # Errors
/// [`StoreError::BehindChain`] when no record, and no watermark, is as high.
pub fn check_highest_vote(store: &dyn Store, lane: &Lane, seen: ConsumerHeight) -> Result<(), StoreError> {
    let found = store.state(lane)?.highest;
    if found >= Some(seen) {
        return Ok(());
    }
    Err(StoreError::BehindChain { lane: Box::new(lane.clone()), found, seen })
}
