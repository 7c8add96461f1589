//! Delegations as files hold them: our own, which are of the published schema at every step of their way, and
//! a node's answer.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use btcstake::outputs::{BuiltTransaction, Refused, StakeCheck, Verdict};
use serde_json::{Value, json};

use crate::fixtures::delegation::{ACCOUNT, ADDRESS, FILES, SCHEMA, STAKER, node_answer, secret};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

#[test]
fn files_are_of_the_schema_from_draft_to_verified() {
    let folder = Folder::with_delegation();
    for file in ["draft.json", "signed.json", "verified.json"] {
        folder.delegation(file);
    }
}

/// What the schema refuses, the commands refuse too.
#[test]
fn files_that_are_not_of_the_schema_are_refused() {
    let folder = Folder::with_delegation();
    let sound = folder.delegation("verified.json");
    let mut refused = 0;
    let mut refuse = |name: &str, harm: &dyn Fn(&mut Value)| {
        let mut changed = sound.clone();
        harm(&mut changed);
        assert!(!SCHEMA.is_valid(&changed), "{name}");
        folder.write("changed.json", changed.to_string());
        folder.run(&format!("stake check {FILES} changed.json")).fails(&["--delegation"]);
        refused += 1;
    };
    refuse("an unknown field", &|file| file["unheard_of"] = Value::Null);
    refuse("an unknown field of an answer", &|file| file["covenant_signatures"][0]["unheard_of"] = json!(1));
    refuse("a number as text", &|file| file["staking_amount_sat"] = json!("500000"));
    refuse("a key that is too short", &|file| file["staker"] = json!("00"));
    refuse("a list for the whole", &|file| *file = json!([]));
    // What a source may lack.
    let optional = [
        "extends",
        "inclusion",
        "proof_of_possession",
        "staker_signatures",
        "covenant_signatures",
        "parameters_height",
        "unbonding_transaction",
        "slashing_transaction",
        "unbonding_slashing_transaction",
    ];
    let fields: Vec<_> = sound.as_object().unwrap().keys().cloned().collect();
    for field in fields.iter().filter(|field| !optional.contains(&field.as_str())) {
        refuse(field, &|file| {
            file.as_object_mut().unwrap().remove(field);
        });
    }
    assert_eq!(refused, 5 + 6);
}

/// Adaptor signatures of 65 bytes and of 66, and no others, in the schema as in the program.
#[test]
fn adaptor_signatures_of_both_lengths_are_of_the_schema() {
    let folder = Folder::with_delegation();
    let sound = folder.delegation("verified.json");
    let keys = ["slashing_adaptor_signatures", "unbonding_slashing_adaptor_signatures"];
    let with = |form: &dyn Fn(&str) -> String| {
        let mut changed = sound.clone();
        for member in changed["covenant_signatures"].as_array_mut().unwrap() {
            for key in keys {
                let digits = member[key][0].as_str().unwrap().to_owned();
                member[key][0] = json!(form(&digits));
            }
        }
        changed
    };
    let old = |digits: &str| {
        let parity = if digits.starts_with("03") { "01" } else { "00" };
        format!("02{}{parity}", &digits[2..])
    };
    let changed = with(&old);
    assert!(SCHEMA.is_valid(&changed));
    assert_ne!(changed, sound);
    folder.write("old-form.json", changed.to_string());
    let step = |file: &str| format!("tx slash {FILES} {file} --provider-key-file provider.key");
    assert_eq!(folder.json(&step("old-form.json")), folder.json(&step("verified.json")));
    let check: StakeCheck = folder.output(&format!("stake check {FILES} old-form.json"));
    assert_eq!(check.covenant_signature_count, 2);
    // Of the old form the first byte is 02, and the last one 00 or 01; of the other lengths there are none.
    let wrongs: [&dyn Fn(&str) -> String; 4] = [
        &|digits| format!("03{}01", &digits[2..]),
        &|digits| format!("02{}02", &digits[2..]),
        &|digits| digits[2..].to_owned(),
        &|digits| format!("{}00", old(digits)),
    ];
    for (number, wrong) in wrongs.into_iter().enumerate() {
        let changed = with(wrong);
        assert!(!SCHEMA.is_valid(&changed), "{number}");
        folder.write("wrong.json", changed.to_string());
        folder.run(&format!("stake check {FILES} wrong.json")).fails(&["--delegation", "adaptor signature"]);
    }
}

