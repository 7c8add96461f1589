//! The time of finding marks in a block, as a ratio to that of deserializing its transactions, and that of
//! verifying a checkpoint, as a ratio to the pairing check alone, measured in one run: `cargo bench
//! --profile dev --package btcstake-spv --features checkpoints,test-utils --bench anchors`.
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

mod blocks;
mod checkpoints;
#[path = "../../../eots/benches/ratios/measure.rs"]
mod measure;

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use bitcoin::Block;
use bitcoin::consensus::encode;
use spv::anchors::{Registry, first_publications, scan_block};

use measure::Ratio::Speed;
use measure::{Table, each};

const READING: &str = "deserializing";

fn main() -> ExitCode {
    Table::of_arguments(measure_all)
}

fn measure_all(table: &mut Table) {
    let registry = Registry::new();
    for (name, keystones) in [("3000 transactions, no mark", 0), ("3000 transactions, one mark", 1)] {
        let bytes = blocks::common(keystones);
        let found = || scan_block(&bytes, &registry).expect("a block");
        assert_eq!(found().len(), keystones as usize);
        table.row(name, READING, Speed(Some(20.0)), each(&[()], |()| found()), reading(&bytes));
    }
    let bytes = blocks::dense();
    let found = || scan_block(&bytes, &registry).expect("a block");
    assert_eq!((found().len(), first_publications(&found()).len()), (3448, 316));
    let scan = each(&[()], |()| found());
    table.row("3448 keystones, none hashed", READING, Speed(Some(10.0)), scan, reading(&bytes));
    let hashed = each(&[()], |()| first_publications(&found()).len());
    table.row("3448 keystones, 316 hashed", READING, Speed(Some(1.3)), hashed, reading(&bytes));
    checkpoints::measure(table);
}

/// The time of deserializing a block's transactions; that of freeing them does not count. One block is kept
/// until the next is there, so that the allocator does not give its memory back to the system and ask for it
/// anew.
fn reading(bytes: &[u8]) -> impl FnMut(u32) -> f64 {
    let mut kept = None;
    move |passes| {
        let mut seconds = 0.0;
        for _ in 0..passes {
            let start = Instant::now();
            let block = black_box(encode::deserialize::<Block>(black_box(bytes)).expect("a block"));
            seconds += start.elapsed().as_secs_f64();
            kept = Some(block);
        }
        black_box(&kept);
        seconds / f64::from(passes)
    }
}
