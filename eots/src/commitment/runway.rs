//! When to commit randomness next.

use std::collections::BTreeMap;

use super::{InvalidCommitment, RandomnessCommitment};

/// The heights that a finality provider has committed randomness for, and how long they last.
///
/// A commitment serves only once it is timestamped on Bitcoin, which takes a while: the *confirmation delay*,
/// in blocks of the secured chain. A provider whose commitments run out cannot vote.
///
/// ```
/// use eots::{RandomnessCommitment, Runway};
///
/// let mut runway = Runway::new(300);
/// // Nothing is committed, and what is committed now at height 1000 will serve from 1301 on.
/// assert_eq!((runway.remaining(1000), runway.next_start_height(1000)), (0, 1301));
/// runway.add(&RandomnessCommitment { start_height: 1301, count: 10_000, root: [0; 32] })?;
/// assert_eq!((runway.remaining(1300), runway.next_start_height(1300)), (10_000, 11_301));
/// // At height 11000 there are 300 heights left: as many as it takes for a next one to serve.
/// assert!(!runway.is_due(10_999) && runway.is_due(11_000));
/// # Ok::<(), eots::RunwayError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runway {
    confirmation_delay_blocks: u64,
    /// First height and last height of each commitment.
    ranges: BTreeMap<u64, u64>,
}

/// The commitment cannot stand beside those there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunwayError {
    /// It is none that the chain takes.
    #[error(transparent)]
    Invalid(#[from] InvalidCommitment),
    /// It covers a height that is covered already.
    #[error(
        "heights {start_height} to {last_height} overlap those from {other_start_height} to {other_last_height}"
    )]
    Overlap {
        /// Its first height.
        start_height: u64,
        /// Its last height.
        last_height: u64,
        /// The other's first height.
        other_start_height: u64,
        /// The other's last height.
        other_last_height: u64,
    },
}

impl Runway {
    /// Nothing committed yet, on a chain where a commitment serves `confirmation_delay_blocks` blocks after
    /// it is made.
    pub const fn new(confirmation_delay_blocks: u64) -> Self {
        Self { confirmation_delay_blocks, ranges: BTreeMap::new() }
    }

    /// Adds a commitment that was made.
    ///
    /// # Errors
    /// [`RunwayError`] when the chain would not take it, by itself or because it overlaps another.
    pub fn add(&mut self, commitment: &RandomnessCommitment) -> Result<(), RunwayError> {
        let RandomnessCommitment { start_height, count, .. } = *commitment;
        commitment.check()?;
        let last_height = start_height.saturating_add(count.saturating_sub(1));
        // Ranges do not overlap each other, so of those that begin no later than this one ends, the last one
        // alone can.
        if let Some((other_start_height, other_last_height)) = self.ranges.range(..=last_height).next_back()
            && *other_last_height >= start_height
        {
            let (other_start_height, other_last_height) = (*other_start_height, *other_last_height);
            return Err(RunwayError::Overlap {
                start_height,
                last_height,
                other_start_height,
                other_last_height,
            });
        }
        self.ranges.insert(start_height, last_height);
        Ok(())
    }

    /// How many heights after `tip_height` are covered without a gap.
    pub fn remaining(&self, tip_height: u64) -> u64 {
        let mut covered = tip_height;
        for (start_height, last_height) in &self.ranges {
            if *last_height > covered && *start_height <= covered.saturating_add(1) {
                covered = *last_height;
            }
        }
        covered.saturating_sub(tip_height)
    }

    /// The first height of the next commitment, made at `tip_height`: after all that is committed, and not
    /// before it can serve.
    pub fn next_start_height(&self, tip_height: u64) -> u64 {
        let serves_from = tip_height.saturating_add(self.confirmation_delay_blocks).saturating_add(1);
        let after_all =
            self.ranges.values().next_back().map_or(0, |last_height| last_height.saturating_add(1));
        serves_from.max(after_all)
    }

    /// Whether it is time to commit: the heights that remain run out before, or just when, a commitment made
    /// now would serve.
    pub fn is_due(&self, tip_height: u64) -> bool {
        self.remaining(tip_height) <= self.confirmation_delay_blocks
    }
}
