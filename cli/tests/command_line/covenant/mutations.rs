//! Every field of a complete delegation, changed in turn: another bit, left out, and that of another stake.
//! `covenant sign` refuses each, for the reason that is stated here.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::XOnlyPublicKey;
use serde_json::Value;
use staking_scripts::Delegation;
use staking_scripts::testing::{consumer_rules, extended_of, history_file, included_of, key, members};

use crate::fixtures::process::Folder;

const HEIGHT: u32 = 900_000;

/// Of both stakes. A stake that names no version is under the one that makes its outputs.
#[rustfmt::skip]
const BOTH: [(&str, [&str; 3]); 15] = [
    ("finality_providers", ["", "missing field `finality_providers`", ""]),
    ("proof_of_possession", ["", "absent", "possession"]),
    ("proof_of_possession.account", [
        "the account address is mistyped: its checksum is wrong; must be as the chain writes it",
        "missing field `account`",
        "",
    ]),
    ("proof_of_possession.signature", ["possession", "missing field `signature`", "possession"]),
    ("proof_of_possession.type", [
        "unknown variant `bip341`, expected one of `bip340`, `bip322`, `ecdsa`",
        "missing field `type`",
        "",
    ]),
    ("slashing_transaction", [
        "lock_time, staker_signature",
        "absent",
        "spends, output_script, fee_too_small, staker_signature",
    ]),
    ("staker", ["possession, staking_output", "missing field `staker`", "possession, staking_output"]),
    ("staker_signatures", ["", "absent", "staker_signature, staker_signature"]),
    ("staker_signatures.slashing", ["staker_signature", "absent", "staker_signature"]),
    ("staker_signatures.unbonding_slashing", ["staker_signature", "absent", "staker_signature"]),
    ("staking_amount_sat", ["staked_amount", "missing field `staking_amount_sat`", "staked_amount"]),
    ("staking_time_blocks", ["staking_output", "missing field `staking_time_blocks`", "staking_output"]),
    ("unbonding_slashing_transaction", [
        "lock_time, staker_signature",
        "absent",
        "spends, output_script, fee_too_small, staker_signature",
    ]),
    ("unbonding_time_blocks", [
        "unbonding_time, output_script, output_script, output_script, staker_signature",
        "missing field `unbonding_time_blocks`",
        "",
    ]),
    ("unbonding_transaction", [
        "lock_time, spends",
        "absent",
        "spends, output_script, unbonding_fee, spends, staker_signature",
    ]),
];

/// Of a stake that is in a block. One that is in none is signed before it is broadcast.
#[rustfmt::skip]
const INCLUDED: [(&str, [&str; 3]); 9] = [
    ("finality_providers.*", [
        "staking_output",
        "it has 0 keys; must have 1 where consumer_chains is absent",
        "",
    ]),
    ("inclusion", ["", "signed", "inclusion"]),
    ("inclusion.headers", ["", "missing field `headers`", "inclusion"]),
    ("inclusion.headers.*", ["inclusion", "inclusion", "inclusion"]),
    ("inclusion.height", ["inclusion_height", "missing field `height`", ""]),
    ("inclusion.position", ["inclusion", "missing field `position`", ""]),
    ("inclusion.siblings", ["inclusion", "missing field `siblings`", ""]),
    ("parameters_version", ["parameters", "signed", ""]),
    ("staking_transaction", [
        "spends, spends, inclusion",
        "missing field `staking_transaction`",
        "staking_output, inclusion",
    ]),
];

