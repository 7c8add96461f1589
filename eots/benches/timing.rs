//! `make timing`: does the time of an operation tell anything of its secret? The method is `dudect`'s
//! (Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?", 2016): two classes of secrets, one
//! secret again and again and random ones, mixed at random; the times are cropped at percentiles, and Welch's
//! t says whether the classes' means differ. Below 4.5, no leak is seen, which is no proof that there is
//! none; above 10, there is one. The two controls show what the measurement can see and what it makes up.
//!
//! The crate `dudect-bencher` (0.7.0) does the same and is maintained. It is not used because it depends on
//! clap 2, because its arguments refuse the `--bench` that `cargo bench` passes, and because it prints its
//! statistics and keeps them to itself, so that no verdict or exit code can be made of them.
//!
//! What is public is the same in both classes, or random in both: heights, messages, and whether a point's y
//! is odd, on which this crate branches as libsecp256k1 does. So all keys here have even y.
//!
//! Arguments: a word, to measure only the rows that contain it.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use eots::secp256k1::rand::{Rng, RngCore, thread_rng};
use eots::secp256k1::{Keypair, SECP256K1};
use eots::{
    AdaptorSignature, Message, Parity, SecretKey, SecretRandomness, XOnlyPublicKey, sign_without_verifying,
};

/// Measurements of an operation that takes a microsecond, and of one that takes some hundred.
const MANY: usize = 400_000;
const FEW: usize = 100_000;
/// Inputs prepared at a time, outside the measured time.
const BATCH: usize = 1000;
/// The t above which to look again, and that above which there is a leak.
const LOOK_AGAIN: f64 = 4.5;
const LEAK: f64 = 10.0;
/// A cropped part with fewer measurements of a class says nothing.
const ENOUGH: usize = 1000;

/// The fixed secret: the number 1, as unlike a random one as can be. Its point, the generator, has even y.
const FIXED: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Fixed,
    Random,
}

