//! The heights at which nothing is left to do.

use std::collections::BTreeSet;

use finality::ConsumerHeight;

/// How far below what matters now heights are still remembered.
const KEPT: u64 = 100_000;

/// Heights that are voted for, or never will be.
#[derive(Debug, Default)]
pub(super) struct Settled {
    heights: BTreeSet<u64>,
    count: u64,
}

impl Settled {
    /// Settles a height.
    pub(super) fn settle(&mut self, height: ConsumerHeight) {
        if self.heights.insert(height.to_u64()) {
            self.count = self.count.saturating_add(1);
        }
    }

    /// Returns how often a height was settled.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Forgets heights far below this one.
    pub(super) fn forget_below(&mut self, height: ConsumerHeight) {
        let least = height.to_u64().saturating_sub(KEPT);
        if self.heights.first().is_some_and(|first| *first < least) {
            self.heights = self.heights.split_off(&least);
        }
    }

    /// Returns the heights from one to another that are not settled, ascending.
    pub(super) fn open(
        &self,
        first: ConsumerHeight,
        last: ConsumerHeight,
    ) -> impl Iterator<Item = ConsumerHeight> {
        (first.to_u64()..=last.to_u64()).filter(|height| !self.heights.contains(height)).map(ConsumerHeight)
    }
}
