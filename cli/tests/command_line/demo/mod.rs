//! `btcstake demo`.

mod page;

use std::time::{Duration, Instant};

use btcstake::outputs::Demo;

use crate::fixtures::process::Folder;

fn seed() -> String {
    "5eed".repeat(16)
}

#[test]
fn seed_gives_the_same_bytes_again() {
    let folder = Folder::new();
    let line = format!("--json demo --seed {}", seed());
    let first = folder.run(&line).ends(0).stdout();
    assert_eq!(folder.run(&line).ends(0).stdout(), first);
    let other = folder.run(&line.replace("5eed", "0eed")).ends(0).stdout();
    assert_ne!(other, first);
}

#[test]
fn json_has_the_fields_that_scripts_read() {
    let folder = Folder::new();
    let line = format!("demo --seed {}", seed());
    let demo: Demo = folder.output(&line);
    assert_eq!((demo.scenarios.len(), demo.seed), (5, seed()));
    let json = folder.json(&line);
    for scenario in json["scenarios"].as_array().unwrap() {
        assert!(scenario["final_status"].is_string() && scenario.get("extracted_key_matches").is_some());
        for step in scenario["steps"].as_array().unwrap() {
            for field in ["name", "txid", "vsize", "fee_sat", "height"] {
                assert!(step.get(field).is_some(), "{field} is absent in {step}");
            }
        }
    }
}

#[test]
fn text_tells_the_story() {
    let text = Folder::new().run("demo").ends(0).stdout();
    for words in [
        "slash: a finality provider signs two blocks at one height",
        "refused by Bitcoin Core: bad-txns-nonfinal",
        "(Invalid Schnorr signature)",
        "(Script failed an OP_NUMEQUALVERIFY operation)",
        "vB · fee 2000 sat · slashing path · block ",
        "the stake is SLASHED",
        "the stake is WITHDRAWN",
    ] {
        assert!(text.contains(words), "{words:?} is absent in\n{text}");
    }
}

/// The signer refuses in its own words, and its key is taken only then; nothing of its keystore, its folder
/// and its port, which are others each time, is printed.
#[test]
fn signer_refuses_and_its_key_is_taken_by_force() {
    let folder = Folder::new();
    let line = format!("demo --scenario signer --seed {}", seed());
    let json = folder.run(&format!("--json {line}")).ends(0).stdout();
    assert_eq!(folder.run(&format!("--json {line}")).ends(0).stdout(), json);
    let demo: Demo = folder.output(&line);
    let [scenario] = demo.scenarios.as_slice() else { panic!("{json}") };
    assert_eq!((scenario.extracted_key_matches, scenario.final_status.as_str()), (Some(true), "SLASHED"));
    let of_providers: Vec<_> = scenario
        .steps
        .iter()
        .filter(|step| step.txid.is_none())
        .map(|step| (step.name.as_str(), step.reason.as_deref()))
        .collect();
    let expected = [
        ("pre-sign", None),
        ("start the signer", None),
        ("commit randomness", None),
        ("vote", None),
        ("vote", None),
        ("vote", None),
        ("vote", None),
        ("the same vote again", None),
        ("another vote", Some("double sign: another message was signed at height 4")),
        ("take the key by force", None),
        ("equivocate", None),
        ("extract", None),
    ];
    assert_eq!(of_providers, expected);
    let text = folder.run(&line).ends(0).stdout();
    assert!(text.contains("refused by the signer: double sign: another message was signed"), "{text}");
    assert!(text.contains("the stake is SLASHED"), "{text}");
    // The slashing is the same as where no signer had refused before.
    let without: Demo = folder.output(&line.replace("signer", "slash"));
    let slashing = |demo: &Demo| {
        let step = demo.scenarios[0].steps.iter().find(|step| step.name == "slash").unwrap();
        step.transaction.clone().unwrap()
    };
    assert_eq!(slashing(&demo), slashing(&without));
}

/// The watchtower slashes both stakes of whoever equivocated, whatever the staker, a kill and a reorg do.
#[test]
fn watchtower_slashes_whatever_happens() {
    let folder = Folder::new();
    let demo: Demo = folder.output(&format!("demo --scenario watch --seed {}", seed()));
    let played = &demo.scenarios[0];
    assert_eq!((played.name.as_str(), played.final_status.as_str()), ("watch", "SLASHED"));
    assert_eq!(played.extracted_key_matches, Some(true));
    let text = |name: &str| {
        let step = played.steps.iter().find(|step| step.name == name).unwrap_or_else(|| panic!("no {name}"));
        step.text.clone()
    };
    for name in ["race", "kill", "reorg", "slashed"] {
        text(name);
    }
    // The staker's unbonding pays as much as the slashing, which does not replace it: its output is slashed.
    assert!(text("slash").contains("the slashing of the unbonding output"), "{}", text("slash"));
    assert!(text("slash").contains("the node refuses it (mempool)"), "{}", text("slash"));
}

/// `all` names the scenarios that need no signer, as scripts know it.
#[test]
fn signer_is_played_by_its_name_alone() {
    let demo: Demo = Folder::new().output("demo");
    assert!(demo.scenarios.iter().all(|scenario| scenario.name != "signer"));
    let help = Folder::new().run("demo --help").ends(0).stdout();
    assert!(help.contains("- signer:") && help.contains("btcstake demo --scenario signer"), "{help}");
}

/// Under two seconds and 100 MB, all scenarios together and the page about them.
#[test]
fn demo_is_quick_and_small() {
    quick_and_small("");
}

/// With a signer too: its daemon, its signing database and its encrypted keys.
#[test]
fn signer_is_quick_and_small() {
    quick_and_small("--scenario signer");
}

/// The best of three runs counts, as the machine is shared; with it alone they take less than half of one.
fn quick_and_small(flags: &str) {
    let folder = Folder::new();
    let runs = (0..3).map(|run| {
        let start = Instant::now();
        let text = folder.run(&format!("demo {flags} --report {run}.html")).ends(0).stdout();
        (start.elapsed(), text)
    });
    let (best, text) = runs.min().unwrap();
    assert!(best < Duration::from_secs(2), "{best:?}");
    // Linux tells how much memory a process has had.
    if cfg!(target_os = "linux") {
        let (_, memory) = text.rsplit_once(" s, ").unwrap();
        let megabytes: u32 = memory.split_once(' ').unwrap().0.parse().unwrap();
        assert!(megabytes < 100, "{megabytes} MB");
    }
}
