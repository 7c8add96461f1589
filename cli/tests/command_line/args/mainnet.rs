//! Parameters that are not mainnet's: what begins a stake is refused, what ends one goes on with a warning.

use btcstake::outputs::{BuiltTransaction, Key, Refused, StakeCheck, Violation};
use serde_json::{Value, json};

use crate::fixtures::delegation::{ACCOUNT, STAKER, node_answer, transaction, wallet};
use crate::fixtures::phase1::write_phase1;
use crate::fixtures::process::{Folder, PROVIDER_KEY};
use crate::params::LIVE;

const ABSENT: &str = "version 5 is absent; must be there, as mainnet has it in force from height 905634 on";
const OTHER: &str = "version 5 contradicts mainnet's: unbonding_time_blocks is 1008; must be 301";

/// A folder with a stake on mainnet under version 5, whose coins nobody has: `main-draft.json`, and signed
/// by the staker in `main.json`; and files of parameters: mainnet's in `full.json`, without version 5 in
/// `short.json`, with another one in `other.json`.
struct Mainnet {
    folder: Folder,
    address: String,
}

impl Mainnet {
    fn new() -> Self {
        let folder = Folder::with_delegation();
        let file = |change: &dyn Fn(&mut Vec<Value>)| {
            let mut file: Value = serde_json::from_str(LIVE).unwrap();
            change(file["params"].as_array_mut().unwrap());
            file.to_string()
        };
        folder.write("full.json", LIVE);
        folder.write("short.json", file(&|versions| versions.truncate(5)));
        folder.write(
            "other.json",
            file(&|versions| versions[5]["params"]["unbonding_time_blocks"] = json!(1008)),
        );
        let wallet: Key = folder.output("key show --secret-key-file wallet.key --network mainnet");
        let mainnet = Self { folder, address: wallet.address.unwrap() };
        mainnet.folder.run(&mainnet.stake("full.json", 910_000, "main-draft.json")).ends(0);
        let sign = "stake sign --delegation main-draft.json --params full.json --secret-key-file staker.key";
        mainnet.folder.run(&format!("{sign} --address {ACCOUNT} --out main.json")).ends(0);
        mainnet
    }

    fn stake(&self, params: &str, height: u32, out: &str) -> String {
        let coin = format!("{}:0:900000:{}", "07".repeat(32), wallet());
        format!(
            "tx stake --params {params} --height {height} --staker {STAKER} --finality-provider {PROVIDER_KEY} --amount-sat 500000 \
             --staking-time 64000 --coin {coin} --change {} --fee-rate 5 --out {out}",
            self.address
        )
    }

    fn extend(&self, params: &str, height: u32, out: &str) -> String {
        let coin = format!("{}:0:300000:{}", "08".repeat(32), wallet());
        format!(
            "tx extend --params {params} --delegation main.json --height {height} --amount-sat 600000 --staking-time 64000 \
             --coin {coin} --change {} --fee-rate 5 --out {out}",
            self.address
        )
    }

    fn check(params: &str, height: u32) -> String {
        format!("stake check --params {params} --delegation main.json --height {height}")
    }

    fn sign(params: &str, height: u32) -> String {
        format!(
            "covenant sign --params {params} --delegation main.json --height {height} --record r.jsonl --secret-key-file member.key"
        )
    }
}

/// The violations of a command that is refused, the same in its text.
fn violations(folder: &Folder, line: &str) -> Vec<Violation> {
    let run = folder.run(line);
    assert_eq!(run.code(), Some(1), "{}", run.stderr());
    let text = run.stdout();
    let found = if line.starts_with("stake check") {
        folder.run(&format!("--json {line}")).output::<StakeCheck>(1).violations
    } else {
        folder.run(&format!("--json {line}")).output::<Refused>(1).violations
    };
    assert!(text.contains(&format!("  {}: {}", found[0].rule, found[0].message)), "{text}");
    found
}

