//! Batches: the verdict is that of single verification, item by item.

use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::{order_minus, small};
use crate::{
    BatchError, BatchItem, PublicRandomness, SecretKey, SecretRandomness, Signature, XOnlyPublicKey, sign,
    verify, verify_batch, verify_batch_on,
};

#[derive(Clone, Debug, PartialEq)]
struct Vote {
    public_key: XOnlyPublicKey,
    public_randomness: PublicRandomness,
    message: Vec<u8>,
    signature: Signature,
}

impl Vote {
    fn item(&self) -> BatchItem<'_> {
        let Self { public_key, public_randomness, message, signature } = self;
        BatchItem::Eots { public_key, public_randomness, message, signature }
    }

    fn is_valid(&self) -> bool {
        verify(&self.public_key, &self.public_randomness, &self.message, &self.signature).is_ok()
    }

    /// With another number added to the signature.
    fn shifted(&mut self, by: &[u8; 32]) {
        let sum = crate::scalar::public(&self.signature.to_bytes()) + crate::scalar::public(by);
        self.signature = Signature::from_bytes(sum.to_bytes().into()).unwrap();
    }
}

/// `count` valid votes by `providers` keys, of both parities.
fn votes(count: usize, providers: usize) -> Vec<Vote> {
    let vote = |nth: usize| {
        let key = SecretKey::from_bytes(&[(nth % providers % 250) as u8 + 1; 32]).unwrap();
        let randomness = SecretRandomness::derive(&key, b"batch", nth as u64);
        let public_randomness = *randomness.public_randomness();
        let message = vec![nth as u8; nth % 150];
        let signature = sign(&key, randomness, &message).unwrap();
        Vote { public_key: *key.public_key(), public_randomness, message, signature }
    };
    (0..count).map(vote).collect()
}

/// The batch verdict on one thread, checked to be the same on several and to be that of single verification.
fn judged(votes: &[Vote]) -> Vec<usize> {
    let items: Vec<_> = votes.iter().map(Vote::item).collect();
    let alone: Vec<usize> = (0..votes.len()).filter(|index| !votes[*index].is_valid()).collect();
    let expected = if alone.is_empty() {
        Ok(())
    } else {
        Err(BatchError { invalid: alone.clone(), count: votes.len() })
    };
    assert_eq!(verify_batch(&items), expected);
    for threads in [2, 3, 64] {
        assert_eq!(verify_batch_on(NonZeroUsize::new(threads).unwrap(), &items), expected);
    }
    alone
}

/// What is done to a vote.
#[derive(Clone, Debug)]
enum Harm {
    FlipSignature(usize),
    FlipRandomness(usize),
    FlipMessage(usize),
    FlipKey(usize),
    Randomness([u8; 32]),
    Signature([u8; 32]),
    /// The signature of another vote.
    Swap(usize),
    /// Another vote as a whole: no harm.
    Repeat(usize),
}

fn any_harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        2 => (0..256_usize).prop_map(Harm::FlipSignature),
        2 => (0..256_usize).prop_map(Harm::FlipRandomness),
        2 => any::<usize>().prop_map(Harm::FlipMessage),
        2 => (0..256_usize).prop_map(Harm::FlipKey),
        1 => prop_oneof![Just([0xff; 32]), Just(small(5)), Just(small(0)), any::<[u8; 32]>()]
            .prop_map(Harm::Randomness),
        1 => prop_oneof![Just(small(0)), Just(small(1)), Just(order_minus(1)), Just(order_minus(2))]
            .prop_map(Harm::Signature),
        2 => any::<usize>().prop_map(Harm::Swap),
        2 => any::<usize>().prop_map(Harm::Repeat),
    ]
}

