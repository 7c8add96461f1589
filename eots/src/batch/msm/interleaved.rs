//! Straus's algorithm: a table of small multiples of every point, from which the signed digits of its number
//! pick.

use super::lists::{Entry, Lists, Workspace};
use super::point::{Point, add_pairs};
use super::{POSITIONS, Term};

/// About how many additions of points it takes.
pub(super) fn additions(width: u32, terms: usize, halves: usize) -> usize {
    let digits = halves.saturating_mul(POSITIONS).div_ceil(digit_distance(width));
    digits.saturating_add(terms.saturating_mul(table_size(width))).saturating_add(POSITIONS)
}

/// On average a signed digit of `width` bits is followed by one zero more than it must be.
fn digit_distance(width: u32) -> usize {
    usize::try_from(width.saturating_add(1)).unwrap_or(usize::MAX)
}

/// The odd numbers below 2^(width − 1).
fn table_size(width: u32) -> usize {
    1_usize.wrapping_shl(width.saturating_sub(2))
}

/// The table entries that the digits pick, listed by the position of the digit.
pub(super) fn by_position(terms: &[Term], width: u32) -> Lists {
    let mut table = odd_multiples(terms, table_size(width));
    let twins_at = table.len();
    let twins: Vec<Point> = table.iter().map(Point::endomorphism).collect();
    table.extend(twins);
    let mut entries = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        for (half, first) in [(term.low, index), (term.high, twins_at.saturating_add(index))] {
            for digit in Digits::new(half.magnitude, width) {
                let row = digit.odd / 2;
                entries.push(Entry {
                    list: digit.position,
                    point: row.saturating_mul(terms.len()).saturating_add(first),
                    negative: digit.negative != half.negative,
                });
            }
        }
    }
    let mut lists = Lists::default();
    lists.sum(&table, &entries, POSITIONS, &mut Workspace::default());
    lists
}

/// All points, then all of them times 3, times 5 and so on.
fn odd_multiples(terms: &[Term], count: usize) -> Vec<Point> {
    let mut products = Vec::new();
    let mut multiples: Vec<Point> = terms.iter().map(|term| term.point).collect();
    let pairs: Vec<_> = multiples.iter().map(|point| [*point; 2]).collect();
    let mut doubles = Vec::new();
    add_pairs(pairs.iter(), &mut products, &mut doubles);
    let mut last = multiples.clone();
    for _ in 1..count {
        let pairs: Vec<_> = last.iter().zip(&doubles).map(|(point, double)| [*point, *double]).collect();
        add_pairs(pairs.iter(), &mut products, &mut last);
        multiples.extend_from_slice(&last);
    }
    multiples
}

/// `± odd · 2^position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digit {
    position: usize,
    odd: usize,
    negative: bool,
}

/// The non-adjacent form of a number with digits of `width` bits: they are odd, below 2^(width − 1), and at
/// least `width` apart.
struct Digits {
    rest: u128,
    width: u32,
    position: usize,
}

impl Digits {
    fn new(number: u128, width: u32) -> Self {
        Self { rest: number, width, position: 0 }
    }

    fn shift(&mut self, bits: u32) {
        self.rest = self.rest.checked_shr(bits).unwrap_or(0);
        self.position = self.position.saturating_add(usize::try_from(bits).unwrap_or(usize::MAX));
    }
}

impl Iterator for Digits {
    type Item = Digit;

    fn next(&mut self) -> Option<Digit> {
        if self.rest == 0 {
            return None;
        }
        self.shift(self.rest.trailing_zeros());
        let position = self.position;
        let modulus = 1_u128.wrapping_shl(self.width);
        let residue = self.rest & modulus.wrapping_sub(1);
        self.shift(self.width);
        // The residue is odd, so it is not half of the modulus.
        let negative = residue > modulus / 2;
        let odd = if negative {
            self.rest = self.rest.saturating_add(1);
            modulus.wrapping_sub(residue)
        } else {
            residue
        };
        Some(Digit { position, odd: usize::try_from(odd).unwrap_or(0), negative })
    }
}
