//! Exact numbers: ratios of any two amounts, thresholds, slashing rates, and sums of fractions.

use core::cmp::Ordering;
use core::fmt;
use core::num::NonZeroU128;
use core::str::FromStr;

/// A ratio of two amounts, exact. It is compared by cross products of 256 bits.
#[derive(Debug, Clone, Copy)]
pub struct Ratio {
    numerator: u128,
    denominator: NonZeroU128,
}

impl Ratio {
    /// Returns the ratio; `None` when the denominator is 0.
    pub const fn new(numerator: u128, denominator: u128) -> Option<Self> {
        match NonZeroU128::new(denominator) {
            Some(denominator) => Some(Self { numerator, denominator }),
            None => None,
        }
    }

    /// 0.
    pub const ZERO: Self = Self { numerator: 0, denominator: NonZeroU128::MIN };

    /// Returns the numerator, not reduced.
    pub const fn numerator(&self) -> u128 {
        self.numerator
    }

    /// Returns the denominator, not reduced.
    pub const fn denominator(&self) -> u128 {
        self.denominator.get()
    }

    /// Returns the nearest float, to be shown.
    pub fn to_f64(self) -> f64 {
        to_f64(self.numerator) / to_f64(self.denominator.get())
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> Ordering {
        let left = Natural::from(self.numerator).times(other.denominator.get());
        left.cmp(&Natural::from(other.numerator).times(self.denominator.get()))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ratio {}

/// A float near an amount, for figures that are shown and for guesses that are checked in integers
/// afterwards.
#[allow(clippy::as_conversions, reason = "floats are for what is shown or guessed; none decides anything")]
pub(super) fn to_f64(number: u128) -> f64 {
    number as f64
}

/// A natural number of any size: just what sums of fractions take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Natural(Vec<u32>);

impl From<u128> for Natural {
    fn from(number: u128) -> Self {
        let mut limbs: Vec<u32> = number.to_le_bytes().chunks(4).map(limb).collect();
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Self(limbs)
    }
}

fn limb(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |limb, byte| limb << 8 | u32::from(*byte))
}

impl Natural {
    /// Returns the product.
    pub(super) fn times(&self, factor: u128) -> Self {
        let mut sum = Self(Vec::new());
        for (shift, digit) in Self::from(factor).0.into_iter().enumerate() {
            let mut product = vec![0; shift];
            let mut carry = 0_u64;
            for limb in &self.0 {
                let next = u64::from(*limb).wrapping_mul(u64::from(digit)).wrapping_add(carry);
                product.push(low(next));
                carry = next >> 32;
            }
            product.push(low(carry));
            sum = sum.plus(&Self(product));
        }
        sum
    }

    /// Returns the sum.
    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut limbs = Vec::with_capacity(self.0.len().max(other.0.len()));
        let mut carry = 0_u64;
        for index in 0..self.0.len().max(other.0.len()) {
            let digit = |number: &Self| number.0.get(index).copied().map_or(0, u64::from);
            let next = digit(self).wrapping_add(digit(other)).wrapping_add(carry);
            limbs.push(low(next));
            carry = next >> 32;
        }
        limbs.push(low(carry));
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Self(limbs)
    }
}

/// The low half.
fn low(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

impl Ord for Natural {
    fn cmp(&self, other: &Self) -> Ordering {
        // Neither has leading zeros.
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares (1 + slack) times a sum of fractions, each a numerator and a denominator above 0, with 1. It is
/// exact.
pub(super) fn compare_sum_with_one(fractions: &[(u128, u128)], slack: &Ratio) -> Ordering {
    let (mut numerator, mut denominator) = (Natural::from(0), Natural::from(1));
    for (above, below) in fractions {
        // above / below + numerator / denominator, over the product.
        numerator = numerator.times(*below).plus(&denominator.times(*above));
        denominator = denominator.times(*below);
    }
    let sum = numerator.times(slack.numerator()).plus(&numerator.times(slack.denominator()));
    sum.cmp(&denominator.times(slack.denominator()))
}

/// A share of the stake behind a service that corrupts it: above 0, at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "(u32, u32)", into = "(u32, u32)"))]
pub struct Threshold(u32, u32);

/// The error of a share that is 0 or above 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the threshold is {0}/{1}; must be above 0 and at most 1")]
pub struct InvalidThreshold(pub u32, pub u32);

impl Threshold {
    /// A third: with so much, a chain that takes more than two thirds stalls.
    pub const THIRD: Self = Self(1, 3);
    /// Two thirds.
    pub const TWO_THIRDS: Self = Self(2, 3);
    /// All.
    pub const ALL: Self = Self(1, 1);

    /// Returns the share.
    ///
    /// # Errors
    /// [`InvalidThreshold`] when it is 0 or above 1.
    pub const fn new(numerator: u32, denominator: u32) -> Result<Self, InvalidThreshold> {
        if numerator == 0 || numerator > denominator {
            return Err(InvalidThreshold(numerator, denominator));
        }
        Ok(Self(numerator, denominator))
    }

    /// Returns the numerator.
    pub const fn numerator(self) -> u32 {
        self.0
    }

    /// Returns the denominator.
    pub const fn denominator(self) -> u32 {
        self.1
    }

    /// Returns the least whole amount that is at least this share of `total`.
    pub fn of(self, total: u128) -> u128 {
        let (numerator, denominator) = (u128::from(self.0), u128::from(self.1));
        let whole = total.checked_div(denominator).unwrap_or_default().saturating_mul(numerator);
        let rest = total.checked_rem(denominator).unwrap_or_default().saturating_mul(numerator);
        whole.saturating_add(rest.div_ceil(denominator))
    }
}

impl TryFrom<(u32, u32)> for Threshold {
    type Error = InvalidThreshold;

    fn try_from((numerator, denominator): (u32, u32)) -> Result<Self, InvalidThreshold> {
        Self::new(numerator, denominator)
    }
}

impl From<Threshold> for (u32, u32) {
    fn from(Threshold(numerator, denominator): Threshold) -> Self {
        (numerator, denominator)
    }
}

/// A slashing rate with at most four decimals, as the chain has them: 0.001 on mainnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct SlashableShare(u32);

/// In one satoshi there are so many of the units that slashable amounts are exact in.
pub(super) const UNITS_PER_SAT: u32 = 10_000;

/// The error of a text that is no slashing rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a slashing rate: {0:?}; must be above 0 and at most 1, with at most 4 decimals")]
pub struct InvalidSlashableShare(pub String);

impl SlashableShare {
    /// Mainnet's.
    pub const MAINNET: Self = Self(10);

    /// Returns the slashable amount of a stake, stake × rate, in ten-thousandths of a satoshi.
    pub fn of(self, stake_sat: u64) -> u128 {
        u128::from(stake_sat).saturating_mul(u128::from(self.0))
    }
}

impl FromStr for SlashableShare {
    type Err = InvalidSlashableShare;

    fn from_str(text: &str) -> Result<Self, InvalidSlashableShare> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = !whole.is_empty() && [whole, decimals].concat().bytes().all(|b| b.is_ascii_digit());
        let number = (digits && decimals.len() <= 4).then(|| format!("{whole}{decimals:0<4}").parse().ok());
        let number = number.flatten().filter(|number| (1..=UNITS_PER_SAT).contains(number));
        number.map(Self).ok_or_else(|| InvalidSlashableShare(text.to_owned()))
    }
}

impl TryFrom<String> for SlashableShare {
    type Error = InvalidSlashableShare;

    fn try_from(text: String) -> Result<Self, InvalidSlashableShare> {
        text.parse()
    }
}

impl From<SlashableShare> for String {
    fn from(share: SlashableShare) -> Self {
        share.to_string()
    }
}

impl fmt::Display for SlashableShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:04}", self.0 / UNITS_PER_SAT, self.0 % UNITS_PER_SAT)
    }
}
