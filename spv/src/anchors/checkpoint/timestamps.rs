//! What a chain of Bitcoin's headers makes of the checkpoints in it: which epochs are timestamped, and which
//! were.

use std::collections::BTreeMap;

use bitcoin::BlockHash;

use super::submission::{PartPlace, VerifiedSubmission};
use crate::chain::HeaderChain;

/// How deep a checkpoint must be. Depths count the blocks on top, so that the tip has 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampDepths {
    /// From this depth on it is CONFIRMED: the chain's k, `btc_confirmation_depth`.
    pub confirmed: u32,
    /// From this depth on it is FINALIZED: the chain's w, `checkpoint_finalization_timeout`.
    pub finalized: u32,
}

impl TimestampDepths {
    /// Mainnet's: 30 and 300.
    pub const MAINNET: Self = Self { confirmed: 30, finalized: 300 };
}

/// How far an epoch's checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampStatus {
    /// It is in the chain, and less than k deep.
    Submitted,
    /// It is at least k deep.
    Confirmed,
    /// It is at least w deep.
    Finalized,
    /// It was in the chain, and no submission of it is any more.
    Forgotten(Forgotten),
}

/// Why an epoch's last submission is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// This block, which has a part of it, is not in the best chain.
    BlockLeft(BlockHash),
    /// Of the epoch before, no submission is left that is older.
    PredecessorLeft,
}

/// A reason why a submission is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The epoch is below the first of the record.
    #[error("the checkpoint is of epoch {epoch}; must be of {first} or a later one")]
    TooEarly {
        /// The epoch.
        epoch: u64,
        /// The first epoch of the record.
        first: u64,
    },
    /// A block of the submission is not of the chain.
    #[error("block {block} with a part of epoch {epoch} is not in the best chain; must be")]
    NotInChain {
        /// The epoch.
        epoch: u64,
        /// The block.
        block: BlockHash,
    },
    /// No submission of the epoch before is in blocks that are all older.
    #[error(
        "the checkpoint of epoch {epoch} is in block {oldest}, which does not come after a checkpoint of epoch {before}; must"
    )]
    NoPredecessor {
        /// The epoch.
        epoch: u64,
        /// The epoch before.
        before: u64,
        /// The older one of the submission's blocks.
        oldest: BlockHash,
    },
    /// The validators have signed another block of the same epoch, too: a fork of the chain, which stops it.
    #[error("the checkpoint of epoch {epoch} has another block hash than the one that is recorded")]
    Conflicting {
        /// The epoch.
        epoch: u64,
        /// The block that is recorded.
        recorded: [u8; 32],
        /// The block of this submission.
        found: [u8; 32],
    },
}

/// The submissions of epochs, by which [`evaluate`](Self::evaluate) says what is timestamped.
#[derive(Debug, Clone, Default)]
pub struct Timestamps {
    first: u64,
    submissions: BTreeMap<u64, Vec<VerifiedSubmission>>,
}

/// What is timestamped in a chain of headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampedEpochs {
    statuses: BTreeMap<u64, EpochTimestamp>,
}

/// The timestamp of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EpochTimestamp {
    /// How far it is.
    pub status: TimestampStatus,
    /// The hash of the epoch's last block.
    pub block_hash: [u8; 32],
    /// The best submission that is left, and how deep its younger block is. The deepest is the best; of
    /// equals the one whose transaction stands first in that block.
    pub best: Option<([PartPlace; 2], u32)>,
}

/// Where a submission is in a chain: the places of its older and its younger block, the depth of the latter,
/// and the lowest position of its transactions in it.
#[derive(Clone, Copy)]
struct Span {
    oldest: u32,
    youngest: u32,
    depth: u32,
    position: u32,
}

/// What is left of an epoch in a chain: its best submission, or why there is none.
#[derive(Clone, Copy)]
struct Judged<'a> {
    block_hash: [u8; 32],
    best: Option<(Span, &'a VerifiedSubmission)>,
    forgotten: Forgotten,
}

impl Timestamps {
    /// Returns a record of no submission, whose first epoch is `first`: its submissions need none of the
    /// epoch before. From 0 or 1 on, nothing is taken on trust, as epoch 0 has no checkpoint; with a later
    /// one, it is trusted that the epoch before is timestamped.
    pub const fn from_epoch(first: u64) -> Self {
        Self { first, submissions: BTreeMap::new() }
    }

