//! `btcstake stake check`.

use btcstake::outputs::{BuiltTransaction, StakeCheck};
use serde_json::{Value, json};

use crate::fixtures::delegation::{FILES, parameters};
use crate::fixtures::process::Folder;

#[test]
fn status_is_pending_and_then_verified() {
    let folder = Folder::with_delegation();
    assert_eq!(
        folder.json(&format!("stake check {FILES} signed.json")),
        json!({
            "accepted": true, "violations": [], "covenant_signature_count": 0, "quorum": 2, "status": "PENDING",
            "warnings": [], "not_checked": ["registered", "provider_known", "provider_slashed", "funding_is_a_stake", "age"],
        })
    );
    let verified: StakeCheck = folder.output(&format!("stake check {FILES} verified.json"));
    assert_eq!((verified.covenant_signature_count, verified.status.as_deref()), (2, Some("VERIFIED")));
}

#[test]
fn violations_are_named_and_counted() {
    let folder = Folder::with_delegation();
    folder.write_changed("signed.json", "bad.json", |json| json["unbonding_time_blocks"] = json!(1009));
    let check: StakeCheck = folder.run(&format!("--json stake check {FILES} bad.json")).output(1);
    assert_eq!((check.accepted, check.status.as_deref()), (false, None));
    assert_eq!(check.violations[0].rule, "unbonding_time");
    assert!(folder.run(&format!("stake check {FILES} bad.json")).stdout().contains(" rules are broken\n"));
    // One rule is one rule.
    let one = |json: &mut Value| json["proof_of_possession"]["signature"] = json!("00".repeat(64));
    folder.write_changed("signed.json", "one-rule.json", one);
    let text = folder.run(&format!("stake check {FILES} one-rule.json")).ends(1).stdout();
    assert!(
        text.starts_with("not accepted: 1 rule is broken\n  possession: the proof of possession does not "),
        "{text}"
    );
    assert!(text.contains("\nnot checked, as only the chains tell it: registered, "), "{text}");
    // A draft lacks what it needs.
    let unsigned = folder.run(&format!("stake check {FILES} draft.json")).ends(1).stdout();
    assert!(unsigned.contains("absent: staker_signatures is absent"), "{unsigned}");
}

/// A covenant signature that does not verify is no fault of the stake: it is not counted, and named.
#[test]
fn covenant_signatures_that_do_not_verify_are_named() {
    let folder = Folder::with_delegation();
    let break_one = |json: &mut Value| {
        let other = json["covenant_signatures"][0]["unbonding_signature"].clone();
        json["covenant_signatures"][1]["unbonding_signature"] = other;
    };
    folder.write_changed("verified.json", "one-bad.json", break_one);
    let check: StakeCheck = folder.output(&format!("stake check {FILES} one-bad.json"));
    let found = (check.accepted, check.covenant_signature_count, check.status.as_deref());
    assert_eq!(found, (true, 1, Some("PENDING")));
    assert_eq!(check.warnings.len(), 1);
    assert!(check.warnings[0].starts_with("covenant_signatures: unbonding transaction: "), "{check:?}");
    // `covenant sign` has the same verdict.
    let sign = format!(
        "covenant sign --dangerously-without-height {FILES} one-bad.json --record r.jsonl --secret-key-file member.key"
    );
    folder.run(&sign).ends(0);
    // What is absent twice is named once.
    let draft: StakeCheck = folder.run(&format!("--json stake check {FILES} draft.json")).output(1);
    let absent = draft.violations.iter().filter(|found| found.message.contains("staker_signatures"));
    assert_eq!(absent.count(), 1, "{:?}", draft.violations);
}

/// More members have signed than a transaction takes.
#[test]
fn covenant_signatures_above_the_quorum_are_named() {
    let folder = Folder::with_delegation();
    let sign = format!(
        "covenant sign --dangerously-without-height {FILES} signed.json --record third.record --secret-key-file third.key"
    );
    folder.write("covenant3.json", folder.run(&sign).ends(0).stdout());
    folder
        .run(&format!(
            "stake add {FILES} verified.json --covenant-signatures covenant3.json --out three.json"
        ))
        .ends(0);
    let warning =
        "3 covenant members have signed; the quorum is 2, and a transaction takes no more than that";
    let check: StakeCheck = folder.output(&format!("stake check {FILES} three.json"));
    assert_eq!((check.covenant_signature_count, check.warnings), (3, vec![warning.to_owned()]));
    folder.run(&format!("stake check {FILES} three.json")).warns(0, &[warning]);
    let two: StakeCheck = folder.output(&format!("stake check {FILES} verified.json"));
    assert_eq!(two.warnings, Vec::<String>::new(), "a quorum is no more than the quorum");
    // The transactions take a quorum of them.
    for step in [
        "tx unbond --secret-key-file staker.key",
        "tx slash --provider-key-file provider.key",
        "psbt finalize --psbt @stake.psbt",
    ] {
        let built: BuiltTransaction = folder.output(&format!("{step} {FILES} three.json"));
        assert!(built.transaction.is_some(), "{step}");
        assert_eq!(built.warnings, [warning], "{step}");
        let built: BuiltTransaction = folder.output(&format!("{step} {FILES} verified.json"));
        assert_eq!(built.warnings, Vec::<String>::new(), "{step}");
    }
}

#[test]
fn files_are_read_strictly() {
    let folder = Folder::with_delegation();
    let text = folder.read("signed.json");
    folder.write("more.json", text.replacen('{', r#"{"unknown":1,"#, 1));
    folder.run(&format!("stake check {FILES} more.json")).fails(&["--delegation", "unknown"]);
    folder.write("early.json", text.replace("\"parameters_height\": 900000", "\"parameters_height\": 1"));
    let early = ["parameters_height", "no parameters are in force at height 1"];
    let check: StakeCheck = folder.run(&format!("--json stake check {FILES} early.json")).output(1);
    assert_eq!((check.violations.len(), check.quorum), (1, None));
    assert!(early.iter().all(|word| check.violations[0].message.contains(word)), "{check:?}");
    let sign = format!(
        "covenant sign --dangerously-without-height {FILES} early.json --record r.jsonl --secret-key-file member.key"
    );
    folder.run(&sign).ends(1);
    folder.run(&format!("tx unbond {FILES} early.json")).fails(&early);
    folder.write("bad-params.json", parameters().to_string().replace("\"0.001", "\"2.001"));
    folder
        .run("stake check --delegation signed.json --params bad-params.json")
        .fails(&["--params", "slashing_rate"]);
}