/// Mainnet is the default, and means the same when it is named.
#[test]
fn parameters_that_lack_or_contradict_a_version_of_mainnets_are_refused() {
    let mainnet = Mainnet::new();
    let folder = &mainnet.folder;
    for (params, height, version) in [
        ("short.json", 910_000, ABSENT),
        ("short.json", 905_634, ABSENT),
        ("other.json", 910_000, OTHER),
        // What contradicts is wrong whatever the height.
        ("other.json", 900_000, OTHER),
    ] {
        for line in [
            mainnet.stake(params, height, "new.json"),
            mainnet.extend(params, height, "new.json"),
            Mainnet::check(params, height),
            Mainnet::sign(params, height),
        ] {
            for line in [line.clone(), format!("{line} --network mainnet")] {
                let found = violations(folder, &line);
                assert_eq!(found[0].rule, "mainnet_parameters", "{line}");
                let start = format!("--params {params}: {version}; ");
                assert!(found[0].message.starts_with(&start), "{}", found[0].message);
            }
        }
        assert!(!folder.path().join("new.json").exists() && !folder.path().join("r.jsonl").exists());
    }
    // `stake check` and `covenant sign` name the same rules, with the delegation's own.
    for params in ["short.json", "other.json"] {
        let [checked, signed] = [Mainnet::check(params, 910_000), Mainnet::sign(params, 910_000)]
            .map(|line| violations(folder, &line));
        assert_eq!(checked, signed);
        assert!(checked.iter().any(|found| found.rule == "unbonding_time"), "{checked:?}");
    }
    // Without a height every version counts.
    let line = "stake check --params short.json --delegation main.json";
    assert!(violations(folder, line)[0].message.contains(ABSENT));
    let line =
        Mainnet::sign("short.json", 910_000).replace("--height 910000", "--dangerously-without-height");
    assert!(violations(folder, &line)[0].message.contains(ABSENT));
}

/// A version that is not active yet is not asked for, and other networks have their own.
#[test]
fn parameters_that_are_mainnets_or_of_another_network_are_taken() {
    let mainnet = Mainnet::new();
    let folder = &mainnet.folder;
    let check: StakeCheck = folder.output(&Mainnet::check("full.json", 910_000));
    assert!(check.accepted, "{check:?}");
    folder.run(&mainnet.extend("full.json", 910_000, "extension.json")).ends(0);
    // It is no member, so it came as far as that.
    folder
        .run(&Mainnet::sign("full.json", 910_000))
        .fails(&["--secret-key-file", "not in the covenant committee"]);
    folder.run(&mainnet.stake("short.json", 905_633, "early.json")).ends(0);
    let signet = |line: &str| {
        let line = line.replace(&mainnet.address, "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx");
        format!("{line} --network signet")
    };
    folder.run(&signet(&mainnet.stake("short.json", 910_000, "signet.json"))).ends(0);
    folder.run(&signet(&mainnet.stake("other.json", 910_000, "signet2.json"))).ends(0);
    let line = signet(&Mainnet::check("short.json", 910_000));
    assert!(violations(folder, &line).iter().all(|found| found.rule != "mainnet_parameters"));
}

/// Whoever asks a node for its parameters gets the last version alone, without its number; the staking API
/// has all of them.
#[test]
fn parameters_in_every_form_are_compared() {
    let mainnet = Mainnet::new();
    let folder = &mainnet.folder;
    let file: Value = serde_json::from_str(LIVE).unwrap();
    let answer = |number: usize| json!({ "params": file["params"][number]["params"] }).to_string();
    folder.write("single5.json", answer(5));
    folder.write("single4.json", answer(4));
    folder.run(&mainnet.stake("single5.json", 910_000, "of-single.json")).ends(0);
    assert_eq!(folder.delegation("of-single.json"), folder.delegation("main-draft.json"));
    assert!(folder.output::<StakeCheck>(&Mainnet::check("single5.json", 910_000)).accepted);
    let found = violations(folder, &mainnet.stake("single4.json", 910_000, "new.json"));
    assert!(found[0].message.contains(ABSENT), "{found:?}");

    let bbn: Vec<Value> = file["params"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let mut fields = entry["params"].clone();
            fields["version"] = entry["version"].clone();
            fields["slashing_pk_script"] = json!("6a07626162796c6f6e");
            fields
        })
        .collect();
    folder.write("info.json", json!({ "data": { "params": { "bbn": bbn, "btc": [] } } }).to_string());
    folder.run(&mainnet.stake("info.json", 910_000, "of-info.json")).ends(0);
    assert_eq!(folder.delegation("of-info.json"), folder.delegation("main-draft.json"));
}

