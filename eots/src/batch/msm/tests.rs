//! The field is judged by the big integers beneath `k256`, points and sums of multiples by `k256` itself.

#![allow(clippy::arithmetic_side_effects, clippy::as_conversions)]

use k256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use k256::{AffinePoint, EncodedPoint, ProjectivePoint, Scalar, U256};
use proptest::prelude::*;

use super::field::FieldElement;
use super::lists::{Entry, Lists, Workspace};
use super::point::{Jacobian, Point};
use super::{Algorithm, Half, Term, split, sum, sum_by};
use crate::scalar::public;

const P: U256 = U256::from_be_hex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f");
const P_LIMBS: [u64; 4] = [0xffff_fffe_ffff_fc2f, u64::MAX, u64::MAX, u64::MAX];

/// Limbs, the edges of each and of the whole often among them; all that are not below p are allowed too.
fn any_limbs() -> impl Strategy<Value = [u64; 4]> {
    let limb = || {
        prop_oneof![
            3 => any::<u64>(),
            1 => 0..3_u64,
            2 => Just(u64::MAX),
            1 => (0..0x1_0000_1000_u64).prop_map(|n| u64::MAX - n),
        ]
    };
    prop_oneof![
        8 => [limb(), limb(), limb(), limb()],
        1 => (0..=0x1_0000_03d0_u64).prop_map(|n| [P_LIMBS[0] + n, u64::MAX, u64::MAX, u64::MAX]),
        1 => (0..4_u64).prop_map(|n| [P_LIMBS[0] - n, u64::MAX, u64::MAX, u64::MAX]),
        1 => (0..4_u64).prop_map(|n| [n, 0, 0, 0]),
    ]
}

fn element(limbs: [u64; 4]) -> (FieldElement, U256) {
    (FieldElement::from_limbs(limbs), U256::from_words(limbs).const_rem(&P).0)
}

fn value(element: FieldElement) -> U256 {
    U256::from_be_slice(&element.to_be_bytes())
}

fn product(a: &U256, b: &U256) -> U256 {
    U256::const_rem_wide(a.mul_wide(b), &P).0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn field_is_that_of_integers_modulo_p(a in any_limbs(), b in any_limbs()) {
        let ((a, a_value), (b, b_value)) = (element(a), element(b));
        prop_assert_eq!(value(a), a_value);
        prop_assert_eq!(value(a + b), a_value.add_mod(&b_value, &P));
        prop_assert_eq!(value(a - b), a_value.sub_mod(&b_value, &P));
        prop_assert_eq!(value(-a), U256::ZERO.sub_mod(&a_value, &P));
        prop_assert_eq!(value(a.double()), a_value.add_mod(&a_value, &P));
        prop_assert_eq!(value(a * b), product(&a_value, &b_value));
        prop_assert_eq!(value(a.square()), product(&a_value, &a_value));
        prop_assert_eq!(a.is_zero(), a_value == U256::ZERO);
        prop_assert_eq!((a - a).is_zero(), true);
        prop_assert_eq!((a - b).is_zero(), a_value == b_value);
        prop_assert_eq!(a.is_odd(), a_value.to_words()[0] & 1 == 1);
    }
}

/// 32 bytes, with those of field elements at the edges, and what is none.
fn any_x() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![
        any::<[u8; 32]>(),
        any_limbs().prop_map(|limbs| FieldElement::from_limbs(limbs).to_be_bytes()),
        Just([0xff; 32]),
        Just([0; 32]),
    ]
}

proptest! {
    #[test]
    fn inverses_and_roots_are_of_their_number(a in any_limbs(), b in any_limbs()) {
        let ((a, a_value), (b, _)) = (element(a), element(b));
        let expected = if a_value == U256::ZERO { U256::ZERO } else { U256::ONE };
        prop_assert_eq!(value(a * a.invert()), expected);
        // Of a number and its negation exactly one is a square, because −1 is none.
        let [root, negated, square] = FieldElement::square_roots([b, -b, a.square()]);
        prop_assert!(b.is_zero() || root.is_some() != negated.is_some());
        prop_assert!(root.is_none_or(|root| (root.square() - b).is_zero()));
        prop_assert!(negated.is_none_or(|root| (root.square() + b).is_zero()));
        let square = square.unwrap();
        prop_assert!((square - a).is_zero() || (square + a).is_zero());
    }

    #[test]
    fn bytes_below_p_are_numbers(limbs in any_limbs()) {
        let number = U256::from_words(limbs);
        let mut bytes = [0; 32];
        for (bytes, limb) in bytes.chunks_mut(8).zip(limbs.iter().rev()) {
            bytes.copy_from_slice(&limb.to_be_bytes());
        }
        let element = FieldElement::from_be_bytes(&bytes);
        prop_assert_eq!(element.is_some(), number < P);
        prop_assert!(element.is_none_or(|element| element.to_be_bytes() == bytes));
    }

    /// The points are libsecp256k1's, and so is the verdict that there is none.
    #[test]
    fn lift_all_gives_the_points_on_the_curve(xs in prop::collection::vec(any_x(), 0..6)) {
        let lifted = Point::lift_all(&xs.iter().collect::<Vec<_>>());
        prop_assert_eq!(lifted.len(), xs.len());
        for (x, point) in xs.iter().zip(lifted) {
            let compressed = [[2].as_slice(), x].concat();
            let expected = secp256k1::PublicKey::from_slice(&compressed).ok();
            let expected = expected.map(|key| key.serialize_uncompressed());
            let point = point.map(|point| [[4].as_slice(), point.to_be_bytes().concat().as_slice()].concat());
            prop_assert_eq!(point.as_deref(), expected.as_ref().map(|key| key.as_slice()));
        }
    }
}

