//! Randomness coverage: how far ahead commitments reach, and when to commit more.

use std::collections::BTreeMap;

use super::{InvalidCommitment, RandomnessCommitment};
use crate::height::ConsumerHeight;

/// The randomness coverage of a finality provider: the heights that its commitments are for.
///
/// A commitment counts only once it is timestamped on Bitcoin, which takes the *confirmation delay*, in
/// blocks of the chain that is voted on. A provider whose commitments run out cannot vote.
///
/// ```
/// use finality::{ConsumerHeight, RandomnessCommitment, RandomnessCoverage};
///
/// let height = ConsumerHeight;
/// let mut coverage = RandomnessCoverage::new(300);
/// // Nothing is committed, and what is committed now at height 1000 will count from 1301 on.
/// assert_eq!(coverage.remaining(height(1000)), 0);
/// assert_eq!(coverage.next_start_height(height(1000)), height(1301));
/// coverage.add(&RandomnessCommitment { start_height: height(1301), count: 10_000, root: [0; 32] })?;
/// assert_eq!(coverage.remaining(height(1300)), 10_000);
/// assert_eq!(coverage.next_start_height(height(1300)), height(11_301));
/// // At height 11000 there are 300 heights left: as many as it takes for the next commitment to count.
/// assert!(!coverage.is_due(height(10_999)) && coverage.is_due(height(11_000)));
/// # Ok::<(), finality::CoverageError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RandomnessCoverage {
    confirmation_delay_blocks: u64,
    /// First height and last height of each commitment.
    ranges: BTreeMap<ConsumerHeight, ConsumerHeight>,
}

/// A reason why a commitment cannot be added to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CoverageError {
    /// The chain does not accept the commitment by itself.
    #[error(transparent)]
    Invalid(#[from] InvalidCommitment),
    /// The commitment covers a height that another one covers.
    #[error(
        "heights {start_height} to {last_height} overlap the committed {other_start_height} to {other_last_height}; commitments must not \
         overlap"
    )]
    Overlap {
        /// Its first height.
        start_height: ConsumerHeight,
        /// Its last height.
        last_height: ConsumerHeight,
        /// The other's first height.
        other_start_height: ConsumerHeight,
        /// The other's last height.
        other_last_height: ConsumerHeight,
    },
}

impl RandomnessCoverage {
    /// Returns the coverage of no commitment, on a chain where a commitment counts
    /// `confirmation_delay_blocks` blocks after it is made.
    pub const fn new(confirmation_delay_blocks: u64) -> Self {
        Self { confirmation_delay_blocks, ranges: BTreeMap::new() }
    }

    /// Adds a commitment.
    ///
    /// # Errors
    /// [`CoverageError`] when the chain would refuse it, by itself or because it overlaps another.
    pub fn add(&mut self, commitment: &RandomnessCommitment) -> Result<(), CoverageError> {
        let RandomnessCommitment { start_height, count, .. } = *commitment;
        commitment.check()?;
        let last_height = start_height.saturating_add(count.saturating_sub(1));
        // Ranges do not overlap each other, so of those that begin no later than this one ends, the last one
        // alone can.
        if let Some((other_start_height, other_last_height)) = self.ranges.range(..=last_height).next_back()
            && *other_last_height >= start_height
        {
            let (other_start_height, other_last_height) = (*other_start_height, *other_last_height);
            return Err(CoverageError::Overlap {
                start_height,
                last_height,
                other_start_height,
                other_last_height,
            });
        }
        self.ranges.insert(start_height, last_height);
        Ok(())
    }

    /// Returns how many heights after `tip_height` are covered without a gap.
    pub fn remaining(&self, tip_height: ConsumerHeight) -> u64 {
        let mut covered = tip_height;
        for (start_height, last_height) in &self.ranges {
            if *last_height > covered && *start_height <= covered.saturating_add(1) {
                covered = *last_height;
            }
        }
        covered.blocks_after(tip_height).unwrap_or_default()
    }

    /// Returns the first height of the next commitment, made at `tip_height`: after all that is committed,
    /// and not before it can count.
    pub fn next_start_height(&self, tip_height: ConsumerHeight) -> ConsumerHeight {
        let counts_from = tip_height.saturating_add(self.confirmation_delay_blocks).saturating_add(1);
        let after_all = self.ranges.values().next_back().map(|last_height| last_height.saturating_add(1));
        after_all.map_or(counts_from, |after_all| counts_from.max(after_all))
    }

    /// Returns whether it is time to commit: the heights that remain run out before, or just when, a
    /// commitment made now would count.
    pub fn is_due(&self, tip_height: ConsumerHeight) -> bool {
        self.remaining(tip_height) <= self.confirmation_delay_blocks
    }
}
