//! `btcstake params`.

use serde_json::{Value, json};

use crate::process::Folder;

pub(crate) const LIVE: &str = include_str!("../../../staking-scripts/data/mainnet-parameters.json");
const PHASE_1: &str = include_str!("../../../staking-scripts/data/mainnet-phase1-parameters.json");

/// A folder with mainnet's parameters in both forms.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("live.json", LIVE);
    folder.write("phase1.json", PHASE_1);
    folder
}

fn show(rest: &str) -> Value {
    folder().json(&format!("params show {rest}"))
}

/// The version, and the warnings that stand beside it.
fn shown(rest: &str) -> (Value, Vec<String>) {
    shown_in(&folder(), rest)
}

fn shown_in(folder: &Folder, rest: &str) -> (Value, Vec<String>) {
    let mut version = folder.json(&format!("params show {rest}"));
    let warnings = version.as_object_mut().unwrap().remove("warnings").unwrap();
    (version, serde_json::from_value(warnings).unwrap())
}

/// One field of one of mainnet's versions changed.
fn changed(file: &str, version: usize, field: &str, value: Value) -> String {
    let mut file: Value = serde_json::from_str(file).unwrap();
    match file.get("versions") {
        Some(_) => file["versions"][version][field] = value,
        None => file["params"][version]["params"][field] = value,
    }
    file.to_string()
}

/// The committee of all of mainnet's versions, ascending.
fn covenant() -> Vec<String> {
    let file: Value = serde_json::from_str(LIVE).unwrap();
    let mut keys: Vec<String> =
        serde_json::from_value(file["params"][0]["params"]["covenant_pks"].clone()).unwrap();
    keys.sort();
    assert_eq!(keys.len(), 9);
    keys
}

#[test]
fn a_version_has_every_field_of_the_file() {
    let expected = json!({
        "form": "live",
        "version": 2,
        "activation_height": 874_088,
        "covenant_pks": covenant(),
        "covenant_quorum": 6,
        "min_staking_value_sat": 500_000,
        "max_staking_value_sat": 500_000_000_000_u64,
        "min_staking_time_blocks": 64000,
        "max_staking_time_blocks": 64000,
        "slashing_script_pubkey": "6a07626162796c6f6e",
        "slashing_rate": "0.001",
        "min_slashing_tx_fee_sat": 100_000,
        "unbonding_time_blocks": 1008,
        "unbonding_fee_sat": 32_000,
        "min_commission_rate": "0.030000000000000000",
        "delegation_creation_base_gas_fee": 1_095_000,
        "allow_list_expiration_height": 139_920,
    });
    assert_eq!(shown("--network mainnet --version 2").0, expected);
    assert_eq!(shown("--params live.json --version 2"), (expected, Vec::new()));
    let phase_1 =
        |version: u32, height: u32, cap: Option<u64>, cap_height: Option<u32>, most: u64, fee: u64| {
            json!({
                "form": "phase1",
                "version": version,
                "activation_height": height,
                "staking_cap_sat": cap,
                "cap_height": cap_height,
                "tag": "62626e31",
                "covenant_pks": covenant(),
                "covenant_quorum": 6,
                "min_staking_value_sat": 500_000,
                "max_staking_value_sat": most,
                "min_staking_time_blocks": 64000,
                "max_staking_time_blocks": 64000,
                "unbonding_time_blocks": 1008,
                "unbonding_fee_sat": fee,
                "confirmation_depth": 10,
            })
        };
    let first = phase_1(0, 857_910, Some(100_000_000_000), None, 5_000_000, 64_000);
    let second = phase_1(1, 864_790, None, Some(864_799), 50_000_000_000, 32_000);
    for source in ["--network mainnet --phase1", "--params phase1.json", "--params phase1.json --phase1"] {
        assert_eq!(shown(&format!("{source} --version 0")).0, first, "{source}");
        assert_eq!(shown(&format!("{source} --version 1")).0, second, "{source}");
    }
}

#[test]
fn the_version_in_force_at_a_height() {
    let number = |rest: &str| show(rest)["version"].clone();
    for (height, version) in
        [(857_910, 0), (864_789, 0), (864_790, 1), (893_361, 3), (893_362, 4), (499_999_999, 4)]
    {
        assert_eq!(number(&format!("--network mainnet --height {height}")), json!(version));
        assert_eq!(number(&format!("--params live.json --height {height}")), json!(version));
    }
    assert_eq!(number("--network mainnet --phase1 --height 874087"), json!(1));
    // Without a height or a number: the last.
    assert_eq!(number("--network mainnet"), json!(4));
    assert_eq!(number("--params phase1.json"), json!(2));
    // Before the first.
    for source in
        ["--network mainnet", "--network mainnet --phase1", "--params live.json", "--params phase1.json"]
    {
        let run = folder().run(&format!("params show {source} --height 857909"));
        run.fails(&["--height", "no parameters are in force at height 857909", "must be at least 857910"]);
    }
}

