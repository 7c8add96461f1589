//! How concentrated power is: figures to show in floats, Nakamoto coefficients in integers.
//!
//! Give the power of operators ([`PowerTable::by_operator`](crate::power::PowerTable::by_operator)), not of
//! provider keys: one operator with ten keys looks like ten otherwise.

use super::number::{Ratio, to_f64};

/// What a coalition of the largest can do, and from which share on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Power {
    /// Keep every block from becoming final: a third or more, as the others then have no more than two
    /// thirds.
    Stall,
    /// Make a block final alone: more than two thirds.
    FinalizeAlone,
    /// Be in both of two quorums, so that two blocks become final: more than a third.
    FinalizeTwice,
}

impl Power {
    /// Returns whether `part` of `total` can do it. Nobody can where there is no power.
    pub const fn has(self, part: u128, total: u128) -> bool {
        let three = part.saturating_mul(3);
        match self {
            Self::Stall => total > 0 && three >= total,
            Self::FinalizeAlone => three > total.saturating_mul(2),
            Self::FinalizeTwice => three > total,
        }
    }

    /// Returns the least part of `total` that can do it.
    pub const fn least(self, total: u128) -> u128 {
        match self {
            Self::Stall if total > 0 => total.div_ceil(3),
            Self::Stall => 1,
            Self::FinalizeTwice => (total / 3).saturating_add(1),
            Self::FinalizeAlone => {
                let (third, rest) = (total / 3, total % 3);
                third.saturating_mul(2).saturating_add(rest.saturating_mul(2) / 3).saturating_add(1)
            }
        }
    }
}

/// The powers of a set, descending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concentration {
    descending: Vec<u128>,
    total: u128,
}

impl Concentration {
    /// Returns the figures of these powers; those of 0 are left out.
    pub fn new(powers: impl IntoIterator<Item = u128>) -> Self {
        let mut descending: Vec<u128> = powers.into_iter().filter(|power| *power > 0).collect();
        descending.sort_unstable_by(|a, b| b.cmp(a));
        let total = descending.iter().fold(0, |sum: u128, power| sum.saturating_add(*power));
        Self { descending, total }
    }

    /// Returns how many have power.
    pub fn len(&self) -> usize {
        self.descending.len()
    }

    /// Returns whether nobody has.
    pub fn is_empty(&self) -> bool {
        self.descending.is_empty()
    }

    /// Returns the Nakamoto coefficient: the least number of the largest that together can do it; `None`
    /// where nobody has power.
    pub fn nakamoto(&self, power: Power) -> Option<usize> {
        let mut sum = 0_u128;
        let reached = self.descending.iter().position(|part| {
            sum = sum.saturating_add(*part);
            power.has(sum, self.total)
        });
        reached.map(|index| index.saturating_add(1))
    }

    /// Returns the share of the `count` largest; `None` where nobody has power.
    pub fn top_share(&self, count: usize) -> Option<Ratio> {
        let top = self.descending.iter().take(count).fold(0, |sum: u128, power| sum.saturating_add(*power));
        Ratio::new(top, self.total)
    }

    fn shares(&self) -> impl Iterator<Item = f64> + '_ {
        self.descending.iter().map(|power| to_f64(*power) / to_f64(self.total))
    }

    fn count(&self) -> f64 {
        to_f64(u128::try_from(self.descending.len()).unwrap_or(u128::MAX))
    }

    /// Returns the Herfindahl-Hirschman index, Σ (100 · share)², up to 10 000. Older guidelines call above
    /// 1500 concentrated, above 2500 highly so.
    pub fn hhi(&self) -> f64 {
        self.shares().map(|share| (100.0 * share) * (100.0 * share)).sum()
    }

    /// Returns the Gini coefficient, Σ (2i − n − 1)·x_(i) / (n·Σx) over powers ascending, i from 1: 0 when
    /// all are equal, at most (n − 1)/n.
    pub fn gini(&self) -> f64 {
        if self.is_empty() {
            return 0.0;
        }
        let n = self.count();
        let (sum, _) = self.shares().fold((0.0, n), |(sum, rank), share| {
            // Descending, so that the first has the rank n.
            (sum + (2.0 * rank - n - 1.0) * share, rank - 1.0)
        });
        sum / n
    }

    /// Returns the Theil index, (1/n) Σ (x/μ)·ln(x/μ): 0 when all are equal, at most ln n.
    pub fn theil(&self) -> f64 {
        let n = self.count();
        // x/μ is n times the share.
        self.shares().map(|share| share * (n * share).ln()).sum()
    }

    /// Returns the Shannon entropy, −Σ p·log2 p, in bits.
    pub fn shannon_bits(&self) -> f64 {
        0.0 - self.shares().map(|share| share * share.log2()).sum::<f64>()
    }

    /// Returns the Rényi entropy of an order, log2(Σ p^α) / (1 − α), in bits; at 1 it is Shannon's.
    pub fn renyi_bits(&self, order: f64) -> f64 {
        if self.is_empty() || (order - 1.0).abs() < 1e-12 {
            return self.shannon_bits();
        }
        self.shares().map(|share| share.powf(order)).sum::<f64>().log2() / (1.0 - order)
    }

    /// Returns the min-entropy, −log2 of the largest share, in bits.
    pub fn min_entropy_bits(&self) -> f64 {
        self.shares().next().map_or(0.0, |largest| 0.0 - largest.log2())
    }
}