/// The siblings of an inclusion in hex, and in base64 as a node prints them, in the schema as in the program.
#[test]
fn inclusion_proof_in_hex_and_in_base64_is_of_the_schema() {
    let folder = Folder::with_delegation();
    let with = |siblings: &str| {
        let mut changed = folder.delegation("verified.json");
        let header = "00".repeat(80);
        changed["inclusion"] =
            json!({ "height": 1, "position": 1, "siblings": siblings, "headers": [header] });
        folder.write("included.json", changed.to_string());
        // The header has no work, so that a delegation that is read is not accepted.
        let run = folder.run(&format!("stake check {FILES} included.json"));
        (SCHEMA.is_valid(&changed), run.code() == Some(1))
    };
    for nodes in [1, 2, 3, 4, 32] {
        let bytes: Vec<u8> = (0..32 * nodes).map(|byte| byte as u8).collect();
        assert_eq!(with(&hex::encode(&bytes)), (true, true), "{nodes} in hex");
        assert_eq!(with(&BASE64_STANDARD.encode(&bytes)), (true, true), "{nodes} in base64");
        let (more, less) = ([&bytes[..], &[1]].concat(), &bytes[1..]);
        for other in [&more[..], less] {
            assert_eq!(with(&hex::encode(other)), (false, false), "{nodes}");
            assert_eq!(with(&BASE64_STANDARD.encode(other)), (false, false), "{nodes}");
        }
    }
    let too_many = [7; 32 * 33];
    assert_eq!(with(&BASE64_STANDARD.encode(too_many)), (false, false));
    assert_eq!(with(&hex::encode(too_many)), (false, false));
}

/// A stake that breaks a rule is a negative answer, of each command that ends there.
#[test]
fn stake_that_breaks_a_rule_is_refused_with_its_violations() {
    let folder = Folder::with_delegation();
    let mut parameters = crate::fixtures::delegation::parameters();
    parameters[0]["min_staking_value_sat"] = json!("500001");
    folder.write("small.json", parameters.to_string());
    let files = "--network regtest --params small.json --delegation";
    for step in [
        format!("stake sign {files} draft.json --secret-key-file staker.key --address {ACCOUNT}"),
        format!("psbt finalize {files} verified.json --psbt @stake.psbt"),
        format!(
            "covenant sign --dangerously-without-height {files} signed.json --record r.jsonl --secret-key-file member.key"
        ),
    ] {
        let refused: Refused = folder.run(&format!("--json {step}")).output(1);
        assert!(!refused.accepted, "{step}");
        let rules: Vec<_> = refused.violations.iter().map(|found| found.rule.as_str()).collect();
        assert_eq!(rules, ["staking_amount"], "{step}");
        let text = folder.run(&step).ends(1).stdout();
        assert!(text.contains("refused: 1 rule is broken") && text.contains("staking_amount: "), "{text}");
    }
    assert!(!folder.path().join("r.jsonl").exists());
    // Covenant signatures are verified, added and used all the same: it can still be unbonded.
    let check = format!("covenant check {files} signed.json --covenant-signatures covenant1.json");
    assert!(folder.output::<Verdict>(&check).valid);
    let add = "--covenant-signatures covenant1.json --covenant-signatures covenant2.json --out added.json";
    folder.run(&format!("stake add {files} signed.json {add}")).ends(0);
    let unbond = format!("tx unbond {files} added.json --secret-key-file staker.key");
    let unbonded: BuiltTransaction = folder.output(&unbond);
    assert!(unbonded.transaction.is_some() && unbonded.warnings.len() == 1, "{unbonded:?}");
}

/// A message that registers a stake names no version: the one that makes its outputs is taken, and said.
#[test]
fn version_that_is_not_named_is_found() {
    let folder = Folder::with_delegation();
    folder.write_changed("verified.json", "unnamed.json", |json| {
        json.as_object_mut().unwrap().remove("parameters_height");
    });
    // A later version with another committee.
    let mut parameters = crate::fixtures::delegation::parameters();
    let mut later = parameters[0].clone();
    later["btc_activation_height"] = json!(4_000_000);
    later["covenant_pks"] = json!([STAKER, PROVIDER_KEY]);
    parameters.as_array_mut().unwrap().push(later);
    folder.write("later.json", parameters.to_string());
    let unbond = |files: &str| {
        let step = format!("tx unbond {files} --secret-key-file staker.key");
        folder.output::<BuiltTransaction>(&step)
    };
    let named = unbond("--network regtest --params later.json --delegation verified.json");
    let found = unbond("--network regtest --params later.json --delegation unnamed.json");
    assert_eq!(found.transaction, named.transaction);
    assert_eq!(named.warnings, Vec::<String>::new());
    let taken = "the delegation names no parameters version; 0 is taken, by its outputs";
    assert_eq!(found.warnings, [taken]);
}

