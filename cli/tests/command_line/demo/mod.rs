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

/// Under two seconds and 100 MB, all scenarios together and the page about them. The best of three runs
/// counts, as the machine is shared; with it alone they take less than half of one.
#[test]
fn demo_is_quick_and_small() {
    let folder = Folder::new();
    let runs = (0..3).map(|run| {
        let start = Instant::now();
        let text = folder.run(&format!("demo --report {run}.html")).ends(0).stdout();
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
