//! The invalid items of a batch: none, or found by halving it.

use std::num::NonZeroUsize;

use super::BatchItem;
use super::equation::{Equation, Vote, sum};
use super::msm::Sum;
use super::workers::on_parts;
use crate::verify::verify;

/// The smallest batch that is faster than one by one.
const SMALLEST_BATCH: usize = 4;
/// A failed part is halved down to this size; its items are then verified one by one.
const LEAF: usize = 16;
/// The most that halving may cost: equations over so many times the batch. One invalid item takes 1, four take 2 at most, and with many
/// more it is not worth the while.
const EFFORT: usize = 2;

/// The indices of the invalid items, ascending.
pub(crate) fn invalid(items: &[BatchItem<'_>], threads: NonZeroUsize) -> Vec<usize> {
    if items.len() < SMALLEST_BATCH {
        return one_by_one(items, (0..items.len()).collect(), threads);
    }
    let equation = Equation::new(items, threads);
    let mut suspects = suspects(&equation.votes, threads);
    suspects.extend(equation.outside);
    suspects.sort_unstable();
    one_by_one(items, suspects, threads)
}

/// The indices of the items that must be verified one by one: none when the equation holds.
fn suspects(votes: &[Vote], threads: NonZeroUsize) -> Vec<usize> {
    let mut search = Search { threads, effort: votes.len().saturating_mul(EFFORT), suspects: Vec::new() };
    search.halve(votes, &sum(votes, threads));
    search.suspects
}

struct Search {
    threads: NonZeroUsize,
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
        let first_sum = sum(first, self.threads);
        self.halve(first, &first_sum);
        self.halve(second, &total.subtract(&first_sum));
    }
}

/// Those of these items that are invalid.
fn one_by_one(items: &[BatchItem<'_>], indices: Vec<usize>, threads: NonZeroUsize) -> Vec<usize> {
    let is_invalid = |index: &&usize| {
        items
            .get(**index)
            .is_some_and(|item| verify(item.public_key, item.public_randomness, item.message, item.signature).is_err())
    };
    on_parts(threads, &indices, |part| part.iter().filter(is_invalid).copied().collect::<Vec<_>>()).concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKey, SecretRandomness, sign_without_verifying};

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
        let threads = NonZeroUsize::MIN;
        for count in [1, 4, 10, 100, 250] {
            let equation = Equation::new(&items[..count], threads);
            assert!(equation.outside.is_empty());
            assert!(sum(&equation.votes, threads).is_infinity());
            assert!(suspects(&equation.votes, threads).is_empty());
        }
        for wrong in [0, 77, 124, 125, 249] {
            let right = core::mem::replace(&mut items[wrong].message, b"another block");
            let suspects = suspects(&Equation::new(&items, threads).votes, threads);
            assert!(suspects.len() <= LEAF && suspects.contains(&wrong), "{wrong}: {suspects:?}");
            items[wrong].message = right;
        }
        // When everything is wrong, the search soon gives up.
        for item in &mut items {
            item.message = b"another block";
        }
        let votes = Equation::new(&items, threads).votes;
        assert_eq!(suspects(&votes, threads), (0..250).collect::<Vec<_>>());
    }
}
