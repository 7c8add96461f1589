//! Lists of heights to derive randomness for.

use core::num::NonZeroUsize;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use eots::{PublicRandomness, SecretKey, SecretRandomness};

use crate::height::ConsumerHeight;
use crate::workers::in_turns;

/// A list of heights to derive randomness for: `start, start + interval, …`, `count` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomnessSchedule {
    start_height: ConsumerHeight,
    count: u32,
    interval: u64,
}

/// How many heights a thread takes at a time, between two reports of progress.
const PORTION: usize = 1024;
const PORTION_HEIGHTS: u32 = 1024;

/// The most heights in one schedule: a list of their public randomness takes 320 MB.
const MAX_COUNT: u32 = 10_000_000;

/// The error of a list of heights whose interval is 0, whose last height is 2^64 or above, or that has more
/// than ten million heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{count} heights from {start_height} on in steps of {interval}; the step must be above 0, the last height below 2^64 and the count at most \
     10000000"
)]
#[non_exhaustive]
pub struct InvalidSchedule {
    /// The first height.
    pub start_height: ConsumerHeight,
    /// How many heights.
    pub count: u32,
    /// The distance between two heights, in blocks.
    pub interval: u64,
}

impl RandomnessSchedule {
    /// Returns the schedule of `count` heights from `start_height` on, `interval` blocks apart.
    ///
    /// # Errors
    /// [`InvalidSchedule`] when `interval` is 0, the last height would not fit 64 bits, or `count` is above
    /// ten million.
    pub fn new(start_height: ConsumerHeight, count: u32, interval: u64) -> Result<Self, InvalidSchedule> {
        let last = u64::from(count.saturating_sub(1))
            .checked_mul(interval)
            .and_then(|span| start_height.checked_add(span));
        if interval == 0 || last.is_none() || count > MAX_COUNT {
            return Err(InvalidSchedule { start_height, count, interval });
        }
        Ok(Self { start_height, count, interval })
    }

    /// Returns the first height.
    pub const fn start_height(self) -> ConsumerHeight {
        self.start_height
    }

    /// Returns the distance between two heights, in blocks.
    pub const fn interval(self) -> u64 {
        self.interval
    }

    /// Returns how many heights there are.
    pub const fn count(self) -> u32 {
        self.count
    }

    /// Returns the height at this place of the list, counted from 0; one past the end for a place past it.
    fn height(self, index: u32) -> ConsumerHeight {
        // Never saturates within the list: the constructor checked the last height.
        self.start_height.saturating_add(u64::from(index).saturating_mul(self.interval))
    }

    /// Returns the heights, in order.
    pub fn heights(self) -> impl Iterator<Item = ConsumerHeight> + Clone {
        (0..self.count).map(move |index| self.height(index))
    }

    /// Returns the public randomness of `key` on the chain `chain_id` at every height of the schedule, in
    /// order.
    pub fn public_randomness(self, key: &SecretKey, chain_id: &[u8]) -> Vec<PublicRandomness> {
        self.public_randomness_on(NonZeroUsize::MIN, key, chain_id, |_| {})
    }

    /// Returns what [`public_randomness`](Self::public_randomness) does, on at most `threads` threads (one
    /// without the feature `threads`). `progress` is called from any of them with the number of heights done.
    pub fn public_randomness_on(
        self,
        threads: NonZeroUsize,
        key: &SecretKey,
        chain_id: &[u8],
        progress: impl Fn(u64) + Sync,
    ) -> Vec<PublicRandomness> {
        self.for_each_height(key, chain_id, threads, progress, |public| *public)
    }

    /// Returns what `then` makes of the public randomness at every height, in order.
    pub(crate) fn for_each_height<T: Send + Copy>(
        self,
        key: &SecretKey,
        chain_id: &[u8],
        threads: NonZeroUsize,
        progress: impl Fn(u64) + Sync,
        then: impl Fn(&PublicRandomness) -> T + Sync,
    ) -> Vec<T> {
        let done = AtomicU64::new(0);
        let portions: Vec<Range<u32>> = (0..self.count)
            .step_by(PORTION)
            .map(|first| first..first.saturating_add(PORTION_HEIGHTS).min(self.count))
            .collect();
        let results = in_turns(threads, &portions, |portion| {
            let derive = |index| SecretRandomness::derive(key, chain_id, self.height(index).to_u64());
            let derived: Vec<T> =
                portion.clone().map(|index| then(derive(index).public_randomness())).collect();
            let heights = u64::from(portion.end.saturating_sub(portion.start));
            progress(done.fetch_add(heights, Ordering::Relaxed).saturating_add(heights));
            derived
        });
        results.concat()
    }
}
