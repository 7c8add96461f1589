//! Numbers that look random, and come again with the same seed.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    /// Returns one with the seed that `CHAOS_SEED` says, or another one each time. It is printed.
    pub(crate) fn new(test: &str) -> Self {
        let said = std::env::var("CHAOS_SEED").ok().map(|text| text.parse().unwrap());
        let seed = said.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        println!("{test}: CHAOS_SEED={seed}");
        Self(seed)
    }

    /// Returns another one, for another thread.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below another.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Returns a place in a list.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    /// Returns true once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            list.swap(place, self.index(place + 1));
        }
    }
}
