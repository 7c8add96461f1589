//! Points of secp256k1, y² = x³ + 7, on public data: affine ones for the sums, Jacobian ones for the last
//! Horner step.

use super::field::FieldElement;

/// A primitive third root of unity modulo p: `(β·x, y) = λ·(x, y)`.
const BETA: FieldElement = FieldElement::from_limbs([
    0xc139_6c28_7195_01ee,
    0x9cf0_4975_12f5_8995,
    0x6e64_479e_ac34_34e9,
    0x7ae9_6a2b_657c_0710,
]);

/// An affine point, or infinity: (0, 0), which is not on the curve. No point has y = 0, because the group's
/// order is odd.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    x: FieldElement,
    y: FieldElement,
}

impl Point {
    pub(crate) const INFINITY: Self = Self { x: FieldElement::ZERO, y: FieldElement::ZERO };

    /// The base point of the group, which has an even y coordinate.
    pub(crate) const GENERATOR: Self = Self {
        x: FieldElement::from_limbs([
            0x59f2_815b_16f8_1798,
            0x029b_fcdb_2dce_28d9,
            0x55a0_6295_ce87_0b07,
            0x79be_667e_f9dc_bbac,
        ]),
        y: FieldElement::from_limbs([
            0x9c47_d08f_fb10_d4b8,
            0xfd17_b448_a685_5419,
            0x5da4_fbfc_0e11_08a8,
            0x483a_da77_26a3_c465,
        ]),
    };

    /// The points with these x coordinates and even y coordinates (`lift_x` of BIP-340), where there are any.
    pub(crate) fn lift_all(xs: &[&[u8; 32]]) -> Vec<Option<Self>> {
        let (pairs, odd) = xs.as_chunks::<2>();
        pairs
            .iter()
            .flat_map(|pair| Self::lift(*pair))
            .chain(odd.iter().flat_map(|x| Self::lift([*x])))
            .collect()
    }

    fn lift<const N: usize>(xs: [&[u8; 32]; N]) -> [Option<Self>; N] {
        // An x that is not below p has no point, whatever the root is.
        let xs = xs.map(FieldElement::from_be_bytes);
        let squares = xs.map(|x| {
            let x = x.unwrap_or(FieldElement::ZERO);
            x.square() * x + FieldElement::from_limbs([7, 0, 0, 0])
        });
        let mut xs = xs.into_iter();
        FieldElement::square_roots(squares).map(|y| {
            let (x, y) = (xs.next().flatten()?, y?);
            Some(Self { x, y }.negated_if(y.is_odd()))
        })
    }

    pub(crate) fn is_infinity(&self) -> bool {
        self.y.is_zero()
    }

    #[inline(always)]
    pub(crate) fn negated_if(self, negate: bool) -> Self {
        if negate { Self { x: self.x, y: -self.y } } else { self }
    }

    /// λ times the point.
    pub(crate) fn endomorphism(&self) -> Self {
        Self { x: self.x * BETA, y: self.y }
    }

    /// The coordinates, below p.
    #[cfg(test)]
    pub(crate) fn to_be_bytes(self) -> [[u8; 32]; 2] {
        [self.x.to_be_bytes(), self.y.to_be_bytes()]
    }
}

/// How two finite points are added: the slope of the line through them.
enum Line {
    /// Different x coordinates.
    Chord { rise: FieldElement, run: FieldElement },
    /// The same point.
    Tangent { rise: FieldElement, run: FieldElement },
    /// Opposite points: their sum is infinity.
    Vertical,
}

impl Line {
    #[inline(always)]
    fn through(a: &Point, b: &Point) -> Self {
        let run = b.x - a.x;
        if !run.is_zero() {
            return Self::Chord { rise: b.y - a.y, run };
        }
        if !(b.y - a.y).is_zero() {
            return Self::Vertical;
        }
        let square = a.x.square();
        Self::Tangent { rise: square.double() + square, run: a.y.double() }
    }

    #[inline(always)]
    fn run(&self) -> FieldElement {
        match self {
            Self::Chord { run, .. } | Self::Tangent { run, .. } => *run,
            Self::Vertical => FieldElement::ONE,
        }
    }
}

/// Adds the points of every pair, none of them infinity, with one inversion for all (Montgomery's trick): six
/// multiplications a pair.
///
/// `products` is memory to work in, and `sums` is replaced by the sums, in order.
pub(crate) fn add_pairs<'a>(
    pairs: impl DoubleEndedIterator<Item = &'a [Point; 2]> + Clone,
    products: &mut Vec<FieldElement>,
    sums: &mut Vec<Point>,
) {
    // Two products, of every other run: a processor has time for the second while it waits for the first.
    let [mut product, mut other] = [FieldElement::ONE; 2];
    products.clear();
    products.extend(pairs.clone().map(|[a, b]| {
        let before = product;
        (product, other) = (other, product * Line::through(a, b).run());
        before
    }));
    let inverse = (product * other).invert();
    let [mut inverse, mut other_inverse] = [inverse * other, inverse * product];
    sums.clear();
    sums.resize(products.len(), Point::INFINITY);
    for ((sum, before), [a, b]) in sums.iter_mut().zip(&*products).rev().zip(pairs.rev()) {
        let line = Line::through(a, b);
        let run_inverse = other_inverse * *before;
        (inverse, other_inverse) = (other_inverse * line.run(), inverse);
        let (Line::Chord { rise, .. } | Line::Tangent { rise, .. }) = line else { continue };
        let slope = rise * run_inverse;
        let x = slope.square() - a.x - b.x;
        *sum = Point { x, y: slope * (a.x - x) - a.y };
    }
}

/// A point as (X, Y, Z) with x = X/Z² and y = Y/Z³; infinity has Z = 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jacobian {
    x: FieldElement,
    y: FieldElement,
    z: FieldElement,
}

impl Jacobian {
    pub(crate) const INFINITY: Self =
        Self { x: FieldElement::ONE, y: FieldElement::ONE, z: FieldElement::ZERO };

    pub(crate) fn is_infinity(&self) -> bool {
        self.z.is_zero()
    }

    pub(crate) fn double(&self) -> Self {
        // y = 0 never happens; infinity doubled keeps Z = 0.
        let yy = self.y.square();
        let s = (self.x * yy).double().double();
        let xx = self.x.square();
        let m = xx.double() + xx;
        let x = m.square() - s.double();
        let y = m * (s - x) - yy.square().double().double().double();
        Self { x, y, z: (self.y * self.z).double() }
    }

    /// Adds a finite point.
    pub(crate) fn add(&self, other: &Point) -> Self {
        if self.is_infinity() {
            return Self { x: other.x, y: other.y, z: FieldElement::ONE };
        }
        let zz = self.z.square();
        let run = other.x * zz - self.x;
        let rise = other.y * zz * self.z - self.y;
        if run.is_zero() {
            return if rise.is_zero() { self.double() } else { Self::INFINITY };
        }
        let run_squared = run.square();
        let run_cubed = run_squared * run;
        let v = self.x * run_squared;
        let x = rise.square() - run_cubed - v.double();
        Self { x, y: rise * (v - x) - self.y * run_cubed, z: self.z * run }
    }

    /// Subtracts another sum.
    pub(crate) fn subtract(&self, other: &Self) -> Self {
        if other.is_infinity() { *self } else { self.add(&other.to_affine().negated_if(true)) }
    }

    /// The affine point of one that is not infinity.
    pub(crate) fn to_affine(self) -> Point {
        let inverse = self.z.invert();
        let square = inverse.square();
        Point { x: self.x * square, y: self.y * square * inverse }
    }
}
