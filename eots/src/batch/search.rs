//! The invalid items of a batch: none, or found by halving it.

use std::num::NonZeroUsize;

use super::BatchItem;
use super::equation::{Equation, Vote, holds};
use super::workers::on_parts;
use crate::verify::verify;

/// The smallest batch that is faster than one by one.
const SMALLEST_BATCH: usize = 4;
/// A failed part is halved down to this size; its items are then verified one by one.
const LEAF: usize = 8;
/// The most that halving may cost when many are invalid: equations over so many times the batch.
const EFFORT: usize = 3;

/// The indices of the invalid items, ascending.
pub(crate) fn invalid(items: &[BatchItem<'_>], threads: NonZeroUsize) -> Vec<usize> {
    if items.len() < SMALLEST_BATCH {
        return one_by_one(items, (0..items.len()).collect(), threads);
    }
    let equation = Equation::new(items, threads);
    let mut search = Search { threads, effort: items.len().saturating_mul(EFFORT), suspects: Vec::new() };
    if !equation.votes.is_empty() && !holds(&equation.votes, threads) {
        search.halve(&equation.votes);
    }
    let mut invalid = one_by_one(items, search.suspects, threads);
    invalid.extend(equation.off_curve);
    invalid.sort_unstable();
    invalid
}

struct Search {
    threads: NonZeroUsize,
    /// How many more votes the equations may be over.
    effort: usize,
    /// The indices of the items to verify one by one.
    suspects: Vec<usize>,
}

impl Search {
    /// Finds the suspects among votes whose equation does not hold.
    fn halve(&mut self, votes: &[Vote]) {
        if votes.len() <= LEAF || self.effort < votes.len() {
            self.suspects.extend(votes.iter().map(|vote| vote.index));
            return;
        }
        let (first, second) = votes.split_at(votes.len() / 2);
        if self.holds(first) {
            // Then it is the second half that fails.
            self.halve(second);
        } else {
            self.halve(first);
            if !self.holds(second) {
                self.halve(second);
            }
        }
    }

    fn holds(&mut self, votes: &[Vote]) -> bool {
        self.effort = self.effort.saturating_sub(votes.len());
        holds(votes, self.threads)
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
            assert!(equation.off_curve.is_empty());
            assert!(holds(&equation.votes, threads));
        }
        items[77].message = b"another block";
        let votes = Equation::new(&items, threads).votes;
        assert!(!holds(&votes, threads));
        let mut search = Search { threads, effort: 1000, suspects: Vec::new() };
        search.halve(&votes);
        assert!(search.suspects.len() <= LEAF && search.suspects.contains(&77), "{:?}", search.suspects);
        // Without effort left, all of them are verified.
        let mut search = Search { threads, effort: 0, suspects: Vec::new() };
        search.halve(&votes);
        assert_eq!(search.suspects.len(), 250);
    }
}
