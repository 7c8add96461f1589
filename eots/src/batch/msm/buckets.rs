//! Pippenger's algorithm: for every window of the numbers, the points with the same digit are added up first.
//!
//! With S(d) the sum of the points with the digit d, a window is worth Σ d·S(d). Here d = r·2^h + c, so that
//! is Σ r·2^h·(Σ S over a row) + Σ c·(Σ S over a column), and the rows and columns are few enough to be added
//! up bit by bit of r and c. The bits of all windows end as lists by position, and every step before is a sum
//! of lists.

use super::lists::{Entry, Lists, Workspace};
use super::point::Point;
use super::{POSITIONS, Term};

/// As many points are added up at once, of several windows if one has fewer: enough to share an inversion,
/// and few enough for the processor's cache.
const POINTS_AT_ONCE: usize = 3000;

/// About how many additions of points it takes.
pub(super) fn additions(width: u32, halves: usize) -> usize {
    let windows = Windows::new(width);
    let rows_and_columns = 1_usize.wrapping_shl(width.div_ceil(2)).saturating_mul(4);
    let window = halves.saturating_add(windows.largest_digit()).saturating_add(rows_and_columns);
    windows.count.saturating_mul(window).saturating_add(POSITIONS)
}

/// The sums of rows and columns, listed by the position of the bits of their numbers.
pub(super) fn by_position(terms: &[Term], width: u32) -> Lists {
    let windows = Windows::new(width);
    let mut points = Vec::with_capacity(terms.len().saturating_mul(2));
    let mut numbers = Vec::with_capacity(terms.len().saturating_mul(2));
    for term in terms {
        points.push(term.point);
        numbers.push(windows.number(term.low.magnitude, term.low.negative));
        if term.high.magnitude != 0 {
            points.push(term.point.endomorphism());
            numbers.push(windows.number(term.high.magnitude, term.high.negative));
        }
    }
    let at_once = POINTS_AT_ONCE.div_ceil(points.len().max(1));
    let all: Vec<usize> = (0..windows.count).collect();
    let mut memory = Memory::default();
    let mut bits = Bits::default();
    for group in all.chunks(at_once) {
        windows.fill_buckets(group, &points, &numbers, &mut memory);
        windows.add_rows_and_columns(group, &mut memory, &mut bits);
    }
    let mut lists = Lists::default();
    lists.sum(&bits.points, &bits.entries, POSITIONS, &mut memory.workspace);
    lists
}

/// How numbers of 128 bits are cut: signed digits of `width` bits, save the last, which is not signed and
/// takes what is left.
#[derive(Clone, Copy, Debug)]
struct Windows {
    width: u32,
    count: usize,
    /// Half of the base at every signed digit: added to a number, it makes its digits unsigned, each too
    /// large by that half.
    bias: u128,
}

/// A number with [`Windows::bias`] added, the carry beyond 128 bits, and its sign.
#[derive(Clone, Copy, Debug)]
struct Number {
    biased: u128,
    carry: bool,
    negative: bool,
}

/// What is needed for every group of windows anew.
#[derive(Default)]
struct Memory {
    entries: Vec<Entry>,
    buckets: Lists,
    rows_and_columns: Lists,
    workspace: Workspace,
}

/// Sums that count once for every bit that is set in their number, at the position of that bit.
#[derive(Default)]
struct Bits {
    points: Vec<Point>,
    entries: Vec<Entry>,
}

impl Bits {
    fn extend(&mut self, points: &[Point], number: usize, position: usize) {
        for point in points {
            let at = self.points.len();
            self.points.push(*point);
            let mut rest = number;
            while rest != 0 {
                let list =
                    position.saturating_add(usize::try_from(rest.trailing_zeros()).unwrap_or(usize::MAX));
                self.entries.push(Entry { list, point: at, negative: false });
                rest &= rest.wrapping_sub(1);
            }
        }
    }
}

impl Windows {
    fn new(width: u32) -> Self {
        let count = 128_u32.div_ceil(width);
        let half = 1_u128.wrapping_shl(width.saturating_sub(1));
        let bias = (1..count).fold(0, |bias, _| bias << width | half);
        Self { width, count: usize::try_from(count).unwrap_or(usize::MAX), bias }
    }

