//! The invalid items of a batch: none, or found by halving it.

use std::num::NonZeroUsize;

use secp256k1::XOnlyPublicKey;

use super::BatchItem;
use super::equation::{Equation, Vote, sum};
use super::msm::Sum;
use crate::verify::verify;
use crate::workers::on_parts;

/// The smallest batch that is faster than one by one.
const SMALLEST_BATCH: usize = 4;
/// A failed part is halved down to this size; its items are then verified one by one.
const LEAF: usize = 16;
/// The most that halving may cost: equations over so many times the batch. One invalid item takes 1, four take 2 at most, and with many
/// more it is not worth the while.
const EFFORT: usize = 2;

/// The indices of the invalid items, ascending.
///
/// Each thread takes a part of the batch as a batch of its own, so the threads wait for nothing but the end. The items of one key go to
/// one thread, which merges them.
pub(crate) fn invalid(items: &[BatchItem<'_>], threads: NonZeroUsize) -> Vec<usize> {
    if threads == NonZeroUsize::MIN {
        return invalid_in_part(items);
    }
    let mut by_key: Vec<_> = items.iter().enumerate().map(|(index, item)| (prefix(item.public_key), index)).collect();
    by_key.sort_unstable();
    let mut invalid = on_parts(threads, &by_key, |part| {
        let (indices, items): (Vec<_>, Vec<_>) =
            part.iter().filter_map(|(_, index)| Some((*index, *items.get(*index)?))).unzip();
        invalid_in_part(&items).into_iter().filter_map(|index| indices.get(index).copied()).collect::<Vec<_>>()
    })
    .concat();
    invalid.sort_unstable();
    invalid
}

/// Enough of a key to bring its items together.
fn prefix(key: &XOnlyPublicKey) -> Option<[u8; 8]> {
    key.serialize().first_chunk().copied()
}

fn invalid_in_part(items: &[BatchItem<'_>]) -> Vec<usize> {
    if items.len() < SMALLEST_BATCH {
        return one_by_one(items, (0..items.len()).collect());
    }
    let equation = Equation::new(items);
    let mut suspects = suspects(&equation.votes);
    suspects.extend(equation.outside);
    suspects.sort_unstable();
    one_by_one(items, suspects)
}

/// The indices of the items that must be verified one by one: none when the equation holds.
fn suspects(votes: &[Vote]) -> Vec<usize> {
    let mut search = Search { effort: votes.len().saturating_mul(EFFORT), suspects: Vec::new() };
    search.halve(votes, &sum(votes));
    search.suspects
}

struct Search {
    /// How many more votes the equations may be over.
    effort: usize,
    suspects: Vec<usize>,
}

impl Search {
    /// Finds the suspects among votes with this sum.
    fn halve(&mut self, votes: &[Vote], total: &Sum) {
        if total.is_infinity() {
            return;
        }
        let (first, second) = votes.split_at(votes.len() / 2);
        if votes.len() <= LEAF || self.effort < first.len() {
            self.suspects.extend(votes.iter().map(|vote| vote.index));
            return;
        }
        self.effort = self.effort.saturating_sub(first.len());
        let first_sum = sum(first);
        self.halve(first, &first_sum);
        self.halve(second, &total.subtract(&first_sum));
    }
}

/// Those of these items that are invalid.
fn one_by_one(items: &[BatchItem<'_>], mut indices: Vec<usize>) -> Vec<usize> {
    indices.retain(|index| {
        items
            .get(*index)
            .is_some_and(|item| verify(item.public_key, item.public_randomness, item.message, item.signature).is_err())
    });
    indices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKey, SecretRandomness, sign_without_verifying};

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    /// What is verified one by one after the equation: nothing of a valid batch, and little around an invalid item.
    #[test]
    fn the_equation_leaves_few_suspects() {
        let votes: Vec<_> = (0..250_u64)
            .map(|nth| {
                let key = SecretKey::from_bytes(&[u8::try_from(nth % 40 + 1).unwrap(); 32]).unwrap();
                let randomness = SecretRandomness::derive(&key, b"chain", nth);
                let public_randomness = *randomness.public_randomness();
                (*key.public_key(), public_randomness, sign_without_verifying(&key, randomness, b"block").unwrap())
            })
            .collect();
        let mut items: Vec<_> = votes
            .iter()
            .map(|(public_key, public_randomness, signature)| BatchItem {
                public_key,
                public_randomness,
                message: b"block",
                signature,
            })
            .collect();
        for count in [1, 4, 10, 100, 250] {
            let equation = Equation::new(&items[..count]);
            assert!(equation.outside.is_empty());
            assert!(sum(&equation.votes).is_infinity());
            assert!(suspects(&equation.votes).is_empty());
        }
        for wrong in [0, 77, 124, 125, 249] {
            let right = core::mem::replace(&mut items[wrong].message, b"another block");
            let suspects = suspects(&Equation::new(&items).votes);
            assert!(suspects.len() <= LEAF && suspects.contains(&wrong), "{wrong}: {suspects:?}");
            items[wrong].message = right;
        }
        // Errors that would cancel under the coefficients of the batch as it was: the forged batch has others.
        let known = Equation::new(&items).votes;
        let factor = |index: usize| k256::Scalar::from(known[index].coefficient());
        let shifted = |index: usize, by: k256::Scalar| {
            let sum = crate::scalar::public(&items[index].signature.to_bytes()) + by;
            crate::Signature::from_bytes(sum.to_bytes().into()).unwrap()
        };
        let (one, ratio) = (k256::Scalar::ONE, factor(1) * factor(2).invert().unwrap());
        let (first, second) = (shifted(1, one), shifted(2, -ratio));
        let mut forged = items.clone();
        (forged[1].signature, forged[2].signature) = (&first, &second);
        assert_eq!(invalid(&forged, threads(1)), [1, 2]);
        assert_eq!(invalid(&forged, threads(2)), [1, 2]);
        // When everything is wrong, the search soon gives up.
        for item in &mut items {
            item.message = b"another block";
        }
        let votes = Equation::new(&items).votes;
        assert_eq!(suspects(&votes), (0..250).collect::<Vec<_>>());
    }
}
