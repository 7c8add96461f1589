//! A million stakes: memory, start, and a block judged; and the way through a long chain of a real
//! `bitcoind`, as ratios to bare calls: `cargo bench --profile dev --package btcstake-watch --bench track`.
//! The way needs the environment variable `BITCOIND_EXE`. The word `soak` has it pass 50 000 blocks.
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

mod catch_up;
mod million;
mod soak;

use std::process::ExitCode;

/// What was measured, beside its targets.
#[derive(Default)]
struct Rows {
    filter: Option<String>,
    missed: usize,
}

impl Rows {
    fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|word| name.contains(word.as_str()))
    }

    /// Prints a number beside the most that it may be.
    fn row(&mut self, name: &str, number: f64, unit: &str, most: Option<f64>) {
        let verdict = match most {
            None => String::new(),
            Some(most) if number <= most => format!("at most {most} {unit}: ok"),
            Some(most) => {
                self.missed += 1;
                format!("at most {most} {unit}: MISSED")
            }
        };
        println!("{name:<52}{number:>10.2} {unit:<8}{verdict}");
    }
}

fn main() -> ExitCode {
    if let Some(path) = std::env::var_os(million::FILL) {
        million::fill(path.as_ref());
        return ExitCode::SUCCESS;
    }
    let (flags, words): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let mut rows = Rows { filter: words.into_iter().next(), missed: 0 };
    if rows.wants("million") {
        million::measure(&mut rows);
    }
    if rows.wants("catch-up") {
        catch_up::measure(&mut rows);
    }
    // It takes long, and is measured where it is asked for.
    if rows.filter.as_deref() == Some("soak") {
        soak::measure(&mut rows);
    }
    println!("{} targets missed", rows.missed);
    let is_strict = flags.iter().any(|flag| flag == "--strict");
    if is_strict && rows.missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
