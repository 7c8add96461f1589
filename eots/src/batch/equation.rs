//! Signatures as one equation of points.

use std::collections::BTreeMap;

use k256::Scalar;
use secp256k1::XOnlyPublicKey;

use super::coefficients::Transcript;
use super::msm::{Half, Point, Sum, Term, split};
use super::{BatchItem, msm};
use crate::challenge::{challenge, message_digest};
use crate::scalar;

/// What an item brings into the equation.
#[derive(Clone, Copy)]
pub(crate) struct Vote {
    /// Its place in the batch.
    pub(crate) index: usize,
    key: usize,
    public_key: Point,
    randomness: Point,
    coefficient: u128,
    /// The coefficient times the challenge.
    challenge: Scalar,
    /// The coefficient times the signature.
    signature: Scalar,
}

#[cfg(test)]
impl Vote {
    pub(crate) const fn coefficient(&self) -> u128 {
        self.coefficient
    }
}

/// A whole batch.
pub(crate) struct Equation {
    /// The items that enter the equation, in order.
    pub(crate) votes: Vec<Vote>,
    /// The indices of those that cannot, in order: their randomness is no point's x coordinate.
    pub(crate) outside: Vec<usize>,
}

/// An item on its own: hashed and lifted.
struct Part {
    digest: [u8; 32],
    challenge: Scalar,
    signature: Scalar,
    randomness: Option<Point>,
}

impl Equation {
    pub(crate) fn new(items: &[BatchItem<'_>]) -> Self {
        let mut keys = Keys::default();
        let numbers: Vec<(usize, [u8; 32])> = items.iter().map(|item| keys.number(item.public_key)).collect();
        let points = Point::lift_all(&keys.bytes.iter().collect::<Vec<_>>());
        let parts = Part::all(items);

        let mut transcript = Transcript::new();
        for ((item, part), (_, key)) in items.iter().zip(&parts).zip(&numbers) {
            transcript.absorb([key, item.public_randomness.as_bytes(), &part.digest, item.signature.as_bytes()]);
        }

        let (mut votes, mut outside) = (Vec::with_capacity(items.len()), Vec::new());
        let coefficients = transcript.coefficients();
        for (index, ((part, (key, _)), coefficient)) in parts.into_iter().zip(numbers).zip(coefficients).enumerate() {
            // A public key is on the curve, as its type promises.
            let (Some(randomness), Some(Some(public_key))) = (part.randomness, points.get(key)) else {
                outside.push(index);
                continue;
            };
            let a = Scalar::from(coefficient);
            votes.push(Vote {
                index,
                key,
                public_key: *public_key,
                randomness,
                coefficient,
                challenge: a * part.challenge,
                signature: a * part.signature,
            });
        }
        Self { votes, outside }
    }
}

impl Part {
    fn all(items: &[BatchItem<'_>]) -> Vec<Self> {
        let xs: Vec<_> = items.iter().map(|item| item.public_randomness.as_bytes()).collect();
        items.iter().zip(Point::lift_all(&xs)).map(|(item, randomness)| Self::new(item, randomness)).collect()
    }

    fn new(item: &BatchItem<'_>, randomness: Option<Point>) -> Self {
        let digest = message_digest(item.message);
        let e = challenge(item.public_randomness.as_bytes(), item.public_key, &digest);
        Self {
            digest,
            challenge: scalar::public(&e.to_be_bytes()),
            signature: scalar::public(item.signature.as_bytes()),
            randomness,
        }
    }
}

/// `Σ aᵢ·Rᵢ + Σ (Σ aᵢ·eᵢ)·P − (Σ aᵢ·sᵢ)·G` over these votes of a batch, the inner sum in the middle over the votes of one key. It is
/// infinity when they are valid.
pub(crate) fn sum(votes: &[Vote]) -> Sum {
    let randomness = votes.iter().map(|vote| Term {
        point: vote.randomness,
        low: Half { negative: false, magnitude: vote.coefficient },
        high: Half::default(),
    });
    let full_size = |point, number: &Scalar| {
        let (low, high) = split(number);
        Term { point, low, high }
    };
    let mut by_key: Vec<&Vote> = votes.iter().collect();
    by_key.sort_unstable_by_key(|vote| vote.key);
    let keys = by_key.chunk_by(|a, b| a.key == b.key).filter_map(|votes| {
        let sum: Scalar = votes.iter().map(|vote| vote.challenge).sum();
        Some(full_size(votes.first()?.public_key, &sum))
    });
    let signatures: Scalar = votes.iter().map(|vote| vote.signature).sum();
    let generator = full_size(Point::GENERATOR, &-signatures);
    let terms: Vec<Term> = randomness.chain(keys).chain([generator]).collect();
    msm::sum(&terms)
}

/// Different public keys, numbered.
#[derive(Default)]
struct Keys {
    numbers: BTreeMap<[u8; 32], usize>,
    bytes: Vec<[u8; 32]>,
}

impl Keys {
    /// The number of a key, and its bytes.
    fn number(&mut self, key: &XOnlyPublicKey) -> (usize, [u8; 32]) {
        let bytes = key.serialize();
        let number = *self.numbers.entry(bytes).or_insert_with(|| {
            self.bytes.push(bytes);
            self.bytes.len().saturating_sub(1)
        });
        (number, bytes)
    }
}
