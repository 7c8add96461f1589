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
#[derive(Debug, Default)]
pub(crate) struct Lists {
    points: Vec<Point>,
    lengths: Vec<usize>,
}

/// Memory for additions, used again and again: fresh memory is dearer than an addition.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    products: Vec<FieldElement>,
    sums: Vec<Point>,
    places: Vec<usize>,
    halved: Lists,
}

impl Lists {
    /// Makes this `count` lists of the points that the entries name, and adds up every list. Where it is
    /// cheaper, a few lists keep several points, whose sum is meant; a sum of infinity leaves none.
    pub(crate) fn sum(
        &mut self,
        points: &[Point],
        entries: &[Entry],
        count: usize,
        workspace: &mut Workspace,
    ) {
        self.gather(points, entries, count, &mut workspace.places);
        while self.lengths.iter().map(|length| length / 2).sum::<usize>() >= WORTHWHILE_PAIRS {
            self.halve(workspace);
        }
    }

    fn gather(&mut self, points: &[Point], entries: &[Entry], count: usize, places: &mut Vec<usize>) {
        self.lengths.clear();
        self.lengths.resize(count, 0);
        for entry in entries {
            if let Some(length) = self.lengths.get_mut(entry.list) {
                *length = length.saturating_add(1);
            }
        }
        places.clear();
        let mut next = 0_usize;
        places.extend(self.lengths.iter().map(|length| {
            let place = next;
            next = next.saturating_add(*length);
            place
        }));
        self.points.clear();
        self.points.resize(next, Point::INFINITY);
        for entry in entries {
            let Some(place) = places.get_mut(entry.list) else { continue };
            if let (Some(slot), Some(point)) = (self.points.get_mut(*place), points.get(entry.point)) {
                *slot = point.negated_if(entry.negative);
            }
            *place = place.saturating_add(1);
        }
    }

    /// Adds the points of every list in pairs; an odd one is kept.
    fn halve(&mut self, Workspace { products, sums, halved, .. }: &mut Workspace) {
        add_pairs(self.iter().flat_map(|list| list.as_chunks::<2>().0), products, sums);
        let mut sums = sums.as_slice();
        halved.points.clear();
        halved.lengths.clear();
        for list in self.iter() {
            let (pairs, odd) = list.as_chunks::<2>();
            let Some((mine, rest)) = sums.split_at_checked(pairs.len()) else { break };
            sums = rest;
            let before = halved.points.len();
            halved.points.extend(mine.iter().filter(|sum| !sum.is_infinity()));
            halved.points.extend(odd);
            halved.lengths.push(halved.points.len().saturating_sub(before));
        }
        core::mem::swap(self, halved);
    }

    /// The lists, in order.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[Point]> + Clone {
        Slices { lengths: self.lengths.iter(), points: &self.points }
    }

    /// All their points, in order.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }
}

/// The lists of a [`Lists`], from either end.
#[derive(Clone)]
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
