//! Randomness commitments as a chain records them, and which of them is timestamped for a height.

use core::fmt;
use core::num::NonZeroU64;
use std::collections::BTreeMap;

use secp256k1::XOnlyPublicKey;

use crate::commitment::RandomnessCommitment;
use crate::height::ConsumerHeight;

/// When a commitment was recorded, and up to when the past is timestamped on Bitcoin.
///
/// On Babylon Genesis and in the rollup contract it is an epoch of Babylon Genesis; in the Cosmos contract it
/// is a height of its own chain. Marks of one chain are compared with each other alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct TimestampMark(pub u64);

impl fmt::Display for TimestampMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A provider's randomness commitment, as the chain recorded it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RecordedCommitment {
    /// The commitment.
    pub commitment: RandomnessCommitment,
    /// The distance of its heights: 1 but in the rollup contract, which writes down its own.
    pub interval: NonZeroU64,
    /// When it was recorded.
    pub recorded: TimestampMark,
}

/// The commitments of all providers, by provider and first height.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitmentRecords(BTreeMap<(XOnlyPublicKey, ConsumerHeight), RecordedCommitment>);

/// A reason why a commitment is not recorded beside the others of its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the commitment starts at height {start_height}; must start after {last_height}, the provider's last committed height"
)]
pub struct RecordError {
    /// Its first height.
    pub start_height: ConsumerHeight,
    /// The last height that the provider has committed to.
    pub last_height: ConsumerHeight,
}

impl RecordedCommitment {
    /// Returns the last height that it covers: `start + (count − 1) · interval`.
    pub const fn last_height(&self) -> ConsumerHeight {
        let steps = self.commitment.count.saturating_sub(1).saturating_mul(self.interval.get());
        self.commitment.start_height.saturating_add(steps)
    }

    /// Returns the place of a height's randomness in the commitment; `None` where it has none.
    pub fn index_of(&self, height: ConsumerHeight) -> Option<u64> {
        let distance = height.blocks_after(self.commitment.start_height)?;
        let (index, rest) =
            (distance.checked_div(self.interval.get())?, distance.checked_rem(self.interval.get())?);
        (rest == 0 && index < self.commitment.count).then_some(index)
    }

    /// Returns whether it may be used once the past up to `finalized` is timestamped: it was recorded by
    /// then.
    pub fn is_timestamped(&self, finalized: TimestampMark) -> bool {
        self.recorded <= finalized
    }
}

impl CommitmentRecords {
    /// Returns no commitments.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Records a commitment. Chains take one only after all that its provider has committed.
    ///
    /// # Errors
    /// [`RecordError`] when it starts at or before the provider's last committed height.
    pub fn record(
        &mut self,
        provider: XOnlyPublicKey,
        recorded: RecordedCommitment,
    ) -> Result<(), RecordError> {
        let start_height = recorded.commitment.start_height;
        if let Some(last_height) = self.last(&provider).map(RecordedCommitment::last_height)
            && start_height <= last_height
        {
            return Err(RecordError { start_height, last_height });
        }
        self.0.insert((provider, start_height), recorded);
        Ok(())
    }

    /// Returns the provider's last commitment.
    pub fn last(&self, provider: &XOnlyPublicKey) -> Option<&RecordedCommitment> {
        self.of(provider, ConsumerHeight::MAX).next()
    }

    /// Returns the commitment that covers a height, timestamped or not.
    pub fn covering(&self, provider: &XOnlyPublicKey, height: ConsumerHeight) -> Option<&RecordedCommitment> {
        // Those of one provider do not overlap, so the last that starts by the height is the only one that
        // can.
        self.of(provider, height).next().filter(|recorded| recorded.index_of(height).is_some())
    }

    /// Returns the commitment whose randomness a vote at this height must use: it covers the height, and was
    /// recorded by `finalized`. Another one being timestamped is not enough.
    pub fn timestamped(
        &self,
        provider: &XOnlyPublicKey,
        height: ConsumerHeight,
        finalized: TimestampMark,
    ) -> Option<&RecordedCommitment> {
        self.covering(provider, height).filter(|recorded| recorded.is_timestamped(finalized))
    }

    /// Removes what was recorded after `mark`, as the chain was reorganized down to it; returns how many.
    pub fn disconnect_after(&mut self, mark: TimestampMark) -> usize {
        let before = self.0.len();
        self.0.retain(|_, recorded| recorded.recorded <= mark);
        before.saturating_sub(self.0.len())
    }

    /// Returns all commitments, by provider and first height.
    pub fn iter(&self) -> impl Iterator<Item = (&XOnlyPublicKey, &RecordedCommitment)> {
        self.0.iter().map(|((provider, _), recorded)| (provider, recorded))
    }

    /// Returns the provider's commitments that start at or before a height, the last first.
    fn of(
        &self,
        provider: &XOnlyPublicKey,
        height: ConsumerHeight,
    ) -> impl Iterator<Item = &RecordedCommitment> {
        let range = (*provider, ConsumerHeight(0))..=(*provider, height);
        self.0.range(range).rev().map(|(_, recorded)| recorded)
    }
}
