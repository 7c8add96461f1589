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
    let embedded = demo::embedded([7; 32], ScenarioName::All);
    let [transactions, spenders, pruned] = ["-txindex=1", "-txospenderindex=1", "-prune=1"];
    for args in [&[][..], &[transactions], &[spenders], &[transactions, spenders], &[pruned]] {
        let option = |arg: &&str| arg.split('=').next().unwrap().to_owned();
        let known = |option: &String| RegtestDaemon::knows_option(&program, option).unwrap();
        if let Some(option) = args.iter().map(option).find(|option| !known(option)) {
            eprintln!("SKIPPED: the demo with {option}, which this bitcoind does not know");
            continue;
        }
        let daemon = RegtestDaemon::start_with_args(&program, args).unwrap();
        let report = play(&daemon.connect().unwrap(), "bitcoind", &[7; 32], ScenarioName::All).unwrap();
        ends_as(&report, &embedded);
    }
}

/// Every scenario of a demo on a bitcoind ended as on the embedded node.
fn ends_as(report: &btcstake::demo::Output, embedded: &btcstake::demo::Output) {
    demo::check(report);
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
    assert_eq!(reasons(report), reasons(embedded));
}

/// A reorg of a real node, which mines the slashings of a watchtower twice.
#[test]
fn watchtower_of_the_demo_slashes_on_a_bitcoind() {
    let Some(program) = program() else { return };
    let daemon = RegtestDaemon::start(&program).unwrap();
    let report = play(&daemon.connect().unwrap(), "bitcoind", &[7; 32], ScenarioName::Watch).unwrap();
    assert_eq!(report.scenarios[0].final_status, "SLASHED");
}