    fn number(&self, magnitude: u128, negative: bool) -> Number {
        let (biased, carry) = magnitude.overflowing_add(self.bias);
        Number { biased, carry, negative }
    }

    /// The position of the window's lowest bit.
    fn position(&self, window: usize) -> u32 {
        u32::try_from(window).map_or(u32::MAX, |window| window.saturating_mul(self.width))
    }

    /// Bits of the last window.
    fn last_width(&self) -> u32 {
        128_u32.saturating_sub(self.position(self.count.saturating_sub(1)))
    }

    /// The largest magnitude of a digit.
    fn largest_digit(&self) -> usize {
        let signed = 1_usize.wrapping_shl(self.width.saturating_sub(1));
        signed.max(1_usize.wrapping_shl(self.last_width()))
    }

    /// The digit of a number: its magnitude, and whether it is negative.
    fn digit(&self, number: &Number, window: usize) -> (usize, bool) {
        let shifted = number.biased.checked_shr(self.position(window)).unwrap_or(0);
        if window.saturating_add(1) == self.count {
            let carry = u128::from(number.carry).wrapping_shl(self.last_width());
            return (usize::try_from(shifted | carry).unwrap_or(0), number.negative);
        }
        let half = 1_usize.wrapping_shl(self.width.saturating_sub(1));
        let mask = 1_u128.wrapping_shl(self.width).wrapping_sub(1);
        let digit = usize::try_from(shifted & mask).unwrap_or(0);
        (digit.abs_diff(half), (digit < half) != number.negative)
    }

    /// For each of some windows, the sums of the points by digit; digit 0 has a list too, which stays empty.
    fn fill_buckets(&self, windows: &[usize], points: &[Point], numbers: &[Number], memory: &mut Memory) {
        let Memory { entries, buckets, workspace, .. } = memory;
        let lists = self.largest_digit().saturating_add(1);
        entries.clear();
        for (nth, window) in windows.iter().enumerate() {
            let first = nth.saturating_mul(lists);
            for (point, number) in numbers.iter().enumerate() {
                let (digit, negative) = self.digit(number, *window);
                if digit != 0 {
                    entries.push(Entry { list: first.saturating_add(digit), point, negative });
                }
            }
        }
        buckets.sum(points, entries, lists.saturating_mul(windows.len()), workspace);
    }

    /// Adds up the rows and the columns of the buckets, and takes them apart into bits.
    fn add_rows_and_columns(&self, windows: &[usize], memory: &mut Memory, bits: &mut Bits) {
        let Memory { entries, buckets, rows_and_columns, workspace } = memory;
        let column_bits = self.width / 2;
        let columns = 1_usize.wrapping_shl(column_bits);
        let digits = self.largest_digit().saturating_add(1);
        let lists = columns.saturating_add(digits.div_ceil(columns));
        entries.clear();
        let mut point = 0_usize;
        let mut in_order = buckets.iter();
        for nth in 0..windows.len() {
            let first = nth.saturating_mul(lists);
            for (digit, bucket) in in_order.by_ref().take(digits).enumerate() {
                let (row, column) = (digit.wrapping_shr(column_bits), digit & columns.wrapping_sub(1));
                for _ in bucket {
                    if column != 0 {
                        entries.push(Entry { list: first.saturating_add(column), point, negative: false });
                    }
                    if row != 0 {
                        let list = first.saturating_add(columns).saturating_add(row);
                        entries.push(Entry { list, point, negative: false });
                    }
                    point = point.saturating_add(1);
                }
            }
        }
        rows_and_columns.sum(buckets.points(), entries, lists.saturating_mul(windows.len()), workspace);
        let mut sums = rows_and_columns.iter();
        for window in windows {
            let position = usize::try_from(self.position(*window)).unwrap_or(usize::MAX);
            for (nth, sum) in sums.by_ref().take(lists).enumerate() {
                match nth.checked_sub(columns) {
                    None => bits.extend(sum, nth, position),
                    Some(row) => {
                        let row_position = usize::try_from(column_bits).unwrap_or(usize::MAX);
                        bits.extend(sum, row, position.saturating_add(row_position));
                    }
                }
            }
        }
    }
}
