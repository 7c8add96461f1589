//! A scalar as two of half its length, by the curve's endomorphism (Gallant, Lambert and Vanstone, "Faster
//! Point Multiplication on Elliptic Curves with Efficient Endomorphisms", CRYPTO 2001).

use k256::elliptic_curve::bigint::Encoding;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::scalar::IsHigh;
use k256::{Scalar, U256};

/// A signed number of 128 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Half {
    pub(crate) negative: bool,
    pub(crate) magnitude: u128,
}

// `u + v·λ ≡ 0 (mod n)` for (u, v) = (A1, −MINUS_B1) and (A2, B2): the two shortest vectors of that lattice,
// where λ·(x, y) = (β·x, y).
const LAMBDA: U256 = U256::from_be_hex("5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72");
const MINUS_B1: u128 = 0xe443_7ed6_010e_8828_6f54_7fa9_0abf_e4c3;
const B2: u128 = 0x3086_d221_a7d4_6bcd_e86c_90e4_9284_eb15;
// B2·2^384/n and MINUS_B1·2^384/n, rounded.
const RECIPROCAL1: U256 =
    U256::from_be_hex("3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031");
const RECIPROCAL2: U256 =
    U256::from_be_hex("e4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71");

/// `(u, v)` with `u + v·λ ≡ k (mod n)`.
///
/// Subtracting the lattice point nearest to (k, 0) leaves |u| ≤ (A1 + A2)/2 + 1 and |v| ≤ (MINUS_B1 + B2)/2 +
/// 1, with A1 = B2 and A2 = A1 + MINUS_B1: both are below 0.64·2^128.
pub(crate) fn split(k: &Scalar) -> (Half, Half) {
    let k_integer = U256::from(*k);
    let c1 = Scalar::from(multiply_shift(&k_integer, &RECIPROCAL1));
    let c2 = Scalar::from(multiply_shift(&k_integer, &RECIPROCAL2));
    let v = c1 * Scalar::from(MINUS_B1) - c2 * Scalar::from(B2);
    let u = *k - v * <Scalar as Reduce<U256>>::reduce(LAMBDA);
    (half(u), half(v))
}

/// `a·b/2^384`, rounded.
fn multiply_shift(a: &U256, b: &U256) -> u128 {
    let (_, high) = a.mul_wide(b);
    let [upper, lower] = halves(&high);
    // A product below 2^512 with b well below 2^256: the quotient is below 2^128 − 1, so rounding does not
    // overflow.
    upper.wrapping_add(lower >> 127)
}

/// The number nearest to 0 that is this one modulo n. [`split`] shows that its magnitude is below 2^128.
fn half(scalar: Scalar) -> Half {
    let negative = bool::from(scalar.is_high());
    let [_, magnitude] = halves(&U256::from(if negative { -scalar } else { scalar }));
    Half { negative, magnitude }
}

/// The upper and the lower 128 bits.
fn halves(number: &U256) -> [u128; 2] {
    let mut halves = [0; 2];
    let words = number.to_be_bytes();
    for (half, bytes) in halves.iter_mut().zip(words.as_chunks::<16>().0) {
        *half = u128::from_be_bytes(*bytes);
    }
    halves
}
