//! The time of a complete delegation and of a covenant member's signatures, as ratios to the two reference
//! implementations and to the signatures alone, and that of the check of a PSBT, measured in one run: `cargo
//! bench --profile dev --package btcstake-staking-scripts --features test-utils --bench delegation`.
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

#[path = "../../../eots/benches/ratios/measure.rs"]
mod measure;
mod psbts;
#[path = "../../../eots/benches/ratios/reference.rs"]
mod reference;
mod work;

use std::path::Path;
use std::process::{Command, ExitCode};

use measure::Ratio::{Speed, Time};
use measure::{Table, each};
use reference::{Reference, absent};
use work::{Signatures, Stake};

const GO: &str = "the reference, in Go";
const TYPESCRIPT: &str = "TypeScript, no adaptors";

fn main() -> ExitCode {
    Table::of_arguments(measure_all)
}

fn measure_all(table: &mut Table) {
    let stake = Stake::new();
    let (staked, given) = (stake.staked(), stake.covenant_signatures());
    let delegation = || each(&[()], |()| stake.delegation(&given));
    let member = || each(&[()], |()| stake.member(&staked));
    // The lower bound: the signatures that must be made and verified.
    let signatures = Signatures::new(&stake);
    let alone = each(&[()], |()| signatures.delegation(&given));
    table.row("delegation, 9 members", "its signatures alone", Time(None), delegation(), alone);
    let alone = each(&[()], |()| signatures.member());
    table.row("a member's signatures", "its signatures alone", Time(None), member(), alone);
    psbts::measure(table);
    for (name, peer) in [(GO, Reference::start()), (TYPESCRIPT, typescript())] {
        let Some(peer) = peer else { continue };
        table.row("delegation, 9 members", name, Speed(Some(5.0)), delegation(), peer.side("delegation"));
        table.row("a member's signatures", name, Speed(Some(5.0)), member(), peer.side("answer"));
    }
}

/// Returns the TypeScript library, where node and its packages are installed.
fn typescript() -> Option<Reference> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/typescript");
    if !source.join("node_modules").is_dir() {
        return absent("no packages in tests/interop/typescript: `npm ci` there installs them");
    }
    Reference::running(Command::new("node").arg("bench.mjs").current_dir(source))
}
