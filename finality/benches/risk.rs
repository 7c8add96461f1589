//! How long a verdict takes on made graphs of 100 providers on 15 chains, of every shape, every provider on
//! every chain among them: `cargo bench --profile dev --package btcstake-finality --bench risk`.
//!
//! Each verdict is settled, with an attack that is recomputed where there is one, or is bounds with the gap
//! stated; the target is one second for the slowest. Stakes, thresholds and profits come from the seed and
//! the shape (`finality::risk::Instance`); profits are together 2 to 120 percent of the stake, which is where
//! verdicts change.
//!
//! Arguments: a word, to measure only the shapes that contain it; `--strict`, to exit with 1 when the target
//! is missed.
#![allow(clippy::expect_used, reason = "a bench may stop where its set-up is wrong")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use finality::risk::{Budget, Instance, RestakingGraph, Security, Shape};

const VALIDATORS: usize = 100;
const SERVICES: usize = 15;
const SEEDS: u64 = 5;
const PERCENTS: [u32; 6] = [2, 5, 10, 30, 60, 120];
const TARGET: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Row {
    secure: usize,
    insecure: usize,
    /// Insecure for certain, but a more profitable attack may be there.
    bounded: usize,
    undecided: usize,
    /// The widest gap, in parts of the profit of all.
    gap: f64,
    count: u32,
    slowest: Duration,
    total: Duration,
    /// The slowest of all answers together: the verdict, the slack, and the headroom of every chain.
    report: Duration,
}

fn main() -> ExitCode {
    let (flags, words): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    println!(
        "{:<12}{:>8}{:>10}{:>18}{:>11}{:>13}{:>12}{:>12}{:>16}",
        "shape",
        "secure",
        "insecure",
        "insecure, bounds",
        "undecided",
        "widest gap",
        "mean",
        "slowest",
        "slowest report"
    );
    let mut missed = false;
    for shape in Shape::ALL {
        let name = format!("{shape:?}").to_lowercase();
        if words.first().is_some_and(|word| !name.contains(word)) {
            continue;
        }
        let mut row = Row::default();
        for seed in 0..SEEDS {
            for profit_percent in PERCENTS {
                let made =
                    Instance { seed, shape, validators: VALIDATORS, services: SERVICES, profit_percent };
                row.add(&made.graph().expect("a graph"));
            }
        }
        missed |= row.slowest > TARGET;
        row.print(&name);
    }
    println!("target: {:?} for the slowest{}", TARGET, if missed { ": MISSED" } else { ": ok" });
    if missed && flags.iter().any(|flag| flag == "--strict") { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Row {
    fn print(&self, name: &str) {
        println!(
            "{name:<12}{:>8}{:>10}{:>18}{:>11}{:>12.4}%{:>9.1} ms{:>9.1} ms{:>13.1} ms",
            self.secure,
            self.insecure,
            self.bounded,
            self.undecided,
            100.0 * self.gap,
            1000.0 * self.total.as_secs_f64() / f64::from(self.count),
            1000.0 * self.slowest.as_secs_f64(),
            1000.0 * self.report.as_secs_f64(),
        );
    }

    fn add(&mut self, graph: &RestakingGraph) {
        let start = Instant::now();
        let security = graph.security(Budget::default()).expect("few services");
        let time = start.elapsed();
        self.count = self.count.saturating_add(1);
        self.slowest = self.slowest.max(time);
        self.total = self.total.saturating_add(time);
        graph.slack(Budget::QUICK).expect("few services");
        for chain in 0..SERVICES {
            graph.headroom(chain, Budget::QUICK).expect("few services");
        }
        self.report = self.report.max(start.elapsed());
        let all = graph.profit_of(&(0..SERVICES).collect::<Vec<_>>());
        let mut widen = |gap: u128| {
            #[allow(clippy::as_conversions, reason = "a figure to be shown")]
            let gap = gap as f64 / all as f64;
            self.gap = self.gap.max(gap);
        };
        match security {
            Security::Secure => self.secure = self.secure.saturating_add(1),
            Security::Insecure { attack, most_gain } => {
                assert!(graph.is_valid_attack(&attack.coalition), "the witness is recomputed");
                let gain = attack.profit.saturating_sub(attack.stake);
                if gain == most_gain {
                    self.insecure = self.insecure.saturating_add(1);
                } else {
                    self.bounded = self.bounded.saturating_add(1);
                    widen(most_gain.saturating_sub(gain));
                }
            }
            Security::Undecided { most_gain } => {
                self.undecided = self.undecided.saturating_add(1);
                widen(most_gain);
            }
            _ => self.undecided = self.undecided.saturating_add(1),
        }
    }
}
