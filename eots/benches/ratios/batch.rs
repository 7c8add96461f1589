//! Batches beside the same votes one by one: the times are those of a whole batch.

use std::num::NonZeroUsize;

use eots::{BatchItem, PublicRandomness, SecretKey, SecretRandomness, Signature, XOnlyPublicKey};

use crate::measure::Ratio::Speed;
use crate::measure::{Table, each};

const ONE_BY_ONE: &str = "the same, one by one";

/// About 7 ms, as a batch of 1000.
const LOOP: u64 = 20_000_000;

struct Vote {
    public_key: XOnlyPublicKey,
    public_randomness: PublicRandomness,
    message: Vec<u8>,
    signature: Signature,
}

/// `count` votes by `providers`, in turns.
fn votes(count: u64, providers: u64) -> Vec<Vote> {
    let vote = |nth: u64| {
        let mut secret = [1; 32];
        secret[24..].copy_from_slice(&(nth % providers).to_be_bytes());
        let key = SecretKey::from_bytes(&secret).expect("a key");
        let randomness = SecretRandomness::derive(&key, crate::CHAIN_ID, nth);
        let public_randomness = *randomness.public_randomness();
        let message = [[b'c'; 64].as_slice(), &nth.to_be_bytes(), &[0xa; 32]].concat();
        let signature = eots::sign(&key, randomness, &message).expect("a signature");
        Vote { public_key: *key.public_key(), public_randomness, message, signature }
    };
    (0..count).map(vote).collect()
}

fn items(votes: &[Vote]) -> Vec<BatchItem<'_>> {
    fn item(vote: &Vote) -> BatchItem<'_> {
        let Vote { public_key, public_randomness, message, signature } = vote;
        BatchItem::Eots { public_key, public_randomness, message, signature }
    }
    votes.iter().map(item).collect()
}

fn batch(votes: &[Vote], threads: usize) -> impl FnMut(u32) -> f64 {
    let threads = NonZeroUsize::new(threads).expect("not 0");
    each(&[()], move |_| eots::verify_batch_on(threads, &items(votes)).expect("valid"))
}

fn one_by_one(votes: &[Vote]) -> impl FnMut(u32) -> f64 {
    each(&[()], move |_| {
        for vote in votes {
            eots::verify(&vote.public_key, &vote.public_randomness, &vote.message, &vote.signature)
                .expect("valid");
        }
    })
}

/// A loop of a few milliseconds, cut in two for two threads: what this machine gives, whatever the work.
fn loop_on(threads: u64) -> impl FnMut(u32) -> f64 {
    fn turn(times: u64) {
        for nth in 0..times {
            std::hint::black_box(nth);
        }
    }
    each(&[()], move |_| {
        std::thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| turn(LOOP / threads));
            }
            turn(LOOP / threads);
        });
    })
}

pub(crate) fn measure(table: &mut Table) {
    let of_100 = votes(1000, 100);
    table.row(
        "batch of 1000, 100 providers",
        ONE_BY_ONE,
        Speed(Some(3.5)),
        batch(&of_100, 1),
        one_by_one(&of_100),
    );
    let of_1000 = votes(1000, 1000);
    table.row(
        "batch of 1000, as many providers",
        ONE_BY_ONE,
        Speed(Some(2.7)),
        batch(&of_1000, 1),
        one_by_one(&of_1000),
    );
    let of_10 = votes(10, 10);
    table.row(
        "batch of 10, as many providers",
        ONE_BY_ONE,
        Speed(Some(1.3)),
        batch(&of_10, 1),
        one_by_one(&of_10),
    );
    let by_1 = votes(10, 1);
    table.row("batch of 10, one provider", ONE_BY_ONE, Speed(None), batch(&by_1, 1), one_by_one(&by_1));
    table.row("a bare loop on two threads", "the same on one thread", Speed(None), loop_on(2), loop_on(1));
    for (name, votes) in
        [("batch of 1000, 100, two threads", &of_100), ("batch of 1000, 1000, two threads", &of_1000)]
    {
        table.row(name, "the same on one thread", Speed(Some(1.8)), batch(votes, 2), batch(votes, 1));
    }
}
