//! The invalid items of a batch: none, or found by halving it.

use std::num::NonZeroUsize;

use secp256k1::XOnlyPublicKey;

use super::BatchItem;
use super::equation::{Entry, Equation, sum};
use super::msm::Sum;
use crate::workers::on_parts;

/// The smallest batch that is faster than one by one.
const SMALLEST_BATCH: usize = 4;
/// A failed part is halved down to this size; its items are then verified one by one.
const LEAF: usize = 16;
/// The most that halving may cost: equations over so many times the batch. One invalid item takes 1, four
/// take 2 at most, and with many more it is not worth the while.
const EFFORT: usize = 2;

/// The indices of the invalid items, ascending.
///
/// Each thread takes a part of the batch as a batch of its own, so the threads wait for nothing but the end.
/// The items of one key go to one thread, which merges them.
pub(crate) fn invalid(items: &[BatchItem<'_>], threads: NonZeroUsize) -> Vec<usize> {
    if threads == NonZeroUsize::MIN {
        return invalid_in_part(items);
    }
    let mut by_key: Vec<_> =
        items.iter().enumerate().map(|(index, item)| (prefix(item.public_key()), index)).collect();
    by_key.sort_unstable();
    let mut invalid = on_parts(threads, &by_key, |part| {
        let (indices, items): (Vec<_>, Vec<_>) =
            part.iter().filter_map(|(_, index)| Some((*index, *items.get(*index)?))).unzip();
        invalid_in_part(&items)
            .into_iter()
            .filter_map(|index| indices.get(index).copied())
            .collect::<Vec<_>>()
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
    let mut suspects = suspects(&equation.entries);
    suspects.extend(equation.outside);
    suspects.sort_unstable();
    one_by_one(items, suspects)
}

/// The indices of the items that must be verified one by one: none when the equation holds.
fn suspects(entries: &[Entry]) -> Vec<usize> {
    let mut search = Search { effort: entries.len().saturating_mul(EFFORT), suspects: Vec::new() };
    search.halve(entries, &sum(entries));
    search.suspects
}

struct Search {
    /// How many more entries the equations may be over.
    effort: usize,
    suspects: Vec<usize>,
}

impl Search {
    /// Finds the suspects among entries with this sum.
    fn halve(&mut self, entries: &[Entry], total: &Sum) {
        if total.is_infinity() {
            return;
        }
        let (first, second) = entries.split_at(entries.len() / 2);
        if entries.len() <= LEAF || self.effort < first.len() {
            self.suspects.extend(entries.iter().map(|entry| entry.index));
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
    indices.retain(|index| items.get(*index).is_some_and(|item| !item.is_valid()));
    indices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SecretKey, SecretRandomness, sign_without_verifying};

    fn threads(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    /// What is verified one by one after the equation: nothing of a valid batch, and little around an invalid
    /// item.
    #[test]
    fn equation_leaves_few_suspects() {
        let votes: Vec<_> = (0..250_u64)
            .map(|nth| {
                let key = SecretKey::from_bytes(&[u8::try_from(nth % 40 + 1).unwrap(); 32]).unwrap();
                let randomness = SecretRandomness::derive(&key, b"chain", nth);
                let public_randomness = *randomness.public_randomness();
                (
                    *key.public_key(),
                    public_randomness,
                    sign_without_verifying(&key, randomness, b"block").unwrap(),
                )
            })
            .collect();
        let item = |nth: usize, message| {
            let (public_key, public_randomness, signature) = &votes[nth];
            BatchItem::Eots { public_key, public_randomness, message, signature }
        };
        let mut items: Vec<_> = (0..votes.len()).map(|nth| item(nth, b"block")).collect();
        for count in [1, 4, 10, 100, 250] {
            let equation = Equation::new(&items[..count]);
            assert!(equation.outside.is_empty());
            assert!(sum(&equation.entries).is_infinity());
            assert!(suspects(&equation.entries).is_empty());
        }
        for wrong in [0, 77, 124, 125, 249] {
            items[wrong] = item(wrong, b"another block");
            let suspects = suspects(&Equation::new(&items).entries);
            assert!(suspects.len() <= LEAF && suspects.contains(&wrong), "{wrong}: {suspects:?}");
            items[wrong] = item(wrong, b"block");
        }
        // Errors that would cancel under the coefficients of the batch as it was: the forged batch has
        // others.
        let known = Equation::new(&items).entries;
        let factor = |index: usize| k256::Scalar::from(known[index].coefficient());
        let shifted = |index: usize, by: k256::Scalar| {
            let sum = crate::scalar::public(&votes[index].2.to_bytes()) + by;
            crate::Signature::from_bytes(sum.to_bytes().into()).unwrap()
        };
        let (one, ratio) = (k256::Scalar::ONE, factor(1) * factor(2).invert().unwrap());
        let (first, second) = (shifted(1, one), shifted(2, -ratio));
        let mut forged = items.clone();
        for (index, shifted) in [(1, &first), (2, &second)] {
            let BatchItem::Eots { signature, .. } = &mut forged[index] else { panic!("an EOTS") };
            *signature = shifted;
        }
        assert_eq!(invalid(&forged, threads(1)), [1, 2]);
        assert_eq!(invalid(&forged, threads(2)), [1, 2]);
        // When everything is wrong, the search soon gives up.
        let items: Vec<_> = (0..votes.len()).map(|nth| item(nth, b"another block")).collect();
        let entries = Equation::new(&items).entries;
        assert_eq!(suspects(&entries), (0..250).collect::<Vec<_>>());
    }
}
