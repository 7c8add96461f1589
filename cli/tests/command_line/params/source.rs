//! Where `btcstake params` reads parameters from.

use serde_json::{Value, json};

use super::{LIVE, PHASE_1, folder};
use crate::fixtures::delegation::stake;
use crate::fixtures::transactions::Transactions;

#[test]
fn files_come_from_standard_input_too() {
    let folder = folder();
    let run = |args: &[&str], input: &str| folder.run_with(args, input.as_bytes());
    let json = run(&["--json", "params", "show", "--params", "-"], PHASE_1).json(0);
    assert_eq!(json, folder.json("params show --params phase1.json"));
    let check = ["--json", "params", "check", "--params", "-"];
    assert_eq!(run(&check, LIVE).json(0), json!({ "valid": true, "violations": [] }));
    // A byte order mark, as some editors write it.
    assert_eq!(run(&check, &format!("\u{feff}{LIVE}")).json(0), json!({ "valid": true, "violations": [] }));
}

#[test]
fn files_that_hold_no_parameters_are_errors() {
    let folder = folder();
    folder.write("bytes.json", [0xff, 0xfe]);
    folder.write("folder.txt", "");
    let (no_field, deep) = (LIVE.replace("covenant_quorum", "quorum"), "[".repeat(100_000));
    for command in ["show", "check"] {
        for (content, word) in [
            ("", "the file file.json is empty"),
            ("nonsense", "not a parameters file"),
            ("{}", "an array of versions"),
            ("[]", "no version"),
            (r#"{"versions":[]}"#, "no version"),
            (r#"{"versions":7}"#, "not a parameters file"),
            (&LIVE[..500], "not a parameters file"),
            (&no_field, "version 0: missing field `covenant_quorum`"),
            (&deep, "not a parameters file"),
        ] {
            folder.write("file.json", content);
            folder
                .run(&format!("params {command} --params file.json"))
                .fails(&["error: --params file.json\n", word]);
        }
        folder.run(&format!("params {command} --params nowhere")).fails(&["--params", "cannot open nowhere"]);
        folder.run(&format!("params {command} --params .")).fails(&["--params", "cannot read ."]);
        folder.run(&format!("params {command} --params bytes.json")).fails(&["--params", "no text"]);
    }
}

/// Parameters of phase 1 where those of Babylon Genesis are needed, and the other way round. A step that both
/// kinds of stake have takes both.
#[test]
fn files_of_the_other_kind_are_named() {
    let folder = folder();
    let live: Value = serde_json::from_str(LIVE).unwrap();
    folder.write("array.json", json!([live["params"][0]["params"]]).to_string());
    let of_phase_1 = "these are phase-1 parameters; must be those of Babylon Genesis";
    folder
        .run(&stake("draft.json").replace("params.json", "phase1.json"))
        .fails(&["error: --params phase1.json\n", of_phase_1]);
    let explain = format!("tx explain {} --params", Transactions::new().unbonding());
    folder.run(&format!("{explain} phase1.json")).warns(0, &["a leaf with another committee"]);
    folder.write("phase1-array.json", json!({ "versions": [live["params"][0]["params"]] }).to_string());
    folder
        .run(&format!("{explain} phase1-array.json"))
        .fails(&["error: --params phase1-array.json\n", "missing"]);
    let of_genesis = "these are parameters of Babylon Genesis; must be those of phase 1";
    for file in ["live.json", "array.json"] {
        let name = format!("error: --params {file}\n");
        for command in ["params show --phase1", "params check --phase1"] {
            folder.run(&format!("{command} --params {file}")).fails(&[&name, of_genesis]);
        }
    }
    folder.write("none.json", "{}");
    folder
        .run("params check --params none.json --phase1")
        .fails(&["not a parameters file: missing field `versions`"]);
}

#[test]
fn flags_that_are_wrong_are_named() {
    let folder = folder();
    let fails = |rest: &str, words: &[&str]| folder.run(&format!("params {rest}")).fails(words);
    fails("show", &["--params", "--network"]);
    fails("show --params live.json --network mainnet", &["--params", "--network"]);
    fails("show --network testnet4", &["--network", "mainnet"]);
    for height in ["-1", "x", "500000000", "4294967296", "0x10"] {
        fails(&format!("show --network mainnet --height {height}"), &["--height", "0 to 499999999"]);
    }
    for version in ["-1", "x", "18446744073709551616"] {
        fails(&format!("show --network mainnet --version {version}"), &["--version"]);
    }
    fails("show --network mainnet --version 6", &["--version", "no version 6; must be 0 to 5"]);
    fails("show --network mainnet --version 1 --height 900000", &["--version", "--height"]);
    fails("check", &["--params"]);
}
