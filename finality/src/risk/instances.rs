//! Made graphs, for benches and tests: the same ones for the same seed.

use std::collections::BTreeSet;

use super::graph::{InvalidGraph, RestakingGraph, Service};
use super::number::Threshold;

/// How a made graph is shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// Every provider is on every chain.
    Everywhere,
    /// Each provider is on each chain with a chance of one in two.
    Half,
    /// Each provider is on three chains or so.
    Sparse,
    /// Chains come in groups that share their providers; a few providers are on all.
    Groups,
    /// As [`Half`](Self::Half), with equal stakes.
    Equal,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 5] = [Self::Everywhere, Self::Half, Self::Sparse, Self::Groups, Self::Equal];
}

/// A made graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instance {
    /// The seed.
    pub seed: u64,
    /// The shape.
    pub shape: Shape,
    /// How many validators, and services.
    pub validators: usize,
    /// How many services.
    pub services: usize,
    /// What the services offer together, in percent of the stake of all: the more, the less secure.
    pub profit_percent: u32,
}

/// The generator of numbers: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, near enough to even.
    fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or_default()
    }
}

impl Instance {
    /// Makes the graph. Stakes are spread over three orders of magnitude, few large ones and many small, in
    /// slashable satoshis; thresholds are a third, for one service in five two thirds.
    ///
    /// # Errors
    /// [`InvalidGraph`] when there are so many validators that their stakes are too much.
    pub fn graph(&self) -> Result<RestakingGraph, InvalidGraph> {
        let mut numbers = Numbers(self.seed);
        let stakes: Vec<u128> = (0..self.validators)
            .map(|_| {
                let (scale, part) = (numbers.below(1000), numbers.below(1_000_000));
                match self.shape {
                    Shape::Equal => 100_000_000,
                    // 10^11 over 1 to 1000, and something below.
                    _ => u128::from(100_000_000_000_u64)
                        .checked_div(u128::from(scale.saturating_add(1)))
                        .unwrap_or_default()
                        .saturating_add(u128::from(part)),
                }
            })
            .collect();
        let total = stakes.iter().fold(0_u128, |sum, stake| sum.saturating_add(*stake));
        let groups: Vec<u64> = (0..self.validators).map(|_| numbers.below(8)).collect();
        let services = u128::try_from(self.services).unwrap_or(u128::MAX);
        let share = total
            .saturating_mul(u128::from(self.profit_percent))
            .checked_div(services.saturating_mul(100))
            .unwrap_or_default();
        let service = |index: usize| {
            let group = u64::try_from(index).unwrap_or_default().checked_rem(4).unwrap_or_default();
            let mut on = |validator: &usize| match self.shape {
                Shape::Everywhere => true,
                Shape::Half | Shape::Equal => numbers.below(2) == 0,
                Shape::Sparse => u128::from(numbers.below(1000)).saturating_mul(services) < 3000,
                Shape::Groups => groups.get(*validator).is_some_and(|own| *own == group || *own == 7),
            };
            let validators: BTreeSet<usize> = (0..self.validators).filter(&mut on).collect();
            let threshold = if numbers.below(5) == 0 { Threshold::TWO_THIRDS } else { Threshold::THIRD };
            // Half to one and a half of an equal share.
            let percent = numbers.below(101).saturating_add(50);
            let profit = share.saturating_mul(u128::from(percent)).checked_div(100).unwrap_or_default();
            Service { profit, threshold, validators }
        };
        RestakingGraph::new(stakes, (0..self.services).map(service).collect())
    }
}