/// The stake was made under version 5, which the file lacks or has otherwise: it ends under the one that is
/// built in.
#[test]
fn stake_ends_under_the_version_that_it_was_made_under() {
    let mainnet = Mainnet::new();
    let folder = &mainnet.folder;
    // A node names the version by its number.
    let mut own: Value = serde_json::from_str(&folder.read("main.json")).unwrap();
    own["covenant_signatures"] = json!([]);
    let mut node = node_answer(&own);
    node["btc_delegation"]["params_version"] = json!(5);
    folder.write("main-node.json", node.to_string());
    let to = format!("--to {} --fee-rate 5", mainnet.address);
    for step in [
        "tx unbond".to_owned(),
        format!("tx withdraw --from unbonding {to} --secret-key-file staker.key"),
        format!("tx withdraw --from staking {to} --secret-key-file staker.key"),
        format!("tx withdraw --from slashing {to} --secret-key-file staker.key"),
    ] {
        let line = |params: &str, file: &str| format!("{step} --params {params} --delegation {file}");
        let right: BuiltTransaction = folder.output(&line("full.json", "main.json"));
        assert_eq!(right.warnings, Vec::<String>::new(), "{step}");
        for file in ["main.json", "main-node.json"] {
            for (params, version) in [("short.json", ABSENT), ("other.json", OTHER)] {
                let warning = format!(
                    "--params {params}: {version}; this step goes on under version 5 of those that are built in"
                );
                let mut built: BuiltTransaction = folder.output(&line(params, file));
                let warnings = std::mem::take(&mut built.warnings);
                assert_eq!(warnings, [warning.as_str()], "{step} {file}");
                assert_eq!(built, right, "{step} {params} {file}");
                folder.run(&line(params, file)).warns(0, &[&warning]);
            }
        }
    }
}

/// A stake under parameters of nobody's, which are taken for mainnet's because no network is named.
#[test]
fn stake_of_other_parameters_ends_with_a_warning() {
    let folder = Folder::with_delegation();
    let files = "--params params.json --delegation verified.json";
    for step in ["tx unbond --secret-key-file staker.key", "tx slash --provider-key-file provider.key"] {
        let regtest: BuiltTransaction = folder.output(&format!("{step} {files} --network regtest"));
        let mainnet: BuiltTransaction = folder.output(&format!("{step} {files}"));
        assert_eq!(transaction(&mainnet), transaction(&regtest), "{step}");
        let [warning] = &mainnet.warnings[..] else { panic!("{:?}", mainnet.warnings) };
        assert!(
            warning
                .starts_with("--params params.json: version 0 contradicts mainnet's: covenant_pks is 3 keys")
        );
        assert!(warning.ends_with("; this step goes on under version 0 of that file"), "{warning}");
        assert!(warning.contains(ABSENT), "{warning}");
        folder.run(&format!("{step} {files}")).warns(0, &[warning]);
    }
}

