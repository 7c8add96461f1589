//! `docs/risk.md` has a word on every key that `risk report` and an input have.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{with, worked};

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_key_has_a_word() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/risk.md")).unwrap();
    let folder = with(&worked([2_500_000, 1_500_000]));
    let (mut found, mut missing) = (BTreeSet::new(), Vec::new());
    keys(&folder.json("risk report --input risk.json"), &mut found);
    keys(&folder.json("risk example"), &mut found);
    // The example's own unit.
    found.remove("USD");
    assert!(found.len() > 50, "{found:?}");
    for key in &found {
        if !docs.contains(&format!("`{key}`")) {
            missing.push(key);
        }
    }
    assert!(missing.is_empty(), "no word on {missing:?}");
}

/// The input that the page shows is one, and what it says of that holds.
#[test]
fn input_of_the_page_is_one() {
    let docs = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/risk.md")).unwrap();
    let block = |kind: &str| {
        let (_, rest) = docs.split_once(&format!("\n```{kind}\n")).unwrap();
        rest.split_once("\n```").unwrap().0.to_owned()
    };
    let folder = with(&serde_json::from_str(&block("json")).unwrap());
    let text = folder.run("risk report --input risk.json").ends(0).stdout();
    let said = block("text");
    assert!(said.lines().count() >= 8);
    for line in said.lines() {
        assert!(text.lines().any(|found| found == line), "no {line:?} in\n{text}");
    }
}
