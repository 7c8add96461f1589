//! Batch verification: of any mixture of sound and changed votes, it names those that are invalid by themselves.
#![no_main]

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use btcstake_fuzz::key;
use eots::{BatchItem, PublicRandomness, SecretRandomness, Signature, XOnlyPublicKey};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    threads: u8,
    votes: Vec<Picked>,
}

/// A vote, so many times, with bits of one of its parts flipped.
#[derive(Arbitrary, Debug)]
struct Picked {
    vote: u8,
    times: u8,
    part: u8,
    place: u8,
    bits: u8,
}

#[derive(Clone, Debug)]
struct Vote {
    public_key: XOnlyPublicKey,
    public_randomness: PublicRandomness,
    message: [u8; 32],
    signature: Signature,
}

/// The most votes in a batch.
const MOST: usize = 300;

static VOTES: LazyLock<Vec<Vote>> = LazyLock::new(|| (0..64).map(sound).collect());

/// 8 providers at 8 heights each.
fn sound(number: u8) -> Vote {
    let key = key("provider", usize::from(number % 8));
    let randomness = SecretRandomness::derive(&key, b"bbn-1", number.into());
    let (public_randomness, message) = (*randomness.public_randomness(), [number; 32]);
    let signature = eots::sign(&key, randomness, &message).unwrap();
    Vote { public_key: *key.public_key(), public_randomness, message, signature }
}

impl Vote {
    fn changed(&self, picked: &Picked) -> Option<Self> {
        let mut vote = self.clone();
        let flipped = |mut bytes: [u8; 32]| {
            bytes[usize::from(picked.place % 32)] ^= picked.bits;
            bytes
        };
        match picked.part % 4 {
            0 => vote.public_key = XOnlyPublicKey::from_slice(&flipped(vote.public_key.serialize())).ok()?,
            1 => vote.public_randomness = PublicRandomness::from_bytes(flipped(vote.public_randomness.to_bytes())),
            2 => vote.message = flipped(vote.message),
            _ => vote.signature = Signature::from_bytes(flipped(vote.signature.to_bytes())).ok()?,
        }
        Some(vote)
    }

    fn item(&self) -> BatchItem<'_> {
        let Self { public_key, public_randomness, message, signature } = self;
        BatchItem { public_key, public_randomness, message, signature }
    }
}

fuzz_target!(|input: Input| {
    let repeated = input.votes.iter().filter_map(|picked| {
        let sound = &VOTES[usize::from(picked.vote % 64)];
        let vote = sound.changed(picked)?;
        // What is changed in any bit is another's vote, another message or another signature.
        let valid = eots::verify(&vote.public_key, &vote.public_randomness, &vote.message, &vote.signature).is_ok();
        assert_eq!(valid, picked.bits == 0);
        Some(std::iter::repeat_n((vote, valid), usize::from(picked.times % 16) + 1))
    });
    let votes: Vec<_> = repeated.flatten().take(MOST).collect();
    let items: Vec<_> = votes.iter().map(|(vote, _)| vote.item()).collect();
    let invalid: Vec<_> = (0..votes.len()).filter(|index| !votes[*index].1).collect();
    let verdict = eots::verify_batch(&items).map_err(|error| {
        assert_eq!(error.count, votes.len());
        error.invalid
    });
    assert_eq!(verdict, if invalid.is_empty() { Ok(()) } else { Err(invalid.clone()) });
    if input.threads % 16 == 1 {
        let threads = NonZeroUsize::new(2).unwrap();
        assert_eq!(eots::verify_batch_on(threads, &items).map_err(|error| error.invalid), verdict);
    }
});
