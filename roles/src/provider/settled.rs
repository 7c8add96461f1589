//! The heights at which nothing is left to do.

use std::collections::BTreeSet;

use finality::ConsumerHeight;

/// Heights that are voted for, or never will be: all below one, and some above it.
#[derive(Debug, Default)]
pub(super) struct Settled {
    below: u64,
    above: BTreeSet<u64>,
    count: u64,
}

impl Settled {
    /// Settles a height.
    pub(super) fn settle(&mut self, height: ConsumerHeight) {
        if height.to_u64() >= self.below && self.above.insert(height.to_u64()) {
            self.count = self.count.saturating_add(1);
            self.join();
        }
    }

    /// Returns how often a height was settled by itself.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Settles every height below this one.
    pub(super) fn settle_below(&mut self, height: ConsumerHeight) {
        if height.to_u64() > self.below {
            self.below = height.to_u64();
            self.above = self.above.split_off(&self.below);
            self.join();
        }
    }

    fn join(&mut self) {
        while self.above.remove(&self.below) {
            self.below = self.below.saturating_add(1);
        }
    }

    /// Returns the heights up to this one that are not settled, ascending.
    pub(super) fn open(&self, last: ConsumerHeight) -> impl Iterator<Item = ConsumerHeight> {
        (self.below..=last.to_u64()).filter(|height| !self.above.contains(height)).map(ConsumerHeight)
    }
}
