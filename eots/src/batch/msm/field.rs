//! Arithmetic modulo p = 2^256 − 2^32 − 977, the field of secp256k1's coordinates, on public numbers.
//!
//! Time depends on the values here, and may: nothing secret ever enters. `k256` has this field too, in
//! constant time and with every multiplication a call; these are a third faster, and the square roots and
//! additions of points that batch verification consists of are nothing but multiplications. The tests judge
//! every operation by `k256`.

#![expect(
    clippy::as_conversions,
    reason = "the halves of a 128-bit product are taken by truncation, which is meant"
)]

use core::ops::{Add, Mul, Neg, Sub};

/// 2^256 mod p.
const FOLD: u64 = 0x1_0000_03d1;

/// A number modulo p in four 64-bit limbs, the lowest first: below 2^256, not always below p.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldElement([u64; 4]);

/// `a·b + c + d`, low and high half. It fits: (2^64 − 1)² + 2·(2^64 − 1) = 2^128 − 1.
#[inline(always)]
const fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = (a as u128).wrapping_mul(b as u128).wrapping_add(c as u128).wrapping_add(d as u128);
    (sum as u64, sum.wrapping_shr(64) as u64)
}

/// `a + b + carry` and the carry out of it.
#[inline(always)]
const fn add_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry as u64);
    (sum, first | second)
}

/// `a − b − borrow` and the borrow out of it.
#[inline(always)]
const fn subtract_borrow(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow as u64);
    (difference, first | second)
}

/// [`FOLD`] or 0, without a branch: in a sum or a difference it would be mispredicted every other time.
#[inline(always)]
fn fold_if(carry: bool) -> u64 {
    core::hint::select_unpredictable(carry, FOLD, 0)
}

/// A number of 512 bits modulo p: the upper half is worth [`FOLD`] times its value, twice.
#[inline(always)]
fn reduce([t0, t1, t2, t3, t4, t5, t6, t7]: [u64; 8]) -> FieldElement {
    let (r0, carry) = multiply_add(t4, FOLD, t0, 0);
    let (r1, carry) = multiply_add(t5, FOLD, t1, carry);
    let (r2, carry) = multiply_add(t6, FOLD, t2, carry);
    let (r3, carry) = multiply_add(t7, FOLD, t3, carry);
    // The carry is at most FOLD, so the next product is below 2^66.
    let (r0, carry) = multiply_add(carry, FOLD, r0, 0);
    let (r1, carry) = r1.overflowing_add(carry);
    let (r2, carry) = add_carry(r2, 0, carry);
    let (r3, carry) = add_carry(r3, 0, carry);
    if carry {
        return overflowed([r0, r1, r2, r3]);
    }
    FieldElement([r0, r1, r2, r3])
}

/// What is left of a number below 2^256 + 2^66 that has lost its 2^256, which almost never happens: too
/// rarely to wait for.
#[cold]
fn overflowed([r0, r1, r2, r3]: [u64; 4]) -> FieldElement {
    let (r0, carry) = r0.overflowing_add(FOLD);
    // It is below 2^66, so the carry ends in the second limb.
    FieldElement([r0, r1.wrapping_add(carry as u64), r2, r3])
}

impl FieldElement {
    pub(crate) const ZERO: Self = Self([0; 4]);
    pub(crate) const ONE: Self = Self([1, 0, 0, 0]);

    /// The limbs as they are, the lowest first.
    pub(crate) const fn from_limbs(limbs: [u64; 4]) -> Self {
        Self(limbs)
    }