/// Of a stake that extends another. What funds it is in no transaction here: the member's signature commits
/// to the amount and the script, and is void if they are others. No output names a consumer chain. Without
/// `extends`, it is a stake whose coin is a stake, which only a node can tell.
#[rustfmt::skip]
const EXTENSION: [(&str, [&str; 3]); 16] = [
    ("consumer_chains", ["", "it has 3 keys; must have 1 where consumer_chains is absent", ""]),
    ("consumer_chains.*", [
        "signed | two finality providers are of the chain \"chain-0\"; each must be of another one | two finality providers are of the chain \"chain-1\"; each must be of another one",
        "it names 2 chains; must name 3, one for each finality provider",
        "",
    ]),
    ("extends", ["", "signed", "running_stake"]),
    ("extends.consumer_chains", ["", "it has 2 keys; must have 1 where consumer_chains is absent", ""]),
    ("extends.consumer_chains.*", [
        "two finality providers are of the chain \"chain-0\"; each must be of another one | two finality providers are of the chain \"chain-1\"; each must be of another one",
        "it names 1 chains; must name 2, one for each finality provider",
        "",
    ]),
    ("extends.finality_providers", ["", "extends.finality_providers is absent; this step needs it", ""]),
    ("extends.finality_providers.*", [
        "running_stake",
        "it names 2 chains; must name 1, one for each finality provider",
        "",
    ]),
    ("extends.funding_amount_sat", ["signed", "missing field `funding_amount_sat`", "signed"]),
    ("extends.funding_script_pubkey", ["signed", "missing field `funding_script_pubkey`", ""]),
    ("extends.parameters_version", ["running_stake", "signed", ""]),
    ("extends.staking_time_blocks", [
        "running_stake",
        "extends.staking_time_blocks is absent; this step needs it",
        "running_stake",
    ]),
    ("extends.staking_transaction", [
        "extension",
        "not a delegation: extends must have one of staking_transaction and staking_txid",
        "running_stake",
    ]),
    ("finality_providers.*", [
        "staking_output",
        "it names 3 chains; must name 2, one for each finality provider",
        "",
    ]),
    ("parameters_version", ["parameters_version, staking_output", "signed", ""]),
    ("proof_of_possession.signing_context", [
        "signing_context, possession",
        "signing_context, possession",
        "",
    ]),
    ("staking_transaction", [
        "extension, spends, spends",
        "missing field `staking_transaction`",
        "staking_output",
    ]),
];

/// A step into a JSON value.
#[derive(Debug, Clone)]
enum Step {
    Key(String),
    Index(usize),
}

/// Where every string, number and list is: also those within others.
fn places(value: &Value, at: &[Step], found: &mut Vec<Vec<Step>>) {
    let mut visit = |step: Step, inner: &Value| {
        let at = [at, &[step]].concat();
        places(inner, &at, found);
        found.push(at);
    };
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, inner)| visit(Step::Key(name.clone()), inner))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, inner)| visit(Step::Index(index), inner));
        }
        _ => {}
    }
}

/// The place in words: positions in lists are all alike.
fn named(at: &[Step]) -> String {
    let steps = at.iter().map(|step| match step {
        Step::Key(name) => name.as_str(),
        Step::Index(_) => "*",
    });
    steps.collect::<Vec<_>>().join(".")
}

fn place<'a>(value: &'a mut Value, at: &[Step]) -> Option<&'a mut Value> {
    at.iter().try_fold(value, |value, step| match step {
        Step::Key(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(*index),
    })
}

/// Flips a bit of a number, or of the last digit of a text in hex, so that a key remains a key.
fn flip(value: &mut Value) -> bool {
    match value {
        Value::Number(number) => *value = (number.as_u64().unwrap() ^ 1).into(),
        Value::String(text) => {
            let (rest, last) = text.split_at(text.len() - 1);
            let Ok(digit) = u32::from_str_radix(last, 16) else {
                *value = format!("{rest}z").into();
                return true;
            };
            let mut flipped = (0..4).map(|bit| format!("{rest}{:x}", digit ^ (1 << bit)));
            let is_key = |text: &str| text.parse::<XOnlyPublicKey>().is_ok();
            let first = flipped.next().unwrap();
            *value = if is_key(text) { flipped.find(|text| is_key(text)).unwrap() } else { first }.into();
        }
        _ => return false,
    }
    true
}

fn leave_out(value: &mut Value, at: &[Step]) -> bool {
    let Some((last, parent)) = at.split_last() else { return false };
    match (place(value, parent), last) {
        (Some(Value::Object(fields)), Step::Key(name)) => fields.remove(name).is_some(),
        (Some(Value::Array(list)), Step::Index(index)) => {
            list.remove(*index);
            true
        }
        _ => false,
    }
}

/// Takes over what another stake has there, where that differs.
fn swap(value: &mut Value, other: &Value, at: &[Step]) -> bool {
    let mut other = other.clone();
    match (place(value, at), place(&mut other, at)) {
        (Some(own), Some(theirs)) if own != theirs => {
            std::mem::swap(own, theirs);
            true
        }
        _ => false,
    }
}

