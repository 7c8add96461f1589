//! Warnings are in the fields and on standard error, with `--json` and without, for every command that has
//! them.

use std::collections::BTreeSet;

use btcstake::outputs::SHAPES;
use serde_json::{Value, json};

use crate::fixtures::delegation::{ADDRESS, FILES, stake, wallet};
use crate::fixtures::node::ScriptedNode;
use crate::fixtures::process::Folder;

/// The commands whose fields have `warnings`, by their schemas.
fn commands_with_warnings() -> BTreeSet<&'static str> {
    let has = |schema: &Value| {
        let of = |schema: &Value| schema.pointer("/properties/warnings").is_some();
        of(schema)
            || schema["$defs"]
                .as_object()
                .is_some_and(|defs| schema.get("anyOf").is_some() && defs.values().any(of))
    };
    let shapes = SHAPES.iter().filter_map(|shape| Some((shape.command, shape.schema?)));
    shapes
        .filter(|(_, schema)| has(&serde_json::to_value(schema()).unwrap()))
        .map(|(command, _)| command)
        .collect()
}

/// Each command, and a warning that it has.
fn warned(folder: &Folder, node: &ScriptedNode) -> Vec<(String, &'static str)> {
    let coin = format!("{}:0:300000:{}", "08".repeat(32), wallet());
    let extend = format!(
        "tx extend {FILES} verified.json --height 900001 --amount-sat 600000 --staking-time 64000 --coin {coin} --change {ADDRESS} \
         --fee-rate 50 --out"
    );
    let withdraw =
        format!("tx withdraw {FILES} verified.json --from unbonding --to {ADDRESS} --fee-rate 900");
    folder.write("dear.psbt", folder.run(&withdraw).stdout());
    let bump = "tx bump @stake.tx --fee-sat 825 --change-output 1 --network regtest --fee-rate 900";
    let phase_1 = "tx withdraw-phase1 --staking-transaction @phase1.psbt --height 857950 --network regtest --fee-rate 0.9";
    let url = node.url().replace("user:password@", "");
    vec![
        (stake("cheap.json").replace("--fee-rate 5", "--fee-rate 50"), "the parameters fix the fee"),
        (format!("{extend} extended.json"), "the parameters fix the fee"),
        (format!("tx unbond {FILES} forged.json"), "covenant_signatures: "),
        (
            format!("tx slash {FILES} three.json --provider-key-file provider.key"),
            "3 covenant members have signed",
        ),
        (withdraw, "more than a tenth"),
        (format!("{bump} --to {ADDRESS}"), "more than a tenth"),
        (format!("{phase_1} --to {ADDRESS}"), "below 1 sat/vB"),
        ("psbt check --psbt @dear.psbt --network regtest".to_owned(), "tenth"),
        (format!("psbt finalize {FILES} three.json --psbt @stake.psbt"), "3 covenant members have signed"),
        (format!("stake check {FILES} three.json"), "3 covenant members have signed"),
        (
            format!("status {FILES} three.json --node {url} --rpc-password-file rpc.password"),
            "3 covenant members have signed",
        ),
        ("tx explain @dear.psbt --network regtest".to_owned(), "tenth"),
        ("params show --network mainnet --all".to_owned(), "governance"),
        ("params show --network mainnet --phase1".to_owned(), "governance"),
        ("params show --network mainnet --version 1".to_owned(), "governance"),
        ("params show --params single.json".to_owned(), "without its number"),
        ("key new --out KEY".to_owned(), "was left behind"),
        (
            "watch add --delegation draft.json --params params.json --to-delegations stakes.jsonl".to_owned(),
            "cannot be slashed",
        ),
    ]
}

#[test]
fn warnings_are_in_the_fields_and_on_standard_error() {
    let folder = Folder::with_delegation();
    // A third member has signed, or one's signature is of another.
    let third = format!(
        "covenant sign --dangerously-without-height {FILES} signed.json --record third.record --secret-key-file third.key"
    );
    folder.write("covenant3.json", folder.run(&third).ends(0).stdout());
    folder
        .run(&format!(
            "stake add {FILES} verified.json --covenant-signatures covenant3.json --out three.json"
        ))
        .ends(0);
    folder.write_changed("verified.json", "forged.json", |json| {
        json["covenant_signatures"][0]["unbonding_signature"] = json!("00".repeat(64));
    });
    folder.write("rpc.password", "user:password");
    folder.write(".btcstake-unfinished-abc", "");
    let live: Value = serde_json::from_str(crate::params::LIVE).unwrap();
    folder.write("single.json", json!({ "params": live["params"][5]["params"] }).to_string());
    folder.write("main.json", crate::params::LIVE);
    let phase_1 = stake("phase1.json").replace("params.json", "main.json") + " --op-return-tag 62626e31";
    folder.write("phase1.psbt", folder.run(&phase_1).ends(0).stdout());
    let node = ScriptedNode::start(crate::status::answers(900_100));

    let mut left = commands_with_warnings();
    // `psbt sign` shows them before it signs, and the next two warn of what other tools made, as their tests
    // have it; `broadcast` warns of what a rejection leaves open; `key show` has none of its own; commands of
    // the keystore warn of what lies in it and of weak encryption, as their tests have it.
    let keystore = ["key export", "key import", "key list", "key restore"];
    let others = ["psbt sign", "psbt combine", "stake psbts", "broadcast", "key show"];
    // Commands of marks, checkpoints and risk warn of what a node or a file has, as their tests have it.
    let marks = ["anchor finality", "anchor publish", "anchor restore", "anchor scan"];
    let others_yet = ["checkpoint status", "checkpoint verify", "risk check", "risk report"];
    for elsewhere in others.into_iter().chain(keystore).chain(marks).chain(others_yet) {
        assert!(left.remove(elsewhere), "{elsewhere}");
    }
    // `signer init` and `import` warn of what they take over, as their tests have it; the others have none.
    left.retain(|command| !command.starts_with("signer "));
    for (number, (line, word)) in warned(&folder, &node).into_iter().enumerate() {
        let at = |form: &str| {
            line.replace("KEY", &format!("{form}-{number}.key"))
                .replace("cheap.json", &format!("{form}-cheap.json"))
                .replace("extended.json", &format!("{form}-extended.json"))
        };
        // That both are the same, `ends` holds.
        let run = folder.run(&format!("--json {}", at("json"))).ends(0);
        let warnings = run.warnings();
        assert!(warnings.iter().any(|warning| warning.contains(word)), "{line}: {warnings:?}");
        let stderr = run.stderr();
        let text = folder.run(&at("text")).warns(0, &[word]);
        if !line.starts_with("key new") {
            assert_eq!(text.stderr(), stderr, "{line}");
        }
        assert!(!text.stdout().contains("warning: "), "{line}");
        left.retain(|command| !line.starts_with(command));
    }
    assert_eq!(left, BTreeSet::new(), "commands that no line above warns for");
}