    /// The number with these 32 big-endian bytes; `None` when it is not below p.
    pub(crate) fn from_be_bytes(bytes: &[u8; 32]) -> Option<Self> {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_be_bytes(*bytes);
        }
        let element = Self(limbs);
        (element.normalized().0 == limbs).then_some(element)
    }

    /// Its 32 big-endian bytes.
    #[cfg(test)]
    pub(crate) fn to_be_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (bytes, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.normalized().0.iter().rev()) {
            *bytes = limb.to_be_bytes();
        }
        bytes
    }

    /// The same number below p.
    fn normalized(self) -> Self {
        let [a0, a1, a2, a3] = self.0;
        // a ≥ p if and only if a + 2^256 − p carries out of the last limb, and what remains then is a − p.
        let (r0, carry) = a0.overflowing_add(FOLD);
        let (r1, carry) = add_carry(a1, 0, carry);
        let (r2, carry) = add_carry(a2, 0, carry);
        let (r3, carry) = add_carry(a3, 0, carry);
        if carry { Self([r0, r1, r2, r3]) } else { self }
    }

    #[inline(always)]
    pub(crate) fn is_zero(&self) -> bool {
        let [a0, a1, a2, a3] = self.0;
        // 0, or p itself.
        (a0 | a1 | a2 | a3) == 0 || (a0 == FOLD.wrapping_neg() && (a1 & a2 & a3) == u64::MAX)
    }

    pub(crate) fn is_odd(&self) -> bool {
        let [lowest, ..] = self.normalized().0;
        lowest & 1 == 1
    }

    #[inline(always)]
    pub(crate) fn double(&self) -> Self {
        *self + *self
    }

    #[inline(always)]
    pub(crate) fn square(&self) -> Self {
        let [a0, a1, a2, a3] = self.0;
        // The products of two different limbs, once,
        let (t1, carry) = multiply_add(a0, a1, 0, 0);
        let (t2, carry) = multiply_add(a0, a2, carry, 0);
        let (t3, t4) = multiply_add(a0, a3, carry, 0);
        let (t3, carry) = multiply_add(a1, a2, t3, 0);
        let (t4, t5) = multiply_add(a1, a3, t4, carry);
        let (t5, t6) = multiply_add(a2, a3, t5, 0);
        // then doubled,
        let (t1, carry) = t1.overflowing_add(t1);
        let (t2, carry) = add_carry(t2, t2, carry);
        let (t3, carry) = add_carry(t3, t3, carry);
        let (t4, carry) = add_carry(t4, t4, carry);
        let (t5, carry) = add_carry(t5, t5, carry);
        let (t6, carry) = add_carry(t6, t6, carry);
        let t7 = carry as u64;
        // and the squares of the limbs.
        let (t0, high0) = multiply_add(a0, a0, 0, 0);
        let (low1, high1) = multiply_add(a1, a1, 0, 0);
        let (low2, high2) = multiply_add(a2, a2, 0, 0);
        let (low3, high3) = multiply_add(a3, a3, 0, 0);
        let (t1, carry) = t1.overflowing_add(high0);
        let (t2, carry) = add_carry(t2, low1, carry);
        let (t3, carry) = add_carry(t3, high1, carry);
        let (t4, carry) = add_carry(t4, low2, carry);
        let (t5, carry) = add_carry(t5, high2, carry);
        let (t6, carry) = add_carry(t6, low3, carry);
        let (t7, _) = add_carry(t7, high3, carry);
        reduce([t0, t1, t2, t3, t4, t5, t6, t7])
    }

    #[inline(always)]
    fn multiply(&self, other: &Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, other.0);
        let (t0, carry) = multiply_add(a0, b0, 0, 0);
        let (t1, carry) = multiply_add(a0, b1, carry, 0);
        let (t2, carry) = multiply_add(a0, b2, carry, 0);
        let (t3, t4) = multiply_add(a0, b3, carry, 0);
        let (t1, carry) = multiply_add(a1, b0, t1, 0);
        let (t2, carry) = multiply_add(a1, b1, t2, carry);
        let (t3, carry) = multiply_add(a1, b2, t3, carry);
        let (t4, t5) = multiply_add(a1, b3, t4, carry);
        let (t2, carry) = multiply_add(a2, b0, t2, 0);
        let (t3, carry) = multiply_add(a2, b1, t3, carry);
        let (t4, carry) = multiply_add(a2, b2, t4, carry);
        let (t5, t6) = multiply_add(a2, b3, t5, carry);
        let (t3, carry) = multiply_add(a3, b0, t3, 0);
        let (t4, carry) = multiply_add(a3, b1, t4, carry);
        let (t5, carry) = multiply_add(a3, b2, t5, carry);
        let (t6, t7) = multiply_add(a3, b3, t6, carry);
        reduce([t0, t1, t2, t3, t4, t5, t6, t7])
    }

    /// The inverse, `self^(p − 2)`; that of 0 is 0.
    ///
    /// p − 2 in binary: 223 ones, 0, 22 ones, 0000, 1, 0, 11, 0, 1.
    pub(crate) fn invert(self) -> Self {
        let one = Lanes([self]);
        let [two, twenty_two, most] = one.runs();
        let upper = most.append(23, &twenty_two).append(5, &one).append(3, &two).append(2, &one);
        let Lanes([inverse]) = upper;
        inverse
    }

    /// A square root of each, `a^((p + 1)/4)`, where there is one.
    ///
    /// (p + 1)/4 in binary: 223 ones, 0, 22 ones, 0000, 11, 00.
    pub(crate) fn square_roots<const N: usize>(squares: [Self; N]) -> [Option<Self>; N] {
        let one = Lanes(squares);
        let [two, twenty_two, most] = one.runs();
        let Lanes(roots) = most.append(23, &twenty_two).append(6, &two).square_times(2);
        let mut squares = squares.into_iter();
        roots.map(|root| squares.next().filter(|square| (root.square() - *square).is_zero()).map(|_| root))
    }
}