/// Scalars, with the edges of the whole range and of its halves.
fn any_scalar() -> impl Strategy<Value = Scalar> {
    let half = Scalar::from(2_u64).invert().unwrap();
    prop_oneof![
        6 => any::<[u8; 32]>().prop_map(|bytes| public(&bytes)),
        1 => (0..4_u64).prop_map(Scalar::from),
        1 => (0..4_u64).prop_map(|n| -Scalar::from(n)),
        1 => any::<u128>().prop_map(Scalar::from),
        1 => (0..4_u128).prop_map(|n| Scalar::from(u128::MAX - n)),
        1 => (0..4_u128).prop_map(|n| -Scalar::from(u128::MAX - n)),
        1 => (0..4_u64).prop_map(move |n| half + Scalar::from(n) - Scalar::from(2_u64)),
        1 => (0..256_u32).prop_map(|n| (0..n).fold(Scalar::ONE, |power, _| power + power)),
        1 => (0..4_u64, 0..4_u64).prop_map(|(u, v)| Scalar::from(u) - lambda() * Scalar::from(v)),
    ]
}

fn any_half() -> impl Strategy<Value = Half> {
    let magnitude = prop_oneof![
        4 => any::<u128>(),
        1 => 0..5_u128,
        1 => (0..5_u128).prop_map(|n| u128::MAX - n),
        2 => (0..128_u32, any::<bool>()).prop_map(|(bits, less)| (1_u128 << bits) - u128::from(less)),
        1 => Just(0x8080_8080_8080_8080_8080_8080_8080_8080),
        1 => Just(u128::MAX / 3),
    ];
    (any::<bool>(), magnitude).prop_map(|(negative, magnitude)| Half { negative, magnitude })
}

/// A primitive third root of unity, found as the scalar of the endomorphism and not as the constant under
/// test.
fn lambda() -> Scalar {
    let (low, high) = split(&Scalar::from(u128::MAX));
    (Scalar::from(u128::MAX) - scalar(low)) * scalar(high).invert().unwrap()
}

fn scalar(half: Half) -> Scalar {
    let magnitude = Scalar::from(half.magnitude);
    if half.negative { -magnitude } else { magnitude }
}

fn to_k256(point: Point) -> ProjectivePoint {
    if point.is_infinity() {
        return ProjectivePoint::IDENTITY;
    }
    let [x, y] = point.to_be_bytes();
    let encoded = EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false);
    ProjectivePoint::from(AffinePoint::from_encoded_point(&encoded).unwrap())
}

fn jacobian_to_k256(point: Jacobian) -> ProjectivePoint {
    if point.is_infinity() { ProjectivePoint::IDENTITY } else { to_k256(point.to_affine()) }
}

/// A multiple of the base point.
fn multiple(number: u64) -> Point {
    let affine = (ProjectivePoint::GENERATOR * Scalar::from(number)).to_affine().to_encoded_point(false);
    let x: [u8; 32] = (*affine.x().unwrap()).into();
    let odd = affine.y().unwrap()[31] & 1 == 1;
    Point::lift_all(&[&x])[0].unwrap().negated_if(odd)
}

