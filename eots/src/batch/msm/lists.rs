//! Lists of points, and their sums by pairwise addition.

use super::field::FieldElement;
use super::point::{Point, add_pairs};

/// One round of additions shares one inversion, which costs as much as this many additions save by it.
const WORTHWHILE_PAIRS: usize = 40;

/// A point to be put into a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Which list.
    pub(crate) list: usize,
    /// Which of the points.
    pub(crate) point: usize,
    /// Whether its negation is meant.
    pub(crate) negative: bool,
}

/// Some lists of finite points, one after the other.
#[derive(Debug)]
pub(crate) struct Lists {
    points: Vec<Point>,
    lengths: Vec<usize>,
}

impl Lists {
    /// `count` lists of the points that the entries name.
    pub(crate) fn gather(points: &[Point], entries: &[Entry], count: usize) -> Self {
        let mut lengths = vec![0_usize; count];
        for entry in entries {
            if let Some(length) = lengths.get_mut(entry.list) {
                *length = length.saturating_add(1);
            }
        }
        let mut next = 0_usize;
        let mut places: Vec<usize> = lengths
            .iter()
            .map(|length| {
                let place = next;
                next = next.saturating_add(*length);
                place
            })
            .collect();
        let mut gathered = vec![Point::INFINITY; next];
        for entry in entries {
            let Some(place) = places.get_mut(entry.list) else { continue };
            if let (Some(slot), Some(point)) = (gathered.get_mut(*place), points.get(entry.point)) {
                *slot = point.negated_if(entry.negative);
            }
            *place = place.saturating_add(1);
        }
        Self { points: gathered, lengths }
    }

    /// Adds up every list. Where it is cheaper, a few lists keep several points, whose sum is meant; a sum of infinity leaves none.
    pub(crate) fn summed(mut self) -> Self {
        let mut products = Vec::new();
        while self.lengths.iter().map(|length| length / 2).sum::<usize>() >= WORTHWHILE_PAIRS {
            self = self.halved(&mut products);
        }
        self
    }

    /// The lists with their points added in pairs; an odd one is kept.
    fn halved(&self, products: &mut Vec<FieldElement>) -> Self {
        let mut pairs = Vec::with_capacity(self.points.len() / 2);
        for list in self.iter() {
            pairs.extend_from_slice(list.as_chunks::<2>().0);
        }
        let sums = add_pairs(&pairs, products);
        let mut sums = sums.as_slice();
        let mut halved =
            Self { points: Vec::with_capacity(self.points.len()), lengths: Vec::with_capacity(self.lengths.len()) };
        for list in self.iter() {
            let (pairs, odd) = list.as_chunks::<2>();
            let Some((mine, rest)) = sums.split_at_checked(pairs.len()) else { break };
            sums = rest;
            let before = halved.points.len();
            halved.points.extend(mine.iter().filter(|sum| !sum.is_infinity()));
            halved.points.extend(odd);
            halved.lengths.push(halved.points.len().saturating_sub(before));
        }
        halved
    }

    /// The lists, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[Point]> {
        Slices { lengths: self.lengths.iter(), points: &self.points }
    }

    /// All their points, in order.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }
}

/// The lists of a [`Lists`], from either end.
struct Slices<'a> {
    lengths: core::slice::Iter<'a, usize>,
    points: &'a [Point],
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [Point];

    fn next(&mut self) -> Option<Self::Item> {
        let (list, rest) = self.points.split_at_checked(*self.lengths.next()?)?;
        self.points = rest;
        Some(list)
    }
}

impl DoubleEndedIterator for Slices<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let length = *self.lengths.next_back()?;
        let (rest, list) = self.points.split_at_checked(self.points.len().checked_sub(length)?)?;
        self.points = rest;
        Some(list)
    }
}