fn main() -> ExitCode {
    // `cargo bench` passes a flag of its own.
    let word = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut bench = Bench { word, leaks: 0 };
    println!("{:<46} {:>12} {:>8}", "secret that differs between the classes", "measurements", "|t|");
    let seen = controls(&mut bench);
    signing(&mut bench);
    derivation(&mut bench);
    adaptor(&mut bench);
    if !seen {
        println!("The leaky control went unseen: the other rows say nothing.");
    }
    if seen && bench.leaks == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A comparison that ends at the first difference, which must be seen; and signing with random keys in both
/// classes, which must not.
fn controls(bench: &mut Bench) -> bool {
    let secret = random_bytes();
    let guess = |class| if class == Class::Fixed { secret } else { random_bytes() };
    let leaky = |guess: [u8; 32]| {
        nanoseconds(|| guess.iter().zip(&secret).all(|(a, b)| black_box(a) == black_box(b)))
    };
    let t = max_t(&measure(MANY, guess, |guess| leaky(guess).1));
    let seen = t > LEAK;
    print_row("control, leaky: comparison", MANY, t, if seen { "leak, as it should be" } else { "UNSEEN" });
    let same = |_| (random_key(), random_randomness(), random_bytes());
    bench.row("control, both classes random: sign", MANY, same, sign);
    seen
}

fn signing(bench: &mut Bench) {
    bench.row(
        "sign_without_verifying: key",
        MANY,
        |class| (key(class), random_randomness(), random_bytes()),
        sign,
    );
    let fixed_key = random_key();
    let randomness = |class| match class {
        Class::Fixed => SecretRandomness::dangerous_from_bytes(&FIXED).expect("1 is a secret"),
        Class::Random => random_randomness(),
    };
    bench.row(
        "sign_without_verifying: randomness",
        MANY,
        |class| (fixed_key.clone(), randomness(class), random_bytes()),
        sign,
    );
    // Without the verification, whose time depends on the public key: what it calls before that.
    bench.row(
        "sign_bip340, before it verifies: key",
        FEW,
        |class| (key(class), random_bytes()),
        |(key, digest)| {
            nanoseconds(|| {
                key.lend(|secret| {
                    let keypair = Keypair::from_secret_key(SECP256K1, secret);
                    SECP256K1.sign_schnorr_no_aux_rand(&Message::from_digest(digest), &keypair)
                })
            })
            .1
        },
    );
}

fn derivation(bench: &mut Bench) {
    bench.row(
        "SecretKey::from_bytes: key",
        FEW,
        |class| *key(class).to_bytes(),
        |bytes| nanoseconds(|| SecretKey::from_bytes(&bytes)).1,
    );
    bench.row(
        "SecretRandomness::derive: key",
        FEW,
        |class| (key(class), thread_rng().next_u64()),
        |(key, height)| nanoseconds(|| SecretRandomness::derive(&key, b"bbn-1", height)).1,
    );
}

fn adaptor(bench: &mut Bench) {
    let encryption_key = *random_key().public_key();
    // Without the verification, whose time depends on the public key.
    bench.row(
        "AdaptorSignature::sign_without_verifying: key",
        FEW,
        |class| (key(class), random_bytes(), random_bytes()),
        |(key, message, aux)| {
            nanoseconds(|| {
                AdaptorSignature::sign_without_verifying(
                    &key,
                    &encryption_key,
                    Message::from_digest(message),
                    &aux,
                )
            })
            .1
        },
    );
    let signatures: Vec<_> = (0..64).map(|_| adaptor_signature(&encryption_key)).collect();
    bench.row(
        "AdaptorSignature::decrypt: decryption key",
        MANY,
        |class| (key(class), signatures[thread_rng().gen_range(0..signatures.len())]),
        |(key, signature)| nanoseconds(|| signature.decrypt(&key)).1,
    );
}

fn adaptor_signature(encryption_key: &XOnlyPublicKey) -> AdaptorSignature {
    AdaptorSignature::sign(
        &random_key(),
        encryption_key,
        Message::from_digest(random_bytes()),
        &random_bytes(),
    )
    .expect("a signature")
}

fn sign((key, randomness, message): (SecretKey, SecretRandomness, [u8; 32])) -> f64 {
    nanoseconds(|| sign_without_verifying(&key, randomness, &message)).1
}

fn random_bytes() -> [u8; 32] {
    thread_rng().r#gen()
}

fn random_key() -> SecretKey {
    SecretKey::generate(&mut thread_rng()).with_parity(Parity::Even)
}

fn random_randomness() -> SecretRandomness {
    SecretRandomness::dangerous_from_bytes(&random_bytes()).expect("a random number is a secret")
}

/// Both classes go the same way here, so that they leave the same traces in the caches.
fn key(class: Class) -> SecretKey {
    let random = random_key().to_bytes();
    let bytes = match class {
        Class::Fixed => &FIXED,
        Class::Random => &*random,
    };
    SecretKey::from_bytes(bytes).expect("a secret").with_parity(Parity::Even)
}

struct Bench {
    word: String,
    leaks: usize,
}

impl Bench {
    fn row<I>(&mut self, name: &str, count: usize, prepare: impl Fn(Class) -> I, time: impl Fn(I) -> f64) {
        if !name.contains(&self.word) {
            return;
        }
        let t = max_t(&measure(count, prepare, time));
        let verdict = if t < LOOK_AGAIN {
            "no leak seen"
        } else if t <= LEAK {
            "look again"
        } else {
            self.leaks += 1;
            "leak"
        };
        print_row(name, count, t, verdict);
    }
}

fn print_row(name: &str, count: usize, t: f64, verdict: &str) {
    println!("{name:<46} {count:>12} {t:>8.2}  {verdict}");
}

/// What the work gives, and how long it took. The output is dropped later.
fn nanoseconds<O>(work: impl FnOnce() -> O) -> (O, f64) {
    let start = Instant::now();
    let output = black_box(work());
    let elapsed = start.elapsed();
    (output, elapsed.as_nanos() as f64)
}

/// The times of `count` calls, each of a class chosen at random. The first batch warms up and is not counted.
fn measure<I>(count: usize, prepare: impl Fn(Class) -> I, time: impl Fn(I) -> f64) -> Vec<(Class, f64)> {
    let mut times = Vec::with_capacity(count + BATCH);
    while times.len() < count + BATCH {
        let classes: Vec<_> =
            (0..BATCH).map(|_| if thread_rng().r#gen() { Class::Fixed } else { Class::Random }).collect();
        let inputs: Vec<I> = classes.iter().map(|class| prepare(*class)).collect();
        for (class, input) in classes.into_iter().zip(inputs) {
            times.push((class, time(black_box(input))));
        }
    }
    times.split_off(BATCH)
}

/// The largest |t| of all measurements and of those below each of 100 percentiles, which lie closer to each
/// other towards the top.
fn max_t(times: &[(Class, f64)]) -> f64 {
    let mut sorted: Vec<f64> = times.iter().map(|(_, time)| *time).collect();
    sorted.sort_by(f64::total_cmp);
    let percentiles = (1..=100).map(|i| 1.0 - 0.5_f64.powf(10.0 * f64::from(i) / 100.0));
    let crops = percentiles.map(|part| sorted[(part * (sorted.len() - 1) as f64) as usize]);
    crops
        .chain([f64::INFINITY])
        .filter_map(|crop| welch_t(times, crop))
        .fold(0.0, |most, t| most.max(t.abs()))
}

/// Welch's t of the two classes' times below `crop`; `None` when there are too few.
fn welch_t(times: &[(Class, f64)], crop: f64) -> Option<f64> {
    let moments = |class| {
        let below =
            || times.iter().filter(move |(of, time)| *of == class && *time < crop).map(|(_, time)| *time);
        let count = below().count();
        let mean = below().sum::<f64>() / count as f64;
        let variance = below().map(|time| (time - mean).powi(2)).sum::<f64>() / (count as f64 - 1.0);
        (count >= ENOUGH).then_some((mean, variance / count as f64))
    };
    let ((fixed, fixed_error), (random, random_error)) = (moments(Class::Fixed)?, moments(Class::Random)?);
    let error = fixed_error + random_error;
    // A clock too coarse for the crop leaves one value: nothing to tell apart.
    (error > 0.0).then(|| (fixed - random) / error.sqrt())
}