    /// Records a submission that is in the best chain. Its older block must come after the younger block of
    /// a submission of the epoch before, which must be recorded and in the chain: two epochs cannot be
    /// submitted in one block.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn record(&mut self, submission: VerifiedSubmission, chain: &HeaderChain) -> Result<(), RecordError> {
        let checkpoint = *submission.submission().checkpoint();
        let (epoch, first) = (checkpoint.epoch, self.first);
        if epoch < first {
            return Err(RecordError::TooEarly { epoch, first });
        }
        let recorded = self.submissions.get(&epoch).into_iter().flatten();
        let recorded = recorded.map(|other| other.submission().checkpoint().block_hash);
        let found = checkpoint.block_hash;
        if let Some(recorded) = recorded.into_iter().find(|recorded| *recorded != found) {
            return Err(RecordError::Conflicting { epoch, recorded, found });
        }
        let span = span(&submission, chain).map_err(|block| RecordError::NotInChain { epoch, block })?;
        if let Some(before) = self.predecessor(epoch)
            && !self.judged(chain).get(&before).is_some_and(|judged| judged.ends_before(span))
        {
            let [one, other] = submission.submission().places();
            let is_first = chain.place(&one.block) <= chain.place(&other.block);
            let oldest = if is_first { one.block } else { other.block };
            return Err(RecordError::NoPredecessor { epoch, before, oldest });
        }
        let submissions = self.submissions.entry(epoch).or_default();
        if !submissions.contains(&submission) {
            submissions.push(submission);
        }
        Ok(())
    }

    /// Returns what is timestamped in a chain. After a reorg this may be less than before.
    pub fn evaluate(&self, chain: &HeaderChain, depths: TimestampDepths) -> TimestampedEpochs {
        let mut statuses = BTreeMap::new();
        for (epoch, Judged { block_hash, best, forgotten }) in self.judged(chain) {
            let best = best.map(|(span, submission)| (*submission.submission().places(), span.depth));
            let status = match (best, forgotten) {
                (Some((_, depth)), _) if depth >= depths.finalized => TimestampStatus::Finalized,
                (Some((_, depth)), _) if depth >= depths.confirmed => TimestampStatus::Confirmed,
                (Some(_), _) => TimestampStatus::Submitted,
                (None, because) => TimestampStatus::Forgotten(because),
            };
            statuses.insert(epoch, EpochTimestamp { status, block_hash, best });
        }
        TimestampedEpochs { statuses }
    }

    /// Forgets the epochs before this one, which from now on is the first. It is trusted then that the one
    /// before it stays timestamped.
    pub fn prune(&mut self, first: u64) {
        self.submissions = self.submissions.split_off(&first);
        self.first = self.first.max(first);
    }

    /// Returns the epoch of which a submission must come before any of this epoch.
    fn predecessor(&self, epoch: u64) -> Option<u64> {
        // Epoch 0 has no checkpoint.
        let before = epoch.checked_sub(1)?;
        (epoch > self.first && before > 0).then_some(before)
    }

    /// Goes through the epochs in their order, and finds what is left of each.
    fn judged<'a>(&'a self, chain: &HeaderChain) -> BTreeMap<u64, Judged<'a>> {
        let mut all = BTreeMap::<u64, Judged<'a>>::new();
        for (epoch, submissions) in &self.submissions {
            let before = self.predecessor(*epoch).map(|before| all.get(&before));
            let mut epochs = None::<Judged<'a>>;
            for submission in submissions {
                let is_after =
                    |span| before.is_none_or(|before| before.is_some_and(|it| it.ends_before(span)));
                let found = match span(submission, chain) {
                    Err(block) => Err(Forgotten::BlockLeft(block)),
                    Ok(span) if is_after(span) => Ok((span, submission)),
                    Ok(_) => Err(Forgotten::PredecessorLeft),
                };
                let judged = epochs.get_or_insert_with(|| Judged {
                    block_hash: submission.submission().checkpoint().block_hash,
                    best: None,
                    forgotten: Forgotten::PredecessorLeft,
                });
                match found {
                    Err(because) => judged.forgotten = because,
                    Ok((span, _)) if judged.best.is_some_and(|(best, _)| best.rank() <= span.rank()) => {}
                    Ok(found) => judged.best = Some(found),
                }
            }
            all.extend(epochs.map(|judged| (*epoch, judged)));
        }
        all
    }
}

impl Judged<'_> {
    /// Returns whether the deepest submission is in blocks that are all older than those of another.
    fn ends_before(&self, other: Span) -> bool {
        self.best.is_some_and(|(best, _)| best.youngest < other.oldest)
    }
}

impl Span {
    /// The less, the better.
    const fn rank(self) -> (u32, u32) {
        (self.youngest, self.position)
    }
}

impl TimestampedEpochs {
    /// Returns the timestamp of an epoch; `None` where no submission of it was ever recorded.
    pub fn get(&self, epoch: u64) -> Option<&EpochTimestamp> {
        self.statuses.get(&epoch)
    }

    /// Returns the timestamps of all epochs that were recorded, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &EpochTimestamp)> {
        self.statuses.iter().map(|(epoch, timestamp)| (*epoch, timestamp))
    }

    /// Returns the last epoch that is FINALIZED. All before it are, too.
    pub fn last_finalized(&self) -> Option<u64> {
        let finalized = self.iter().filter(|(_, timestamp)| timestamp.status == TimestampStatus::Finalized);
        finalized.map(|(epoch, _)| epoch).last()
    }

    /// Returns whether a randomness commitment that was sent in this epoch counts as timestamped, so that the
    /// finality provider may have power: the epoch is FINALIZED, or one after it.
    pub fn timestamps_randomness_of(&self, epoch: u64) -> bool {
        self.last_finalized().is_some_and(|last| epoch <= last)
    }
}

/// Returns where a submission is in a chain; a block of it that is not there otherwise.
fn span(submission: &VerifiedSubmission, chain: &HeaderChain) -> Result<Span, BlockHash> {
    let [one, other] = submission.submission().places();
    let place = |part: &PartPlace| {
        let place = chain.place(&part.block).zip(chain.depth(&part.block));
        place.map(|(place, depth)| (place, depth, part.position)).ok_or(part.block)
    };
    let (one, other) = (place(one)?, place(other)?);
    let (old, young) = if one.0 <= other.0 { (one, other) } else { (other, one) };
    let position = if old.0 == young.0 { old.2.min(young.2) } else { young.2 };
    Ok(Span { oldest: old.0, youngest: young.0, depth: young.1, position })
}
