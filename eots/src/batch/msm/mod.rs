//! Multi-scalar multiplication: the sum of many points, each times a number of its own. Everything here is
//! public, so time may depend on it.
//!
//! Two algorithms, by size; which and with what window is the cheaper of both by a count of their additions:
//! - few points: multiples of every point, picked by signed digits of several bits ([`interleaved`], after
//!   Straus);
//! - many points: points of equal digits added up first ([`buckets`], after Pippenger).
//!
//! Either way the work is to add up lists of points, and affine additions in pairs that share one inversion
//! are the cheapest there are ([`lists`]). Numbers of 256 bits are halved first ([`split()`]).

mod buckets;
mod field;
mod interleaved;
mod lists;
mod point;
mod split;
#[cfg(test)]
mod tests;

use lists::Lists;
pub(crate) use point::{Jacobian as Sum, Point};
pub(crate) use split::{Half, split};

/// Bits of a [`Half`], and one for the carry of its signed digits.
const POSITIONS: usize = 129;

/// `(low + high·λ) · point`, of a finite point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Term {
    pub(crate) point: Point,
    pub(crate) low: Half,
    pub(crate) high: Half,
}

/// How to add them up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// Signed digits of at most this many bits, each followed by that many zeros.
    Interleaved { width: u32 },
    /// Windows of this many bits.
    Buckets { width: u32 },
}

impl Algorithm {
    /// The cheapest for these terms.
    pub(crate) fn cheapest(terms: &[Term]) -> Self {
        let twins = terms.iter().filter(|term| term.high.magnitude != 0).count();
        let halves = terms.len().saturating_add(twins);
        let interleaved = (3..=6)
            .map(|width| (interleaved::additions(width, terms.len(), halves), Self::Interleaved { width }));
        let buckets = (4..=14).map(|width| (buckets::additions(width, halves), Self::Buckets { width }));
        let cheapest = interleaved.chain(buckets).min_by_key(|(additions, _)| *additions);
        cheapest.map_or(Self::Interleaved { width: 4 }, |(_, algorithm)| algorithm)
    }
}

/// The sum of the terms.
pub(crate) fn sum(terms: &[Term]) -> Sum {
    sum_by(Algorithm::cheapest(terms), terms)
}

fn sum_by(algorithm: Algorithm, terms: &[Term]) -> Sum {
    let lists = match algorithm {
        Algorithm::Interleaved { width } => interleaved::by_position(terms, width),
        Algorithm::Buckets { width } => buckets::by_position(terms, width),
    };
    add_positions(&lists)
}

/// `Σ 2^i · (the points of list i)`: Horner's rule.
fn add_positions(lists: &Lists) -> Sum {
    lists
        .iter()
        .rev()
        .fold(Sum::INFINITY, |sum, position| position.iter().fold(sum.double(), |sum, point| sum.add(point)))
}
