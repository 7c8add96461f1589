//! What a randomness commitment costs beside as many keys of libsecp256k1 and beside the reference, as ratios
//! measured in one run: `cargo bench --profile dev --package btcstake-finality --bench ratios`.
//!
//! Arguments: a word, to measure only the rows that contain it; `--strict`, to exit with 1 when a target is
//! missed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

#[allow(dead_code, reason = "some of the harness is for other benches")]
#[path = "../../eots/benches/ratios/measure.rs"]
mod measure;
#[path = "../../eots/benches/ratios/reference.rs"]
mod reference;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use finality::eots::SecretKey;
use finality::eots::secp256k1::{self, Keypair, SECP256K1};
use finality::{ConsumerHeight, RandomnessSchedule, RandomnessTree};
use measure::Ratio::{Speed, Time};
use measure::{Table, each};
use reference::Reference;

const CHAIN_ID: &[u8] = b"bbn-1";
/// How many heights are committed to at once, and on how many threads.
const COMMITTED: u32 = 50_000;
const CORES: NonZeroUsize = NonZeroUsize::new(2).unwrap();

const REFERENCE: &str = "the reference, in Go";

fn main() -> ExitCode {
    Table::of_arguments(measure_all)
}

fn measure_all(table: &mut Table) {
    let key = SecretKey::from_bytes(&[7; 32]).expect("a key");
    // A whole commitment on every core, beside as many keys on one thread.
    let schedule = RandomnessSchedule::new(ConsumerHeight(1), COMMITTED, 1).expect("a schedule");
    let commit = || {
        each(&[()], |()| {
            RandomnessTree::derive(&key, CHAIN_ID, schedule, CORES, |_| {}).map(|tree| tree.commitment())
        })
    };
    let generate_keys = each(&[()], |()| {
        for number in 1..=COMMITTED {
            let secret = [&[1; 28], number.to_be_bytes().as_slice()].concat();
            let secret = secp256k1::SecretKey::from_slice(&secret).expect("a key");
            std::hint::black_box(Keypair::from_secret_key(SECP256K1, &secret));
        }
    });
    table.row(
        "commitment, 50 000, 2 threads",
        "50 000 keys, one thread",
        Time(Some(0.6)),
        commit(),
        generate_keys,
    );

    let Some(reference) = Reference::start() else { return };
    // Ours is a list of 50 000 heights, counted by the thousand; the reference makes as many lists of a
    // thousand.
    let (mut commit, thousands) = (commit(), f64::from(COMMITTED) / 1000.0);
    let commit = move |passes| commit(passes) / thousands;
    table.row("commitment, by the 1000", REFERENCE, Speed(Some(4.0)), commit, reference.side("commit_1000"));
}
