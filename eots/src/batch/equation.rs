//! Signatures as one equation of points.

use std::collections::{BTreeMap, BTreeSet};

use k256::Scalar;
use secp256k1::{Parity, XOnlyPublicKey};

use super::coefficients::Transcript;
use super::item::Parts;
use super::msm::{Half, Point, Sum, Term, split};
use super::{BatchItem, msm};
use crate::challenge::challenge;
use crate::scalar;

/// What an item brings into the equation.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    /// Its place in the batch.
    pub(crate) index: usize,
    randomness: Point,
    coefficient: u128,
    /// The public key, times the coefficient and the challenge.
    public_key: KeyTerm,
    /// Of an adaptor signature: the encryption key, times the coefficient or its negation.
    encryption_key: Option<KeyTerm>,
    /// The coefficient times the signature.
    signature: Scalar,
}

/// A key, times a number.
#[derive(Clone, Copy)]
struct KeyTerm {
    /// The key's own number in the batch.
    key: usize,
    point: Point,
    times: Scalar,
}

#[cfg(test)]
impl Entry {
    pub(crate) const fn coefficient(&self) -> u128 {
        self.coefficient
    }
}

/// A whole batch.
pub(crate) struct Equation {
    /// The items that enter the equation, in order.
    pub(crate) entries: Vec<Entry>,
    /// The indices of those that cannot, in order: their randomness is no point's x coordinate, or the
    /// equation would not say what single verification does.
    pub(crate) outside: Vec<usize>,
}

impl Equation {
    pub(crate) fn new(items: &[BatchItem<'_>]) -> Self {
        let items: Vec<Parts<'_>> = items.iter().map(BatchItem::parts).collect();
        let keys = Keys::of(&items);
        let randomness = Point::lift_all(&items.iter().map(|item| &item.randomness).collect::<Vec<_>>());

        let mut transcript = Transcript::new();
        items.iter().for_each(|item| transcript.absorb(item));
        let coefficients = transcript.coefficients();

        let (mut entries, mut outside) = (Vec::with_capacity(items.len()), Vec::new());
        for (index, ((item, randomness), coefficient)) in
            items.iter().zip(randomness).zip(coefficients).enumerate()
        {
            match randomness.and_then(|randomness| Entry::new(index, item, randomness, &keys, coefficient)) {
                Some(entry) => entries.push(entry),
                None => outside.push(index),
            }
        }
        Self { entries, outside }
    }
}

impl Entry {
    fn new(
        index: usize,
        item: &Parts<'_>,
        randomness: Point,
        keys: &Keys,
        coefficient: u128,
    ) -> Option<Self> {
        if !item.fits() {
            return None;
        }
        let a = Scalar::from(coefficient);
        let e = challenge(&item.randomness, item.public_key, &item.message);
        let encryption_key = match item.encryption {
            // −T on the right side where R0 has even y, and T where it has odd.
            Some((key, Parity::Even)) => Some(keys.times(key, -a)?),
            Some((key, Parity::Odd)) => Some(keys.times(key, a)?),
            None => None,
        };
        Some(Self {
            index,
            randomness,
            coefficient,
            public_key: keys.times(item.public_key, a * scalar::public(&e.to_be_bytes()))?,
            encryption_key,
            signature: a * scalar::public(&item.signature),
        })
    }
}

/// `Σ aᵢ·Rᵢ + Σ (aᵢ·eᵢ)·Pᵢ ∓ Σ aᵢ·Tᵢ − (Σ aᵢ·sᵢ)·G` over these entries of a batch, the numbers of one key
/// added up first. It is infinity when they are valid.
pub(crate) fn sum(entries: &[Entry]) -> Sum {
    let randomness = entries.iter().map(|entry| Term {
        point: entry.randomness,
        low: Half { negative: false, magnitude: entry.coefficient },
        high: Half::default(),
    });
    let full_size = |point, number: &Scalar| {
        let (low, high) = split(number);
        Term { point, low, high }
    };
    let mut by_key: Vec<&KeyTerm> = entries
        .iter()
        .flat_map(|entry| [Some(&entry.public_key), entry.encryption_key.as_ref()])
        .flatten()
        .collect();
    by_key.sort_unstable_by_key(|term| term.key);
    let keys = by_key.chunk_by(|a, b| a.key == b.key).filter_map(|terms| {
        let sum: Scalar = terms.iter().map(|term| term.times).sum();
        Some(full_size(terms.first()?.point, &sum))
    });
    let signatures: Scalar = entries.iter().map(|entry| entry.signature).sum();
    let generator = full_size(Point::GENERATOR, &-signatures);
    let terms: Vec<Term> = randomness.chain(keys).chain([generator]).collect();
    msm::sum(&terms)
}

/// The different keys of a batch.
struct Keys(BTreeMap<[u8; 32], (usize, Point)>);

impl Keys {
    fn of(items: &[Parts<'_>]) -> Self {
        let keys = items.iter().flat_map(|item| [Some(item.public_key), item.encryption.map(|(key, _)| key)]);
        let different: BTreeSet<[u8; 32]> = keys.flatten().map(XOnlyPublicKey::serialize).collect();
        let points = Point::lift_all(&different.iter().collect::<Vec<_>>());
        let numbered = different.iter().zip(points).enumerate();
        Self(numbered.filter_map(|(number, (key, point))| Some((*key, (number, point?)))).collect())
    }

    /// There is every key of the batch: a key is on the curve, as its type guarantees.
    fn times(&self, key: &XOnlyPublicKey, times: Scalar) -> Option<KeyTerm> {
        let (key, point) = *self.0.get(&key.serialize())?;
        Some(KeyTerm { key, point, times })
    }
}
