//! `btcstake params show`.

use endpoint::testing::ScriptedNode;
use serde_json::{Value, json};

use super::{LIVE, folder};
use crate::fixtures::process::Folder;

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
fn version_has_every_field_of_the_file() {
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
        "btc_confirmation_depth": null,
        "checkpoint_finalization_timeout": null,
    });
    assert_eq!(shown("--params live.json --version 2"), (expected.clone(), Vec::new()));
    // A file does not say what the chain demands of Bitcoin's blocks.
    let built_in = [("btc_confirmation_depth", 30), ("checkpoint_finalization_timeout", 300)];
    let built_in = built_in.into_iter().fold(expected, |mut version, (name, depth)| {
        version[name] = json!(depth);
        version
    });
    assert_eq!(shown("--network mainnet --version 2").0, built_in);
    let text = folder().run("params show --network mainnet --version 5").warns(0, &["governance"]).stdout();
    for line in [
        "unbonding time      301 blocks",
        "least slashing fee  150000 sat",
        "depth               30 blocks on the block of a stake, 31 confirmations",
        "checkpoint window   300 blocks",
    ] {
        assert!(text.lines().any(|found| found == line), "no {line:?} in {text}");
    }
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
fn version_in_force_at_a_height() {
    let number = |rest: &str| show(rest)["version"].clone();
    for (height, version) in [
        (857_910, 0),
        (864_789, 0),
        (864_790, 1),
        (893_361, 3),
        (893_362, 4),
        (905_633, 4),
        (905_634, 5),
        (499_999_999, 5),
    ] {
        assert_eq!(number(&format!("--network mainnet --height {height}")), json!(version));
        assert_eq!(number(&format!("--params live.json --height {height}")), json!(version));
    }
    assert_eq!(number("--network mainnet --phase1 --height 874087"), json!(1));
    // Without a height or a number: the last.
    assert_eq!(number("--network mainnet"), json!(5));
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
fn fields_that_concern_the_chain_only_may_be_absent() {
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

/// The versions that are built in may be old, which standard error and the JSON say alike.
#[test]
fn warnings_say_that_what_is_built_in_may_be_old() {
    let said = |text: &str| {
        text.lines().filter(|line| line.contains("governance") && line.contains("a node")).count()
    };
    for source in [
        "--network mainnet",
        "--network mainnet --phase1",
        "--network mainnet --height 857910",
        "--network mainnet --height 905634",
        "--network mainnet --all",
    ] {
        let run = folder().run(&format!("params show {source}")).warns(0, &["governance"]);
        let warnings = shown(source).1;
        assert_eq!((said(&run.stderr()), said(&warnings.join("\n"))), (1, 1), "{source}");
        assert_eq!((said(&run.stdout()), warnings.len()), (0, 1), "{source}");
    }
    let text = |rest: &str| folder().run(&format!("params show {rest}")).ends(0).stdout();
    for source in ["--params live.json", "--params phase1.json"] {
        assert_eq!((said(&text(source)), shown(source).1), (0, Vec::new()), "{source}");
    }
    let shown = folder().run("params show --network mainnet --height 857910").stdout();
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

/// A node's answer with one version, and the staking API's network info.
#[test]
fn versions_of_other_forms_are_shown() {
    let folder = folder();
    let file: Value = serde_json::from_str(LIVE).unwrap();
    let fields = |number: usize| file["params"][number]["params"].clone();
    folder.write("single.json", json!({ "params": fields(5) }).to_string());
    let (mut single, warnings) = shown_in(&folder, "--params single.json");
    assert_eq!(single["version"].take(), json!(0), "its number is not known");
    let (mut fifth, none) = shown_in(&folder, "--params live.json --version 5");
    fifth["version"].take();
    assert_eq!((single, none), (fifth, Vec::new()));
    assert!(warnings.len() == 1 && warnings[0].contains("without its number"), "{warnings:?}");
    folder.run("params show --params single.json").warns(0, &["without its number", "params-versions"]);
    let check = folder.run("params check --params single.json").ends(0).stdout();
    assert_eq!(check, "valid: versions 0 to 0\n");

    let bbn = (0..6).map(|number| {
        let mut fields = fields(number);
        fields["version"] = json!(number);
        fields["slashing_pk_script"] = json!("6a07626162796c6f6e");
        fields
    });
    let mut info = json!({ "data": { "params": { "bbn": bbn.collect::<Vec<_>>(), "btc": [] } } });
    folder.write("info.json", info.to_string());
    for number in 0..6 {
        let of = |file: &str| shown_in(&folder, &format!("--params {file} --version {number}"));
        assert_eq!(of("info.json"), of("live.json"));
    }
    // A script of the other encoding is a broken rule that says so.
    info["data"]["params"]["bbn"][3]["slashing_pk_script"] = json!("agdiYWJ5bG9u");
    folder.write("info.json", info.to_string());
    let text = folder.run("params check --params info.json").ends(1).stdout();
    assert!(
        text.contains("version 3: slashing_pk_script: ") && text.contains("base64, must be hex"),
        "{text}"
    );
    let hex = super::changed(LIVE, 4, "slashing_pk_script", json!("6a07626162796c6f6e"));
    folder.write("hex.json", hex);
    let text = folder.run("params check --params hex.json").ends(1).stdout();
    assert!(text.contains("is not base64: it is hex, must be base64"), "{text}");
}

/// What `--all` prints is a file that `--params` takes, and says the same.
#[test]
fn versions_all_together_are_a_file_again() {
    let folder = folder();
    let all = |rest: &str| folder.run(&format!("params show {rest} --all --json")).ends(0).stdout();
    for (source, last, form) in [
        ("--network mainnet", 5, ""),
        ("--params live.json", 5, ""),
        ("--network mainnet --phase1", 2, "--phase1"),
        ("--params phase1.json", 2, ""),
    ] {
        folder.write("again.json", all(source));
        let check = folder.run(&format!("params check --params again.json {form}")).ends(0).stdout();
        assert_eq!(check, format!("valid: versions 0 to {last}\n"), "{source}");
        for version in 0..=last {
            let again = shown_in(&folder, &format!("--params again.json --version {version}"));
            let mut version = shown(&format!("{source} --version {version}")).0;
            // What is built in beside the file is not in it.
            for name in ["btc_confirmation_depth", "checkpoint_finalization_timeout"] {
                version.as_object_mut().unwrap().entry(name).and_modify(|depth| *depth = json!(null));
            }
            assert_eq!(again.0, version);
        }
        // Nothing is lost on the way, and nothing added but what stands beside it.
        let read: Value = serde_json::from_str(&all("--params again.json")).unwrap();
        let written: Value = serde_json::from_str(&all(source)).unwrap();
        assert_eq!((&read["params"], &read["versions"]), (&written["params"], &written["versions"]));
    }
    // A node's own file, but for the order of the keys and the zeros of the rate, which mean nothing.
    let (mut node, mut ours): (Value, Value) =
        (serde_json::from_str(LIVE).unwrap(), serde_json::from_str(&all("--params live.json")).unwrap());
    for version in 0..6 {
        for file in [&mut node, &mut ours] {
            let fields = &mut file["params"][version]["params"];
            fields["covenant_pks"].as_array_mut().unwrap().sort_by_key(Value::to_string);
            fields["slashing_rate"] = json!(fields["slashing_rate"].as_str().unwrap().trim_end_matches('0'));
        }
    }
    assert_eq!(ours["params"], node["params"]);
    let text = folder.run("params show --params live.json --all").ends(0).stdout();
    for version in 0..6 {
        let one = folder.run(&format!("params show --params live.json --version {version}")).ends(0).stdout();
        assert!(text.contains(&one), "no version {version} in {text}");
    }
    // The next step takes it.
    folder.write("params.json", all("--network mainnet"));
    folder
        .run(&crate::fixtures::delegation::stake("draft.json").replace("--fee-rate 5", "--fee-rate 1"))
        .ends(0);
    folder.run("params show --params live.json --all --height 900000").fails(&["--all", "--height"]);
    folder.run("params show --params live.json --all --version 0").fails(&["--all", "--version"]);
}

/// A node says the versions, and the depths of its chain.
#[test]
fn versions_come_from_a_node_with_its_depths() {
    let answer = |path: &str| {
        let name = match path.split('?').next().unwrap() {
            "/babylon/btcstaking/v1/params_versions" => "rest-params-versions.json",
            "/babylon/btccheckpoint/v1/params" => "rest-btccheckpoint-params.json",
            _ => return (404, json!({ "code": 5, "message": "not found" }).to_string()),
        };
        let path = format!("{}/../tests/vectors/node/answers/{name}", env!("CARGO_MANIFEST_DIR"));
        (200, std::fs::read_to_string(path).unwrap())
    };
    let node = ScriptedNode::new(move |asked| answer(&asked.path));
    let from_node = format!("--chain-gateway http://{}", node.address());
    let (version, warnings) = shown(&from_node);
    assert_eq!(warnings, [] as [&str; 0]);
    assert_eq!(
        (&version["btc_confirmation_depth"], &version["checkpoint_finalization_timeout"]),
        (&json!(2), &json!(4))
    );
    assert_eq!(version["unbonding_time_blocks"], 20);
    let text = folder().run(&format!("params show {from_node} --all")).ends(0).stdout();
    for line in ["2 blocks on the block of a stake", "4 blocks"] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
    let folder = folder();
    folder.run("params show").fails(&["--params is absent", "--network mainnet", "--chain-node"]);
    folder
        .run(&format!("params show {from_node} --network mainnet"))
        .fails(&["--network", "cannot be used with"]);
    folder.run(&format!("params show {from_node} --phase1")).fails(&["--phase1", "--chain-gateway"]);
    folder.run("params show --chain-node http://127.0.0.1:1").fails(&["--chain-node", "does not answer"]);
}