/// What a file leaves out is absent in the text, and null in the JSON.
#[test]
fn a_plain_array_without_what_concerns_the_chain_only() {
    let file: Value = serde_json::from_str(LIVE).unwrap();
    let mut fields = file["params"][0]["params"].clone();
    for field in ["min_commission_rate", "delegation_creation_base_gas_fee", "allow_list_expiration_height"] {
        fields.as_object_mut().unwrap().remove(field);
    }
    let folder = folder();
    folder.write("plain.json", json!([fields]).to_string());
    let json = folder.json("params show --params plain.json");
    assert_eq!(
        (&json["min_commission_rate"], &json["allow_list_expiration_height"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(json["delegation_creation_base_gas_fee"], json!(null));
    let text = folder.run("params show --params plain.json").ends(0).stdout();
    assert!(!text.contains("commission") && !text.contains("gas") && !text.contains("allow list"), "{text}");
}

/// The versions that are built in may be old, which the text and the JSON say alike.
#[test]
fn only_what_is_built_in_may_be_old() {
    let text = |rest: &str| folder().run(&format!("params show {rest}")).ends(0).stdout();
    let said = |text: &str| {
        text.lines().filter(|line| line.contains("governance") && line.contains("a node")).count()
    };
    for source in [
        "--network mainnet",
        "--network mainnet --phase1",
        "--network mainnet --height 857910",
        "--network mainnet --all",
    ] {
        let (text, warnings) = (text(source), shown(source).1);
        assert_eq!((said(&text), said(&warnings.join("\n"))), (1, 1), "{source}");
        assert!(text.ends_with(&format!("{}\n", warnings.join("\n"))), "{source}: {text}");
    }
    // Where it is known that there is a newer one.
    let newer = |rest: &str| {
        shown(rest).1.iter().filter(|line| line.contains("905634 on the chain has a newer")).count()
    };
    for (rest, count) in [
        ("", 1),
        ("--all", 1),
        ("--version 4", 1),
        ("--version 3", 0),
        ("--height 905634", 1),
        ("--height 905633", 0),
    ] {
        assert_eq!(newer(&format!("--network mainnet {rest}")), count, "{rest}");
    }
    assert_eq!((newer("--network mainnet --phase1"), newer("--params live.json --height 905634")), (0, 0));
    for source in ["--params live.json", "--params phase1.json"] {
        assert_eq!((said(&text(source)), shown(source).1), (0, Vec::new()), "{source}");
    }
    let shown = text("--network mainnet --height 857910");
    for part in [
        "version 0, in force from height 857910 on",
        "covenant quorum     6 of 9",
        "500000 to 5000000 sat",
        "1008 blocks",
        "64000 sat",
    ] {
        assert!(shown.contains(part), "no {part:?} in {shown}");
    }
    assert!(text("--params phase1.json").contains("stakes until        height 875087, itself included"));
}

/// What `--all` prints is a file that `--params` takes, and says the same.
#[test]
fn all_versions_are_a_file_again() {
    let folder = folder();
    let all = |rest: &str| folder.run(&format!("params show {rest} --all --json")).ends(0).stdout();
    for (source, last, form) in [
        ("--network mainnet", 4, ""),
        ("--params live.json", 4, ""),
        ("--network mainnet --phase1", 2, "--phase1"),
        ("--params phase1.json", 2, ""),
    ] {
        folder.write("again.json", all(source));
        let check = folder.run(&format!("params check --params again.json {form}")).ends(0).stdout();
        assert_eq!(check, format!("valid: versions 0 to {last}\n"), "{source}");
        for version in 0..=last {
            let again = shown_in(&folder, &format!("--params again.json --version {version}"));
            assert_eq!(again.0, shown(&format!("{source} --version {version}")).0);
        }
        // Nothing is lost on the way, and nothing added but what stands beside it.
        let read: Value = serde_json::from_str(&all("--params again.json")).unwrap();
        let written: Value = serde_json::from_str(&all(source)).unwrap();
        assert_eq!((&read["params"], &read["versions"]), (&written["params"], &written["versions"]));
    }
    // A node's own file, but for the order of the keys and the zeros of the rate, which mean nothing.
    let (mut node, mut ours): (Value, Value) =
        (serde_json::from_str(LIVE).unwrap(), serde_json::from_str(&all("--params live.json")).unwrap());
    for version in 0..5 {
        for file in [&mut node, &mut ours] {
            let fields = &mut file["params"][version]["params"];
            fields["covenant_pks"].as_array_mut().unwrap().sort_by_key(Value::to_string);
            fields["slashing_rate"] = json!(fields["slashing_rate"].as_str().unwrap().trim_end_matches('0'));
        }
    }
    assert_eq!(ours["params"], node["params"]);
    let text = folder.run("params show --params live.json --all").ends(0).stdout();
    for version in 0..5 {
        let one = folder.run(&format!("params show --params live.json --version {version}")).ends(0).stdout();
        assert!(text.contains(&one), "no version {version} in {text}");
    }
    // The next step takes it.
    folder.write("params.json", all("--network mainnet"));
    folder.run(&crate::delegation::stake("draft.json").replace("--fee-rate 5", "--fee-rate 1")).ends(0);
    folder.run("params show --params live.json --all --height 900000").fails(&["--all", "--height"]);
    folder.run("params show --params live.json --all --version 0").fails(&["--all", "--version"]);
}

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
fn files_that_keep_the_rules() {
    let folder = folder();
    for (file, count) in
        [("live.json", "0 to 4"), ("phase1.json", "0 to 2"), ("phase1.json --phase1", "0 to 2")]
    {
        let json = folder.json(&format!("params check --params {file}"));
        assert_eq!(json, json!({ "valid": true, "violations": [] }));
        let text = folder.run(&format!("params check --params {file}")).ends(0).stdout();
        assert_eq!(text, format!("valid: versions {count}\n"));
    }
}

#[test]
fn files_that_break_rules() {
    let folder = folder();
    let check = |file: &str| {
        folder.write("file.json", file);
        folder.run("--json params check --params file.json").json(1)
    };
    let quorum = changed(LIVE, 1, "covenant_quorum", json!(4));
    let message = "covenant_quorum: a quorum of 4 is not more than half of 9 members";
    let one = json!({ "version": 1, "rule": "no_majority", "message": message });
    assert_eq!(check(&quorum), json!({ "valid": false, "violations": [one] }));
    let both = changed(&quorum, 3, "unbonding_time_blocks", json!(0));
    let message = "unbonding_time_blocks: 0 blocks; must be 1 to 65535";
    let other = json!({ "version": 3, "rule": "time_out_of_range", "message": message });
    assert_eq!(check(&both), json!({ "valid": false, "violations": [one, other] }));
    let text = folder.run("params check --params file.json").ends(1).stdout();
    assert!(text.starts_with("not valid: 2 rules are broken\n  version 1: covenant_quorum: "), "{text}");
    // Such a file shows nothing, whichever version is asked for.
    folder
        .run("params show --params file.json --version 0")
        .fails(&["--params", "version 1: covenant_quorum"]);

    let order = changed(LIVE, 2, "btc_activation_height", json!(1));
    let message = "its activation height is 1; must be above 864790, that of the version before";
    assert_eq!(
        check(&order)["violations"],
        json!([{ "version": 2, "rule": "activation_not_increasing", "message": message }])
    );
    let cap = changed(PHASE_1, 2, "cap_height", json!(1));
    let message = "the cap is 1; must be at least 864799, that of an earlier version";
    assert_eq!(check(&cap)["violations"], json!([{ "version": 2, "rule": "cap_falls", "message": message }]));
    // What a stranger wrote into the file stays harmless on a terminal.
    check(&changed(LIVE, 0, "slashing_rate", json!("\u{1b}[2J\n2")));
    let text = folder.run("params check --params file.json").ends(1).stdout();
    assert!(!text.contains('\u{1b}') && text.lines().count() == 2, "{text:?}");
}

#[test]
fn what_is_no_parameters_file_is_an_error() {
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
            folder.run(&format!("params {command} --params file.json")).fails(&["--params", word]);
        }
        folder.run(&format!("params {command} --params nowhere")).fails(&["--params", "cannot open nowhere"]);
        folder.run(&format!("params {command} --params .")).fails(&["--params", "cannot read ."]);
        folder.run(&format!("params {command} --params bytes.json")).fails(&["--params", "no text"]);
        // The other form, said to be of phase 1.
        folder
            .run(&format!("params {command} --params live.json --phase1"))
            .fails(&["missing field `versions`"]);
    }
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
    fails("show --network mainnet --version 5", &["--version", "no version 5; must be 0 to 4"]);
    fails("show --network mainnet --version 1 --height 900000", &["--version", "--height"]);
    fails("check", &["--params"]);
}
