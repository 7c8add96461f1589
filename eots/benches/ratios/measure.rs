//! The harness: two pieces of work measured in turns.
//!
//! The kept bench libraries measure one thing for seconds and then the next, so on a shared machine a ratio
//! of two of their numbers carries whatever the machine did in between. Here the two sides take turns of a
//! few milliseconds, and the ratio is the median over the turns.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a row is measured.
const ROW: Duration = Duration::from_secs(1);
/// How long one side's turn is, at least.
const TURN: Duration = Duration::from_millis(2);

/// How many turns a row has at least, however long they are.
const LEAST_TURNS: usize = 5;

/// How a row's ratio is meant.
#[derive(Clone, Copy)]
pub(crate) enum Ratio {
    /// The contender's time in units of the baseline's; the target is the most it may be.
    Time(Option<f64>),
    /// How many times as fast the contender is; the target is the least it must be.
    Speed(Option<f64>),
}

/// What is printed, a row at a time.
pub(crate) struct Table {
    filter: Option<String>,
    rows: usize,
    missed: usize,
}

impl Table {
    /// Measures and prints what the arguments ask for: all rows, or those that contain a word; with
    /// `--strict`, a missed target is a failure.
    pub(crate) fn of_arguments(measure_all: impl FnOnce(&mut Self)) -> ExitCode {
        // `cargo bench` passes a flag of its own.
        let (flags, words): (Vec<_>, Vec<_>) =
            std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
        let mut table = Self { filter: words.into_iter().next(), rows: 0, missed: 0 };
        measure_all(&mut table);
        println!("{} rows, {} targets missed", table.rows, table.missed);
        let strict = flags.iter().any(|flag| flag == "--strict");
        if strict && table.missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Measures `contender` beside `baseline`: each takes a number of passes over its inputs and returns the
    /// seconds of one call.
    pub(crate) fn row(
        &mut self,
        name: &str,
        compared_with: &str,
        ratio: Ratio,
        mut contender: impl FnMut(u32) -> f64,
        mut baseline: impl FnMut(u32) -> f64,
    ) {
        if self.filter.as_ref().is_some_and(|word| !name.contains(word) && !compared_with.contains(word)) {
            return;
        }
        if self.rows == 0 {
            println!(
                "{:<33}{:<29}{:>18}  {:<18}{:<21}medians",
                "what", "compared with", "ratio", "quartiles", "target"
            );
        }
        let (passes, baseline_passes) = (passes_per_turn(&mut contender), passes_per_turn(&mut baseline));
        let (mut times, mut baseline_times, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let start = Instant::now();
        while start.elapsed() < ROW || ratios.len() < LEAST_TURNS {
            // Who goes first changes every time.
            let (time, baseline_time) = if ratios.len() % 2 == 0 {
                let time = contender(passes);
                (time, baseline(baseline_passes))
            } else {
                let baseline_time = baseline(baseline_passes);
                (contender(passes), baseline_time)
            };
            times.push(time);
            baseline_times.push(baseline_time);
            ratios.push(if matches!(ratio, Ratio::Time(_)) {
                time / baseline_time
            } else {
                baseline_time / time
            });
        }
        let [low, middle, high] = quartiles(ratios);
        let (unit, digits, target) = match ratio {
            Ratio::Time(target) => {
                ("the time", 3, target.map(|most| (format!("at most {most}x"), middle <= most)))
            }
            Ratio::Speed(target) => {
                ("as fast", 2, target.map(|least| (format!("at least {least}x"), middle >= least)))
            }
        };
        let (target, verdict) = match target {
            None => ("-".into(), ""),
            Some((target, true)) => (target, "ok"),
            Some((target, false)) => (target, "MISSED"),
        };
        println!(
            "{name:<33}{compared_with:<29}{:>18}  {:<18}{target:<14}{verdict:<7}{} beside {}",
            format!("{middle:.digits$}x {unit}"),
            format!("{low:.digits$} to {high:.digits$}"),
            readable(times),
            readable(baseline_times),
        );
        self.rows += 1;
        self.missed += usize::from(verdict == "MISSED");
    }
}

/// Times whole passes over `inputs`: `work` of each, once a pass.
pub(crate) fn each<I, T>(inputs: &[I], mut work: impl FnMut(&I) -> T) -> impl FnMut(u32) -> f64 {
    each_spending(inputs, |_| (), move |input, ()| work(input))
}

/// Like [`each`], where `work` also uses up what `prepare` made of the input outside the measured time.
pub(crate) fn each_spending<I, P, T>(
    inputs: &[I],
    mut prepare: impl FnMut(&I) -> P,
    mut work: impl FnMut(&I, P) -> T,
) -> impl FnMut(u32) -> f64 {
    move |passes| {
        let calls = inputs.len() * passes as usize;
        let prepared: Vec<P> = inputs.iter().cycle().take(calls).map(&mut prepare).collect();
        let start = Instant::now();
        for (prepared, input) in prepared.into_iter().zip(inputs.iter().cycle()) {
            black_box(work(black_box(input), prepared));
        }
        start.elapsed().as_secs_f64() / calls as f64
    }
}

/// How many passes fill a side's turn, its preparation included. Asking also warms it up.
fn passes_per_turn(side: &mut impl FnMut(u32) -> f64) -> u32 {
    let mut passes = 1;
    loop {
        let start = Instant::now();
        side(passes);
        if start.elapsed() >= TURN {
            return passes;
        }
        passes *= 2;
    }
}

/// The first quartile, the median and the third.
fn quartiles(mut numbers: Vec<f64>) -> [f64; 3] {
    numbers.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| numbers[numbers.len() * quarter / 4])
}

fn readable(seconds: Vec<f64>) -> String {
    let [_, median, _] = quartiles(seconds);
    match median {
        ..1e-6 => format!("{:.0} ns", median * 1e9),
        ..1e-1 => format!("{:.1} µs", median * 1e6),
        _ => format!("{:.0} ms", median * 1e3),
    }
}
