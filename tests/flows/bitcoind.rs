//! The same on a real bitcoind, which `BITCOIND_EXE` names.

use std::path::PathBuf;

use btcstake::demo::{ScenarioName, play};
use chain::testing::RegtestDaemon;

use crate::demo;

/// The daemon's program, or a line that says why there is no test.
pub(crate) fn program() -> Option<PathBuf> {
    let program = std::env::var_os("BITCOIND_EXE").map(PathBuf::from);
    if program.is_none() {
        eprintln!("SKIPPED: BITCOIND_EXE names no bitcoind");
    }
    program
}

#[test]
fn the_demo_ends_the_same_on_both_nodes() {
    let Some(program) = program() else { return };
    let daemon = RegtestDaemon::start(&program).unwrap();
    let node = daemon.connect().unwrap();
    let report = play(&node, "bitcoind", &[7; 32], ScenarioName::All).unwrap();
    demo::check(&report);
    let embedded = demo::embedded([7; 32], ScenarioName::All);
    for (real, embedded) in report.scenarios.iter().zip(&embedded.scenarios) {
        assert_eq!(
            real.staking_script_pubkey, embedded.staking_script_pubkey,
            "the same seed gives the same scripts"
        );
        assert_eq!(real.final_status, embedded.final_status);
        assert_eq!(real.extracted_key_matches, embedded.extracted_key_matches);
        let names =
            |steps: &[btcstake::demo::Step]| steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&real.steps), names(&embedded.steps));
    }
    // Relay policy words its refusals otherwise than consensus; what stands in brackets is the script's own.
    let reasons = |report: &btcstake::demo::Output| -> Vec<String> {
        let steps = report.scenarios.iter().flat_map(|scenario| &scenario.steps);
        let refused = steps.filter_map(|step| step.reason.clone());
        refused
            .map(|reason| reason.split_once('(').map_or("timelock".to_owned(), |(_, why)| why.to_owned()))
            .collect()
    };
    assert_eq!(reasons(&report), reasons(&embedded));
}