/// Parameters of phase 1, in either form, beside those of mainnet's phase 1 or of Babylon Genesis.
#[test]
fn phase1_parameters_that_are_not_mainnets_are_refused_or_warned_of() {
    let folder = Folder::new();
    write_phase1(&folder);
    let wallet: Key = folder.output("key show --secret-key-file staker.key --network mainnet");
    let spend = format!("--to {} --fee-rate 5 --secret-key-file staker.key", wallet.address.unwrap());
    for params in ["phase1-params.json", "params.json"] {
        let files = format!("--params {params} --delegation phase1.json");
        let other = format!("--params {params}: version 0 contradicts mainnet's: covenant_pks is 3 keys");
        for line in [format!("stake check {files}"), format!("stake check {files} --height 860000")] {
            let found = violations(&folder, &line);
            assert_eq!(found[0].rule, "mainnet_parameters", "{line}");
            assert!(found[0].message.starts_with(&other), "{found:?}");
            assert!(folder.output::<StakeCheck>(&format!("{line} --network regtest")).accepted);
        }
        let steps = [
            format!("tx withdraw {files} --from staking {spend}"),
            format!(
                "tx withdraw-phase1 --staking-transaction @phase1.tx --params {params} --height 860000 {spend}"
            ),
        ];
        for step in steps {
            let built: BuiltTransaction = folder.output(&step);
            assert!(built.warnings[0].starts_with(&other), "{step}: {:?}", built.warnings);
            folder.run(&step).warns(0, &[&other]);
        }
        let make = format!("stake phase1 --staking-transaction @phase1.tx --params {params} --height 860000");
        folder.run(&make).warns(0, &[&other]);
    }
}

/// Parameters of Babylon Genesis have no cap, and phase 1 ended long ago.
#[test]
fn phase1_stake_of_after_phase_1_is_refused() {
    let mainnet = Mainnet::new();
    let folder = &mainnet.folder;
    let draft =
        format!("{} --op-return-tag 62626e31", mainnet.stake("full.json", 910_000, "late-draft.json"));
    folder.psbt(&draft);
    // A new delegation without what phase 1 did not have.
    folder.write_changed("late-draft.json", "late.json", |json| {
        for name in ["slashing_transaction", "unbonding_slashing_transaction"] {
            json.as_object_mut().unwrap().remove(name);
        }
    });
    let line = "stake check --params full.json --delegation late.json --height 910000";
    let refused: StakeCheck = folder.run(&format!("--json {line}")).output(1);
    assert!(refused.violations.iter().any(|found| found.rule == "cap_height"), "{refused:?}");
    assert!(refused.warnings[0].starts_with("judged by the rules of phase 1"), "{refused:?}");
    let sign = "covenant sign --params full.json --delegation late.json --height 910000 --record r.jsonl --secret-key-file member.key";
    folder.run(sign).ends(1);
}

/// A stake under mainnet's own phase 1 ends under it, whatever the file says.
#[test]
fn phase1_stake_ends_under_the_version_that_it_was_made_under() {
    let mainnet = Mainnet::new();
    let folder = &mainnet.folder;
    let draft =
        format!("{} --op-return-tag 62626e31", mainnet.stake("full.json", 860_000, "as-genesis.json"));
    let made = folder.psbt(&draft).unsigned_tx;
    folder.write("phase1.tx", bitcoin::consensus::encode::serialize_hex(&made));
    let make = "stake phase1 --staking-transaction @phase1.tx --height 860000 --out phase1.json";
    folder.run(make).ends(0);
    let built_in: Value = folder.json("params show --network mainnet --phase1 --all");
    folder.write("built-in.json", built_in.to_string());
    let mut other = built_in.clone();
    other["versions"][0]["unbonding_fee"] = json!(1000);
    folder.write("other-phase1.json", other.to_string());
    let step = |params: &str| -> BuiltTransaction {
        let to = format!("--to {} --fee-rate 5 --secret-key-file staker.key", mainnet.address);
        folder
            .output(&format!("tx withdraw --params {params} --delegation phase1.json --from unbonding {to}"))
    };
    let (right, mut found) = (step("built-in.json"), step("other-phase1.json"));
    assert_eq!(right.warnings, Vec::<String>::new());
    let [warning] = &std::mem::take(&mut found.warnings)[..] else { panic!("one warning") };
    assert!(
        warning.starts_with("--params other-phase1.json: version 0 contradicts mainnet's: unbonding_fee")
    );
    assert!(warning.ends_with("; this step goes on under version 0 of those that are built in"), "{warning}");
    assert_eq!(found, right);
}