/// Numbers that are raised to the same power side by side: a processor has time for a second squaring while
/// it waits for the first.
#[derive(Clone, Copy)]
struct Lanes<const N: usize>([FieldElement; N]);

impl<const N: usize> Lanes<N> {
    /// `self^(2^times)`: `times` zeros appended to the exponent.
    fn square_times(mut self, times: u32) -> Self {
        for _ in 0..times {
            for element in &mut self.0 {
                *element = element.square();
            }
        }
        self
    }

    /// `self^(2^times) · other`: the `times` lowest bits of the exponent become those of the other's.
    fn append(self, times: u32, other: &Self) -> Self {
        let mut product = self.square_times(times);
        for (element, other) in product.0.iter_mut().zip(&other.0) {
            *element = *element * *other;
        }
        product
    }

    /// The powers 2^2 − 1, 2^22 − 1 and 2^223 − 1: the runs of ones in the exponents that invert and take
    /// roots.
    fn runs(&self) -> [Self; 3] {
        let two = self.append(1, self);
        let three = two.append(1, self);
        let six = three.append(3, &three);
        let nine = six.append(3, &three);
        let eleven = nine.append(2, &two);
        let twenty_two = eleven.append(11, &eleven);
        let forty_four = twenty_two.append(22, &twenty_two);
        let eighty_eight = forty_four.append(44, &forty_four);
        let hundred_seventy_six = eighty_eight.append(88, &eighty_eight);
        let two_hundred_twenty = hundred_seventy_six.append(44, &forty_four);
        [two, twenty_two, two_hundred_twenty.append(3, &three)]
    }
}

impl Add for FieldElement {
    type Output = Self;

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, other.0);
        let (r0, carry) = a0.overflowing_add(b0);
        let (r1, carry) = add_carry(a1, b1, carry);
        let (r2, carry) = add_carry(a2, b2, carry);
        let (r3, carry) = add_carry(a3, b3, carry);
        let (r0, carry) = r0.overflowing_add(fold_if(carry));
        let (r1, carry) = add_carry(r1, 0, carry);
        let (r2, carry) = add_carry(r2, 0, carry);
        let (r3, carry) = add_carry(r3, 0, carry);
        // A number that overflowed a second time is below FOLD: no third.
        Self([r0.wrapping_add(fold_if(carry)), r1, r2, r3])
    }
}

impl Sub for FieldElement {
    type Output = Self;

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (self.0, other.0);
        let (r0, borrow) = a0.overflowing_sub(b0);
        let (r1, borrow) = subtract_borrow(a1, b1, borrow);
        let (r2, borrow) = subtract_borrow(a2, b2, borrow);
        let (r3, borrow) = subtract_borrow(a3, b3, borrow);
        let (r0, borrow) = r0.overflowing_sub(fold_if(borrow));
        let (r1, borrow) = subtract_borrow(r1, 0, borrow);
        let (r2, borrow) = subtract_borrow(r2, 0, borrow);
        let (r3, borrow) = subtract_borrow(r3, 0, borrow);
        // A number that borrowed a second time is not below 2^256 − FOLD: no third.
        Self([r0.wrapping_sub(fold_if(borrow)), r1, r2, r3])
    }
}

impl Neg for FieldElement {
    type Output = Self;

    #[inline(always)]
    fn neg(self) -> Self {
        Self::ZERO - self
    }
}

impl Mul for FieldElement {
    type Output = Self;

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.multiply(&other)
    }
}
