//! Inputs that are refused, each for a reason that names it; and the largest that is taken.

use serde_json::{Value, json};

use super::{input, with, worked};
use crate::fixtures::process::Folder;

#[track_caller]
fn refused(change: impl FnOnce(&mut Value), words: &[&str]) {
    let mut input = worked([1, 1]);
    change(&mut input);
    let words: Vec<&str> = ["--input risk.json"].iter().chain(words).copied().collect();
    with(&input).run("risk check --input risk.json").fails(&words);
}

#[test]
fn names_are_listed_once_and_can_be_printed() {
    refused(|it| it["providers"][1]["name"] = "a1".into(), &["provider \"a1\" is listed twice"]);
    refused(|it| it["chains"][1]["name"] = "all".into(), &["chain \"all\" is listed twice"]);
    refused(
        |it| it["chains"][1]["secured_by"] = json!(["z"]),
        &["\"two\"", "\"z\"", "not among the providers"],
    );
    refused(|it| it["chains"][1]["secured_by"] = json!(["b", "b"]), &["\"two\"", "\"b\" is listed twice"]);
    refused(|it| it["providers"][0]["name"] = "".into(), &["providers", "0 characters"]);
    refused(|it| it["chains"][0]["name"] = "x".repeat(129).into(), &["chains", "129 characters", "1 to 128"]);
    for (name, shown) in [("a\u{1b}[31m", "u{1b}"), ("a\nb", "u{a}"), ("evil\u{202e}txt", "u{202e}")] {
        refused(|it| it["chains"][0]["name"] = name.into(), &["chains", shown]);
        refused(|it| it["providers"][0]["operator"] = name.into(), &["provider \"a1\"", "operator", shown]);
    }
    // As long as may be, in any script.
    let mut long = worked([1, 1]);
    long["chains"][0]["name"] = "ж".repeat(128).into();
    with(&long).run("risk check --input risk.json").ends(0);
}

#[test]
fn amounts_have_bounds() {
    let most = 2_100_000_000_000_000_u64;
    refused(
        |it| it["chains"][0]["value_sat"] = (most + 1).into(),
        &["chain \"all\"", "2100000000000001 sat"],
    );
    refused(|it| it["providers"][0]["stake_sat"] = most.into(), &["providers", "at most 2100000000000000"]);
    refused(|it| it["providers"][0]["stake_sat"] = (-1).into(), &["-1"]);
    refused(|it| it["providers"][0]["stake_sat"] = json!(1.5), &["1.5"]);
    refused(
        |it| it["providers"][0]["stake_sat"] = json!(null),
        &["provider \"a1\"", "stake_sat is absent", "--store"],
    );
    refused(
        |it| it["chains"][0]["value_sat"] = json!(null),
        &["chain \"all\"", "value_sat, or value and unit"],
    );
    refused(|it| it["chains"][0]["value"] = 1.into(), &["chain \"all\"", "value_sat, or value and unit"]);
    let in_unit = |it: &mut Value, unit: &str, value: u64| {
        it["units_per_btc"] = json!({ "USD": 2 });
        it["chains"][0] = json!({ "name": "all", "value": value, "unit": unit });
    };
    refused(|it| in_unit(it, "EUR", 1), &["chain \"all\"", "\"EUR\" is not in units_per_btc"]);
    refused(|it| in_unit(it, "USD", u64::MAX), &["chain \"all\"", "at most 2100000000000000"]);
    refused(|it| it["units_per_btc"] = json!({ "USD": 0 }), &["units_per_btc", "\"USD\" is 0"]);
    // All there will ever be is an amount.
    let mut all = worked([most, 0]);
    all["providers"] = json!([{ "name": "a1", "stake_sat": most - 1 }, { "name": "b", "stake_sat": 1 }]);
    with(&all).run("risk check --input risk.json").ends(1);
}

#[test]
fn shares_have_bounds() {
    for rate in ["0", "1.0001", "0.00001", "-0.1", "1e-3", ""] {
        refused(|it| it["slashing_rate"] = rate.into(), &["slashing_rate", "at most 4 decimals"]);
    }
    refused(|it| it["slashing_rate"] = json!(0.001), &["a string"]);
    for threshold in [json!([0, 3]), json!([4, 3]), json!([0, 0])] {
        refused(|it| it["chains"][0]["threshold"] = threshold, &["chain \"all\"", "above 0 and at most 1"]);
    }
    refused(|it| it["chains"][0]["threshold"] = json!([1]), &["length 1"]);
}

#[test]
fn forms_are_told_apart() {
    refused(|it| it["chains"][0]["vaule_sat"] = 1.into(), &["vaule_sat", "value_sat"]);
    refused(|it| it["rate"] = 1.into(), &["unknown field `rate`"]);
    refused(|it| it["chains"] = json!(null), &["null"]);
    refused(|it| *it = json!([]), &[]);
    refused(|it| *it = json!({ "slashing_rate": "1" }), &["missing field `chains`"]);
    let folder = Folder::new();
    for (text, word) in [("", "empty"), ("{", "EOF"), (&"[".repeat(100_000), ""), ("\u{0}", "risk.json")] {
        folder.write("risk.json", text);
        folder.run("risk report --input risk.json").fails(&["--input risk.json", word]);
    }
    folder.run("risk report --input nowhere.json").fails(&["--input nowhere.json"]);
    folder.run("risk report").fails(&["--input"]);
    folder.run("risk report --input risk.json --height 5").fails(&[]);
}

/// What is too large is refused before anything is searched.
#[test]
fn sizes_have_bounds() {
    let chain = |number: usize, by: Option<usize>| match by {
        None => json!({ "name": format!("c{number}"), "value_sat": 1 }),
        Some(by) => json!({ "name": format!("c{number}"), "value_sat": 1, "secured_by": [format!("p{by}")] }),
    };
    let sized = |providers: usize, chains: Vec<Value>| with(&input(&vec![1000; providers], &chains));
    sized(1001, vec![]).run("risk check --input risk.json").fails(&["there are 1001; must be at most 1000"]);
    let many = (0..129).map(|number| chain(number, Some(number % 9))).collect();
    sized(9, many).run("risk check --input risk.json").fails(&["there are 129; must be at most 128"]);
    let wide = (0..11).map(|number| chain(number, None)).collect();
    sized(1000, wide).run("risk check --input risk.json").fails(&["11000 places", "at most 10000"]);
    // 128 chains that differ, and one more in the question of one more.
    let differ = (0..128).map(|number| chain(number, Some(number))).collect();
    sized(128, differ).run("risk report --json --input risk.json").json(0);
}