#[test]
fn endomorphism_multiplies_by_lambda() {
    let lambda = lambda();
    assert_eq!(lambda * lambda + lambda + Scalar::ONE, Scalar::ZERO);
    assert_eq!(to_k256(Point::GENERATOR), ProjectivePoint::GENERATOR);
    for number in 1..20 {
        let point = multiple(number);
        assert_eq!(to_k256(point), ProjectivePoint::GENERATOR * Scalar::from(number));
        assert_eq!(to_k256(point.endomorphism()), to_k256(point) * lambda);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    /// What `split` promises, its bound included: a magnitude of more than 128 bits would be cut off.
    #[test]
    fn halves_make_up_their_scalar(k in any_scalar()) {
        let (low, high) = split(&k);
        prop_assert_eq!(scalar(low) + scalar(high) * lambda(), k);
        prop_assert!(low.magnitude < 0xa400_0000_0000_0000_0000_0000_0000_0000);
        prop_assert!(high.magnitude < 0xa400_0000_0000_0000_0000_0000_0000_0000);
    }
}

/// Terms over few points, so that equal and opposite ones meet in one list.
fn any_terms(most: usize) -> impl Strategy<Value = Vec<Term>> {
    let few = prop_oneof![3 => 1..4_u64, 1 => 1..1000_u64];
    let high = prop_oneof![1 => Just(Half::default()), 1 => any_half()];
    let term = (few, any::<bool>(), any_half(), high).prop_map(|(number, negate, low, high)| Term {
        point: multiple(number).negated_if(negate),
        low,
        high,
    });
    prop::collection::vec(term, 0..most)
}

fn expected(terms: &[Term]) -> ProjectivePoint {
    let lambda = lambda();
    terms.iter().map(|term| to_k256(term.point) * (scalar(term.low) + scalar(term.high) * lambda)).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn algorithms_all_add_up(terms in any_terms(40)) {
        let expected = expected(&terms);
        for width in 2..=8 {
            let found = sum_by(Algorithm::Interleaved { width }, &terms);
            prop_assert_eq!(jacobian_to_k256(found), expected, "interleaved, width {}", width);
        }
        for width in 2..=12 {
            let found = sum_by(Algorithm::Buckets { width }, &terms);
            prop_assert_eq!(jacobian_to_k256(found), expected, "buckets, width {}", width);
        }
    }

    /// Terms and their negations make infinity, on the way as well as at the end.
    #[test]
    fn opposite_terms_cancel(terms in any_terms(30), seed: u64) {
        let mut all = terms.clone();
        all.extend(terms.iter().map(|term| Term { point: term.point.negated_if(true), ..*term }));
        let by_hash = |term: &Term| term.low.magnitude.wrapping_mul(u128::from(seed | 1));
        all.sort_by_key(by_hash);
        for algorithm in [
            Algorithm::Interleaved { width: 4 },
            Algorithm::Buckets { width: 5 },
            Algorithm::Buckets { width: 10 },
        ] {
            prop_assert!(sum_by(algorithm, &all).is_infinity());
        }
        prop_assert!(sum(&all).is_infinity());
        let difference = sum(&all[..terms.len()]).subtract(&sum(&all[terms.len()..]));
        let expected = expected(&all[..terms.len()]) - expected(&all[terms.len()..]);
        prop_assert_eq!(jacobian_to_k256(difference), expected);
    }

    #[test]
    fn lists_are_added_up(picks in prop::collection::vec((0..5_usize, 0..4_usize, any::<bool>()), 0..700)) {
        let points = [1, 1, 2, 3].map(multiple);
        let entries = picks.iter().map(|&(list, point, negative)| Entry { list, point, negative });
        let entries: Vec<_> = entries.collect();
        let mut lists = Lists::default();
        lists.sum(&points, &entries, 5, &mut Workspace::default());
        prop_assert_eq!(lists.iter().count(), 5);
        prop_assert_eq!(lists.iter().map(<[Point]>::len).sum::<usize>(), lists.points().len());
        for (nth, list) in lists.iter().enumerate() {
            let found: ProjectivePoint = list.iter().map(|point| to_k256(*point)).sum();
            let of_list = entries.iter().filter(|entry| entry.list == nth);
            let expected: ProjectivePoint =
                of_list.map(|entry| to_k256(points[entry.point].negated_if(entry.negative))).sum();
            prop_assert_eq!(found, expected);
        }
        let mut backwards: Vec<_> = lists.iter().rev().map(<[Point]>::as_ptr_range).collect();
        backwards.reverse();
        prop_assert_eq!(lists.iter().map(<[Point]>::as_ptr_range).collect::<Vec<_>>(), backwards);
    }
}

/// Larger sums, at sizes around which the algorithm and its window change.
#[test]
fn sum_of_sizes_that_cross_the_thresholds_adds_up() {
    let half = |n: u128| Half {
        negative: n.is_multiple_of(3),
        magnitude: n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
    };
    let points: Vec<Point> = (1..60).map(multiple).collect();
    let mut seen = Vec::new();
    for size in [0, 1, 2, 3, 10, 30, 45, 60, 80, 100, 150, 200, 300, 500, 700, 1000, 1500, 2200, 3000] {
        let terms: Vec<Term> = (0..size as u128)
            .map(|n| Term {
                point: points[n as usize % points.len()],
                low: half(n + 1),
                high: if n.is_multiple_of(2) { half(n + 7) } else { Half::default() },
            })
            .collect();
        let algorithm = Algorithm::cheapest(&terms);
        if !seen.contains(&algorithm) {
            seen.push(algorithm);
        }
        let found = jacobian_to_k256(sum_by(algorithm, &terms));
        assert_eq!(found, expected(&terms), "{size} terms, {algorithm:?}");
    }
    assert!(seen.iter().any(|algorithm| matches!(algorithm, Algorithm::Interleaved { .. })));
    let widths = seen.iter().filter(|algorithm| matches!(algorithm, Algorithm::Buckets { .. })).count();
    assert!(widths >= 4, "{seen:?}");
}