/// A member with a new record is asked to sign; the rules that are broken, or the error's last cause.
fn reason(folder: &Folder, delegation: &Value, more: &str) -> String {
    folder.write("changed.json", delegation.to_string());
    let _ = std::fs::remove_file(folder.path().join("record"));
    let run = folder.run(&format!(
        "--json covenant sign --params params.json --delegation changed.json --record record \
         --secret-key-file signer.key {more}"
    ));
    match run.code() {
        Some(0) => "signed".to_owned(),
        Some(1) => {
            assert!(!folder.path().join("record").exists(), "nothing is recorded of what is not signed");
            let answer: Value = serde_json::from_str(&run.stdout()).unwrap();
            let rules =
                answer["violations"].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap());
            rules.collect::<Vec<_>>().join(", ")
        }
        Some(2) => {
            let stderr = run.stderr();
            let cause = stderr.lines().last().unwrap().trim().trim_start_matches("because: ");
            cause.split(" at line ").next().unwrap().to_owned()
        }
        code => panic!("exit {code:?}: {}", run.stderr()),
    }
}

/// What the changes of a field are refused for: of another bit, of its absence, of another stake's value;
/// empty where there is no such change. Where places of a list differ, all reasons.
type Reasons = [String; 3];

fn reasons(folder: &Folder, own: &Delegation, other: &Delegation, more: &str) -> BTreeMap<String, Reasons> {
    let value = |delegation: &Delegation| serde_json::to_value(delegation).unwrap();
    let (own, other) = (value(own), value(other));
    assert_eq!(reason(folder, &own, more), "signed", "unchanged");
    let mut found = Vec::new();
    places(&own, &[], &mut found);
    let mut reasons: BTreeMap<String, [BTreeSet<String>; 3]> = BTreeMap::new();
    for at in found {
        let changes: [&dyn Fn(&mut Value) -> bool; 3] =
            [&|value| place(value, &at).is_some_and(flip), &|value| leave_out(value, &at), &|value| {
                swap(value, &other, &at)
            }];
        let all = reasons.entry(named(&at)).or_default();
        for (change, reasons) in changes.into_iter().zip(all) {
            let mut changed = own.clone();
            if change(&mut changed) {
                reasons.insert(reason(folder, &changed, more));
            }
        }
    }
    let joined = |reasons: BTreeSet<String>| reasons.into_iter().collect::<Vec<_>>().join(" | ");
    reasons.into_iter().map(|(name, of_changes)| (name, of_changes.map(joined))).collect()
}

/// The reasons are these of both stakes, and those of this one.
#[track_caller]
fn assert_reasons(found: &BTreeMap<String, Reasons>, own: &[(&str, [&str; 3])]) {
    let row = |(name, reasons): &(&str, [&str; 3])| ((*name).to_owned(), reasons.map(ToOwned::to_owned));
    let stated: BTreeMap<String, Reasons> = BOTH.iter().chain(own).map(row).collect();
    for (name, reasons) in found {
        assert_eq!(stated.get(name), Some(reasons), "{name}; all of them: {found:#?}");
    }
    assert_eq!(found.len(), BOTH.len() + own.len(), "fields that no stake has");
}

fn folder(first_members: &[usize]) -> Folder {
    let folder = Folder::new();
    folder.write("params.json", history_file(first_members, |_, _| {}));
    // A member of both committees.
    folder.write("signer.key", hex::encode(key("member", 4).to_bytes()));
    assert!(members(0).iter().any(|member| member.public_key() == key("member", 4).public_key()));
    folder
}

#[test]
fn every_field_of_an_included_stake() {
    let own = included_of(0, HEIGHT, 10).0;
    let other = included_of(1, HEIGHT, 10).0;
    let block = own.inclusion.as_ref().unwrap().headers[0].block_hash();
    let more =
        format!("--height {} --network regtest --depth 10 --trusted-header {block}:{HEIGHT}", HEIGHT + 10);
    assert_reasons(&reasons(&folder(&[0]), &own, &other, &more), &INCLUDED);
}

#[test]
fn every_field_of_an_extension() {
    let (own, other) = (extended_of(0).delegation, extended_of(1).delegation);
    let more =
        format!("--height {HEIGHT} --network regtest --signing-context {}", consumer_rules().signing_context);
    assert_reasons(&reasons(&folder(&[0, 2]), &own, &other, &more), &EXTENSION);
}
