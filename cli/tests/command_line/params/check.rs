//! `btcstake params check`.

use serde_json::json;

use super::{LIVE, PHASE_1, changed, folder};

#[test]
fn files_that_keep_the_rules() {
    let folder = folder();
    for (file, count) in
        [("live.json", "0 to 5"), ("phase1.json", "0 to 2"), ("phase1.json --phase1", "0 to 2")]
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
    let cap = changed(PHASE_1, 0, "staking_cap", json!(4_999_999));
    let message = "staking_cap: 4999999 sat; must be at least the most that may be staked, 5000000 sat";
    assert_eq!(
        check(&cap)["violations"],
        json!([{ "version": 0, "rule": "cap_too_low", "message": message }])
    );
    let zero = changed(PHASE_1, 0, "activation_height", json!(0));
    let message = "activation_height: 0; must be above 0";
    let expected = json!([{ "version": 0, "rule": "activation_zero", "message": message }]);
    assert_eq!(check(&zero)["violations"], expected);
    // What a stranger wrote into the file stays harmless on a terminal.
    check(&changed(LIVE, 0, "slashing_rate", json!("\u{1b}[2J\n2")));
    let text = folder.run("params check --params file.json").ends(1).stdout();
    assert!(!text.contains('\u{1b}') && text.lines().count() == 2, "{text:?}");
}

/// Such a file is read where a stake ends; this command names what no new stake may be made under.
#[test]
fn slashing_script_that_nobody_can_spend_breaks_a_rule() {
    let folder = folder();
    let check = |file: &str| {
        folder.write("file.json", file);
        folder.run("--json params check --params file.json").json(1)["violations"].clone()
    };
    let rule =
        "must be P2WPKH, P2WSH, P2TR with a key on the curve, P2PKH or P2SH, or one OP_RETURN that burns";
    let anchor = changed(LIVE, 2, "slashing_pk_script", json!("UQJOcw=="));
    let message =
        format!("slashing_pk_script: the script 51024e73 is pay-to-anchor, which anybody can spend; {rule}");
    let lost = json!({ "version": 2, "rule": "slashing_destination", "message": message });
    assert_eq!(check(&anchor), json!([lost]));
    // An OP_RETURN that nodes do not relay: two pushes.
    let two = changed(LIVE, 1, "slashing_pk_script", json!("agEBAQE="));
    let message = "slashing_pk_script: the script 6a01010101 is no standard OP_RETURN; must push at most 80 bytes in one push, and nothing else";
    let burn = json!({ "version": 1, "rule": "slashing_destination", "message": message });
    assert_eq!(check(&two), json!([burn]));
    // With a rule that keeps the file from being read, both are named.
    let time = changed(&anchor, 3, "unbonding_time_blocks", json!(0));
    let both = check(&time);
    assert_eq!((&both[0], &both[1]["rule"]), (&lost, &json!("time_out_of_range")));
    folder.write("file.json", anchor);
    folder.run("params show --params file.json --version 2").ends(0);
}