/// Every step that ends a stake takes the answer as it is, without a proof of possession.
#[test]
fn nodes_answer_ends_a_stake_as_our_own_file_does() {
    let folder = Folder::with_delegation();
    let own = folder.delegation("verified.json");
    folder.write("node.json", node_answer(&own).to_string());
    let one = node_answer(&own)["btc_delegation"].clone();
    folder.write("page.json", json!({ "btc_delegations": [one], "pagination": null }).to_string());
    let withdraw = format!("--to {ADDRESS} --fee-rate 5 --secret-key-file staker.key");
    for step in [
        "tx unbond --secret-key-file staker.key".to_owned(),
        "tx slash --provider-key-file provider.key".to_owned(),
        "tx slash --unbonding --provider-key-file provider.key".to_owned(),
        format!("tx withdraw --from staking {withdraw}"),
        format!("tx withdraw --from unbonding {withdraw}"),
        format!("tx withdraw --from slashing {withdraw}"),
    ] {
        let of = |file: &str| folder.json(&format!("{step} {FILES} {file}"));
        assert_eq!(of("node.json"), of("verified.json"), "{step}");
        assert_eq!(of("page.json"), of("verified.json"), "{step}");
    }
    // What the chain and the covenant ask for is not there, and they say so; the signatures are counted.
    let check: StakeCheck = folder.run(&format!("--json stake check {FILES} node.json")).output(1);
    assert_eq!(check.violations.iter().map(|found| &found.rule).collect::<Vec<_>>(), ["absent"]);
    assert_eq!(check.covenant_signature_count, 2);
    let sign = format!(
        "covenant sign --dangerously-without-height {FILES} node.json --record r.jsonl --secret-key-file member.key"
    );
    folder.run(&format!("--json {sign}")).json(1);
    // A registered stake is verified, added to and finalized without a proof of possession.
    folder.run(&format!("covenant check {FILES} node.json --covenant-signatures covenant1.json")).ends(0);
    folder.run(&format!("stake add {FILES} node.json --covenant-signatures covenant1.json")).ends(0);
    let finalize = |file: &str| folder.json(&format!("psbt finalize {FILES} {file} --psbt @stake.psbt"));
    assert_eq!(finalize("node.json"), finalize("verified.json"));
    // Of an object with several forms in it, nobody knows which is meant.
    let mut both = node_answer(&own);
    both["btc_delegations"] = json!([both["btc_delegation"]]);
    folder.write("both.json", both.to_string());
    folder.run(&format!("tx unbond {FILES} both.json")).fails(&["--delegation", "not a delegation"]);
    let mut mixed = own.clone();
    mixed["btc_delegation"] = node_answer(&own)["btc_delegation"].clone();
    folder.write("mixed.json", mixed.to_string());
    folder.run(&format!("tx unbond {FILES} mixed.json")).fails(&["--delegation", "btc_delegation"]);
    // Nor is memory taken for a flood of members that nobody reads.
    let flood = format!(r#"{{"btc_delegation":{{}},"x":[{}{{}}]}}"#, r#"{"":0},"#.repeat(200_000));
    folder.write("flood.json", flood);
    folder.run(&format!("tx unbond {FILES} flood.json")).fails(&["more than 200000 objects"]);
    folder.write("list.json", format!(r#"{{"btc_delegations":[{}0]}}"#, "0,".repeat(400_000)));
    folder.run(&format!("tx unbond {FILES} list.json")).fails(&["more than 400000 elements of lists"]);
    // The output that it names holds the stake.
    let mut other = node_answer(&own);
    other["btc_delegation"]["staking_output_idx"] = json!(1);
    folder.write("other-output.json", other.to_string());
    folder
        .run(&format!("tx unbond {FILES} other-output.json"))
        .fails(&["staking_output_idx", "must be the output"]);
    // A page of several needs the one to be named.
    let one = node_answer(&own)["btc_delegation"].clone();
    folder.write("two.json", json!({ "btc_delegations": [one, one] }).to_string());
    let step = format!("tx unbond {FILES} two.json");
    folder.run(&step).fails(&["2 delegations", "--staking-txid"]);
    let none = format!("{step} --staking-txid {}", secret(7));
    folder.run(&none).fails(&["2 delegations; none is of"]);
}
