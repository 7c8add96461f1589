//! The demo, played in this process.

use btcstake::demo::{Output, ScenarioName, play};
use chain::{EmbeddedRegtest, Mine as _};

pub(crate) fn embedded(seed: [u8; 32], scenario: ScenarioName) -> Output {
    play(&EmbeddedRegtest::in_memory().unwrap(), "embedded", &seed, scenario).unwrap()
}

/// What must hold of a report, on whatever node it was played.
pub(crate) fn check(report: &Output) {
    let outcome = report.scenarios.iter();
    let outcome: Vec<_> =
        outcome.map(|s| (s.name.as_str(), s.extracted_key_matches, s.final_status.as_str())).collect();
    let expected = [
        ("slash", Some(true), "SLASHED"),
        ("slash-unbonding", Some(true), "SLASHED"),
        ("unbond", None, "WITHDRAWN"),
        ("expire", None, "WITHDRAWN"),
        ("extend", None, "WITHDRAWN"),
    ];
    assert_eq!(outcome, expected);
    let steps = |scenario: usize, refused: bool| -> Vec<&str> {
        let steps = report.scenarios[scenario].steps.iter();
        steps
            .filter(|step| step.reason.is_some() == refused && step.txid.is_some())
            .map(|step| step.name.as_str())
            .collect()
    };
    assert_eq!(steps(0, false), ["stake", "slash", "withdraw"]);
    let attempts = [
        "withdraw at once",
        "unbond alone",
        "quorum minus one",
        "slash without its key",
        "adaptor used as it is",
    ];
    assert_eq!(steps(0, true), [&attempts[..], &["withdraw too early"]].concat());
    assert_eq!(steps(1, false), ["stake", "unbond", "slash", "withdraw"]);
    assert_eq!(steps(2, false), ["stake", "unbond", "withdraw"]);
    assert_eq!(steps(3, false), ["stake", "withdraw"]);
    assert_eq!(steps(4, false), ["stake", "extend", "withdraw"]);
    assert_eq!(steps(4, true), ["extend alone", "withdraw too early"]);
    for step in report.scenarios.iter().flat_map(|scenario| &scenario.steps) {
        let (tried, confirmed) = (step.txid.is_some(), step.txid.is_some() && step.reason.is_none());
        assert_eq!(step.height.is_some(), confirmed, "{}", step.name);
        assert_eq!(step.fee_sat.is_some() && step.vsize.is_some(), tried, "{}", step.name);
        assert_eq!(step.path.is_some(), tried && step.name != "stake", "{}", step.name);
    }
}

#[test]
fn all_scenarios_end_as_they_must() {
    let report = embedded([7; 32], ScenarioName::All);
    check(&report);
    // Odd and even: the offender of the second scenario has an odd y, that of the first an even one.
    let said = |scenario: usize| {
        let step = report.scenarios[scenario].steps.iter().find(|step| step.name == "equivocate").unwrap();
        step.text.clone()
    };
    assert!(said(0).contains("(even y)") && said(1).contains("(odd y)"));
}

#[test]
fn each_scenario_plays_alone() {
    for scenario in [
        ScenarioName::Slash,
        ScenarioName::SlashUnbonding,
        ScenarioName::Unbond,
        ScenarioName::Expire,
        ScenarioName::Extend,
        ScenarioName::Signer,
        ScenarioName::Watch,
    ] {
        assert_eq!(embedded([8; 32], scenario).scenarios.len(), 1);
    }
}

#[test]
fn another_seed_gives_other_scripts() {
    let scripts = |seed| {
        let report = embedded([seed; 32], ScenarioName::Unbond);
        report.scenarios[0].staking_script_pubkey.clone()
    };
    assert_eq!(scripts(1), scripts(1));
    assert_ne!(scripts(1), scripts(2));
}

/// On a chain so long that the block subsidy has halved away, more blocks are mined for the staker's coins.
#[test]
fn a_long_chain_pays_for_stakes_too() {
    let node = EmbeddedRegtest::in_memory().unwrap();
    node.mine(2400, &bitcoin::ScriptBuf::from_bytes(vec![0x51])).unwrap();
    let report = play(&node, "embedded", &[7; 32], ScenarioName::Unbond).unwrap();
    assert_eq!(report.scenarios[0].final_status, "WITHDRAWN");
}