fn flipped(mut bytes: [u8; 32], bit: usize) -> [u8; 32] {
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

fn apply(votes: &mut [Vote], index: usize, harm: Harm) {
    let other = |nth: usize| votes[nth % votes.len()].clone();
    let mut vote = votes[index].clone();
    match harm {
        Harm::FlipSignature(bit) => {
            vote.signature =
                Signature::from_bytes(flipped(vote.signature.to_bytes(), bit)).unwrap_or(vote.signature);
        }
        Harm::FlipRandomness(bit) => {
            vote.public_randomness =
                PublicRandomness::from_bytes(flipped(vote.public_randomness.to_bytes(), bit));
        }
        Harm::FlipMessage(bit) => match vote.message.len() {
            0 => vote.message.push(0),
            length => vote.message[bit / 8 % length] ^= 1 << (bit % 8),
        },
        Harm::FlipKey(bit) => {
            let bytes = flipped(vote.public_key.serialize(), bit);
            vote.public_key = XOnlyPublicKey::from_slice(&bytes).unwrap_or(vote.public_key);
        }
        Harm::Randomness(bytes) => vote.public_randomness = PublicRandomness::from_bytes(bytes),
        Harm::Signature(bytes) => vote.signature = Signature::from_bytes(bytes).unwrap(),
        Harm::Swap(nth) => vote.signature = other(nth).signature,
        Harm::Repeat(nth) => vote = other(nth),
    }
    votes[index] = vote;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn batch_agrees_with_single_verification(
        count in 0..200_usize,
        providers in prop_oneof![Just(1_usize), Just(3), Just(20), Just(1000)],
        harms in prop::collection::vec((any::<usize>(), any_harm()), 0..12),
    ) {
        let mut votes = votes(count, providers);
        prop_assert!(judged(&votes).is_empty());
        if count > 0 {
            for (index, harm) in harms {
                apply(&mut votes, index % count, harm);
            }
            judged(&votes);
        }
    }

    /// One wrong vote in batches of all small sizes, at every place.
    #[test]
    fn batch_names_the_only_invalid_item(count in 1..40_usize, place in any::<usize>(), bit in 0..256_usize) {
        let mut votes = votes(count, 7);
        let place = place % count;
        apply(&mut votes, place, Harm::FlipRandomness(bit));
        prop_assert_eq!(judged(&votes), [place]);
    }

    /// Errors that cancel in a sum without coefficients, or with small ones.
    #[test]
    fn batch_errors_do_not_cancel(
        count in 2..60_usize,
        delta: [u8; 32],
        places in any::<[usize; 2]>(),
        factor in 1..4_u64,
    ) {
        let delta = crate::scalar::public(&delta);
        prop_assume!(delta != k256::Scalar::ZERO);
        let [first, second] = places.map(|place| place % count);
        prop_assume!(first != second);
        let mut votes = votes(count, 5);
        votes[first].shifted(&delta.to_bytes().into());
        votes[second].shifted(&(-(delta * k256::Scalar::from(factor))).to_bytes().into());
        let mut expected = [first, second];
        expected.sort_unstable();
        prop_assert_eq!(judged(&votes), expected);
    }
}

#[test]
fn batch_without_items_is_valid() {
    assert_eq!(verify_batch(&[]), Ok(()));
    assert_eq!(verify_batch_on(NonZeroUsize::MAX, &[]), Ok(()));
}

#[test]
fn batch_of_each_size_up_to_the_first_thresholds_is_valid() {
    let votes = votes(130, 130);
    for count in 0..votes.len() {
        let items: Vec<_> = votes.iter().take(count).map(Vote::item).collect();
        assert_eq!(verify_batch(&items), Ok(()));
    }
}

#[test]
fn batch_of_a_thousand_votes_names_the_few_wrong_ones() {
    let mut votes = votes(1000, 100);
    let wrong = [0, 1, 499, 500, 998, 999];
    for index in wrong {
        votes[index].shifted(&small(1));
    }
    assert_eq!(judged(&votes), wrong);
}

/// The same item many times over: every sum meets equal points.
#[test]
fn batch_of_repeated_items_names_the_wrong_ones() {
    let mut same = vec![votes(1, 1).remove(0); 300];
    assert!(judged(&same).is_empty());
    same[299].shifted(&small(1));
    same[7] = same[299].clone();
    assert_eq!(judged(&same), [7, 299]);
}

/// Wrong from end to end: named in full, and without trying forever.
#[test]
fn batch_without_a_valid_item_names_all() {
    let mut all = votes(260, 30);
    for vote in &mut all {
        vote.message.push(0);
    }
    assert_eq!(judged(&all), (0..260).collect::<Vec<_>>());
    for vote in &mut all {
        vote.public_randomness = PublicRandomness::from_bytes([0xff; 32]);
    }
    assert_eq!(judged(&all), (0..260).collect::<Vec<_>>());
}

/// Randomness that is the key or the base point, and its negation: points that cancel inside the equation.
#[test]
fn batch_with_points_that_meet_in_the_equation_is_judged() {
    let mut all = votes(60, 2);
    let generator = PublicRandomness::from_bytes(secp256k1::constants::GENERATOR_X);
    for nth in 0..20 {
        all[3 * nth].public_randomness = PublicRandomness::from_bytes(all[3 * nth].public_key.serialize());
        all[3 * nth + 1].public_randomness = generator;
    }
    assert_eq!(judged(&all).len(), 40);
    // The secret randomness 1 is a valid one, whose point is the base point.
    let key = SecretKey::from_bytes(&small(1)).unwrap();
    for nth in 0..20_u8 {
        let randomness = SecretRandomness::dangerous_from_bytes(&small(1)).unwrap();
        let message = vec![nth];
        let signature = sign(&key, randomness, &message).unwrap();
        all.push(Vote { public_key: *key.public_key(), public_randomness: generator, message, signature });
    }
    assert_eq!(judged(&all).len(), 40);
    assert!(judged(&all[60..]).is_empty());
}

#[test]
fn batch_error_lists_the_invalid_items() {
    let error = BatchError { invalid: vec![1, 4], count: 9 };
    assert_eq!(error.to_string(), "2 of 9 signatures do not verify: number 1, 4");
    let error = BatchError { invalid: (0..12).collect(), count: 12 };
    assert_eq!(
        error.to_string(),
        "12 of 12 signatures do not verify: number 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …"
    );
}
