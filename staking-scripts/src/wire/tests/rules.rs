//! One broken field at a time: the error names its path and the rule.

use bitcoin::base64::Engine as _;
use bitcoin::base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::read;
use crate::wire::{MAX_INPUT, WireKind, read_json, read_protobuf};

/// Returns a sample with the value at a JSON pointer replaced, or removed.
fn broken(name: &str, pointer: &str, value: Option<Value>) -> String {
    let mut sample: Value = serde_json::from_str(&read(&format!("samples/{name}"))).unwrap();
    match value {
        Some(value) => *sample.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value,
        None => {
            let (parent, member) = pointer.rsplit_once('/').unwrap();
            let parent = sample.pointer_mut(parent).unwrap();
            match parent {
                Value::Object(members) => assert!(members.remove(member).is_some(), "{pointer}"),
                Value::Array(list) => drop(list.remove(member.parse().unwrap())),
                _ => panic!("{pointer}"),
            }
        }
    }
    sample.to_string()
}

fn said(name: &str, pointer: &str, value: Option<Value>) -> String {
    read_json(&broken(name, pointer, value)).expect_err(pointer).to_string()
}

fn says(name: &str, pointer: &str, value: Option<Value>, expected: &str) {
    let error = said(name, pointer, value);
    assert!(error.starts_with(expected), "{pointer}: {error}\nnot: {expected}");
}

const ACTIVE: &str = "query-delegation-active.json";
const FIRST_MEMBER: &str = "0365ce615160dcdf69e8887a2e8a963a119e1d29750afc120e73d0e79dbae44c";

#[test]
fn read_json_names_path_and_rule_of_a_broken_response() {
    let x = |pointer: &str, value: Value, expected: &str| {
        says(ACTIVE, &format!("/btc_delegation{pointer}"), Some(value), &format!("btc_delegation{expected}"));
    };
    says(ACTIVE, "/btc_delegation", Some(Value::Null), "btc_delegation: missing");
    x("", json!([]), ": a list; must be an object");
    x("/btc_pk", json!("zz"), ".btc_pk: not hex: ");
    x("/btc_pk", json!("00"), ".btc_pk: 1 bytes; must be 32");
    x("/btc_pk", json!(null), ".btc_pk: missing");
    x("/btc_pk", json!("ff".repeat(32)), ".btc_pk: ffff");
    x("/btc_pk", json!(7), ".btc_pk: a number; must be text");
    x("/fp_btc_pk_list", json!([]), ".fp_btc_pk_list: missing");
    x("/fp_btc_pk_list", json!({}), ".fp_btc_pk_list: an object; must be a list");
    x("/fp_btc_pk_list", json!([FIRST_MEMBER, FIRST_MEMBER]), ".fp_btc_pk_list[1]: 0365ce61");
    x("/fp_btc_pk_list", json!(vec![FIRST_MEMBER; 1001]), ".fp_btc_pk_list: 1001 entries; must be at most");
    x("/staking_time", json!(0), ".staking_time: missing");
    x("/staking_time", json!(-1), ".staking_time: -1 is no number for this field; must be a whole");
    x("/staking_time", json!(1.5), ".staking_time: 1.5 is no number");
    x("/staking_time", json!("4294967296"), ".staking_time: 4294967296 is no number");
    x("/total_sat", json!("0"), ".total_sat: 0 is no number for this field; must be an amount from 1");
    x("/total_sat", json!("2100000000000001"), ".total_sat: 2100000000000001 is no number");
    x("/total_sat", json!("+1"), ".total_sat: +1 is no number");
    x("/staking_tx_hex", json!(""), ".staking_tx_hex: missing");
    x("/staking_tx_hex", json!("0200"), ".staking_tx_hex: not the bytes of a Bitcoin transaction");
    x("/delegator_slash_sig_hex", json!("00"), ".delegator_slash_sig_hex: 1 bytes; must be 64");
    x(
        "/delegator_slash_sig_hex",
        json!("ff".repeat(64)),
        ".delegator_slash_sig_hex: the signature's first half ffff",
    );
    x(
        "/delegator_slash_sig_hex",
        json!(FIRST_MEMBER.to_owned() + &"ff".repeat(32)),
        ".delegator_slash_sig_hex: the signature's second half ffff",
    );
    x("/covenant_sigs/1/adaptor_sigs/0", json!("*"), ".covenant_sigs[1].adaptor_sigs[0]: not base64");
    x(
        "/covenant_sigs/1/adaptor_sigs/0",
        json!("////"),
        ".covenant_sigs[1].adaptor_sigs[0]: the adaptor signature has 3 bytes; must have 65",
    );
    x("/covenant_sigs/1/adaptor_sigs", json!([]), ".covenant_sigs[1].adaptor_sigs: 0 entries; must be 1");
    x("/covenant_sigs/1/cov_pk", json!(FIRST_MEMBER), ".covenant_sigs[1].cov_pk: 0365ce61");
    x(
        "/undelegation_response/covenant_unbonding_sig_list/0/sig",
        json!(""),
        ".undelegation_response.covenant_unbonding_sig_list[0].sig: missing",
    );
    x(
        "/undelegation_response/delegator_unbonding_info_response",
        json!({"spend_stake_tx_hex": "0"}),
        ".undelegation_response.delegator_unbonding_info_response.spend_stake_tx_hex: not hex",
    );
    x("/stk_exp", json!({}), ".stk_exp.previous_staking_tx_hash_hex: missing");
    x(
        "/stk_exp",
        json!({"previous_staking_tx_hash_hex": "00"}),
        ".stk_exp.previous_staking_tx_hash_hex: `00` is unknown; must be a txid",
    );
}

#[test]
fn read_json_refuses_a_transaction_with_trailing_bytes() {
    let sample: Value = serde_json::from_str(&read(&format!("samples/{ACTIVE}"))).unwrap();
    let hex = sample["btc_delegation"]["staking_tx_hex"].as_str().unwrap().to_owned() + "00";
    says(
        ACTIVE,
        "/btc_delegation/staking_tx_hex",
        Some(json!(hex)),
        "btc_delegation.staking_tx_hex: not the bytes of a Bitcoin transaction",
    );
}

#[test]
fn read_json_names_a_member_in_one_list_only() {
    let unbonding = "btc_delegation.undelegation_response.covenant_unbonding_sig_list";
    says(
        ACTIVE,
        "/btc_delegation/undelegation_response/covenant_unbonding_sig_list/0",
        None,
        &format!("{unbonding}: nothing of covenant member {FIRST_MEMBER}, who is in covenant_sigs"),
    );
    says(
        ACTIVE,
        "/btc_delegation/covenant_sigs/0",
        None,
        &format!("btc_delegation.covenant_sigs: nothing of covenant member {FIRST_MEMBER}, who is in und"),
    );
    says(
        "rest-delegation-extension-active.json",
        "/stk_exp/previous_stk_covenant_sigs/0",
        None,
        &format!("stk_exp.previous_stk_covenant_sigs: nothing of covenant member {FIRST_MEMBER}"),
    );
}

#[test]
fn read_json_names_path_and_rule_of_a_broken_message() {
    let name = "rest-tx-create-btc-delegation.json";
    let x = |field: &str, value: Option<Value>, expected: &str| {
        let expected = format!("tx.body.messages[0].{expected}");
        says(name, &format!("/tx/body/messages/0/{field}"), value, &expected);
    };
    x("pop", None, "pop: missing");
    x("pop/btc_sig_type", Some(json!("SHA1")), "pop.btc_sig_type: `SHA1` is unknown; must be BIP340 (0)");
    x("pop/btc_sig_type", Some(json!(3)), "pop.btc_sig_type: 3 is no number for this field; must be BIP340");
    x("pop/btc_sig", None, "pop.btc_sig: missing");
    x("staker_addr", None, "staker_addr: missing");
    x("slashing_tx", None, "slashing_tx: missing");
    x("unbonding_tx", Some(json!("AA")), "unbonding_tx: not base64");
    x("unbonding_value", None, "unbonding_value: 0 is no number");
    x("delegator_unbonding_slashing_sig", None, "delegator_unbonding_slashing_sig: missing");
    let proof = |key: Value, proof: &str| Some(json!({"key": key, "proof": proof}));
    x("staking_tx_inclusion_proof", proof(json!(null), ""), "staking_tx_inclusion_proof.key: missing");
    x(
        "staking_tx_inclusion_proof",
        proof(json!({"index": 1, "hash": "00"}), ""),
        "staking_tx_inclusion_proof.key.hash: 1 bytes; must be 32",
    );
    x(
        "staking_tx_inclusion_proof",
        proof(json!({"hash": "00".repeat(32)}), "////"),
        "staking_tx_inclusion_proof.proof: 3 bytes; must be a multiple of 32",
    );
}

/// A node prints hex beside base64; who copies the one for the other is told so.
#[test]
fn read_json_names_the_other_encoding() {
    let name = "rest-tx-create-btc-delegation.json";
    let sample: Value = serde_json::from_str(&read(&format!("samples/{name}"))).unwrap();
    let message = "/tx/body/messages/0";
    let field =
        |field: &str| sample.pointer(&format!("{message}/{field}")).unwrap().as_str().unwrap().to_owned();
    for bytes in ["staking_tx", "slashing_tx", "unbonding_tx", "delegator_slashing_sig", "pop/btc_sig"] {
        let hex = hex::encode(STANDARD.decode(field(bytes)).unwrap());
        let path = bytes.replace('/', ".");
        let expected = "not base64 of the standard alphabet with padding: it is hex, must be base64";
        let expected = format!("tx.body.messages[0].{path}: {expected}");
        says(name, &format!("{message}/{bytes}"), Some(json!(hex)), &expected);
    }
    let base64 = STANDARD.encode(hex::decode(field("btc_pk")).unwrap());
    let error = said(name, &format!("{message}/btc_pk"), Some(json!(base64)));
    assert!(error.starts_with("tx.body.messages[0].btc_pk: not hex: "), "{error}");
    assert!(error.ends_with("; it reads as base64, must be hex"), "{error}");
    let transaction = "/btc_delegation/staking_tx_hex";
    let error = said(ACTIVE, transaction, Some(json!(field("staking_tx"))));
    assert!(error.starts_with("btc_delegation.staking_tx_hex: not hex: "), "{error}");
    assert!(error.ends_with("; it reads as base64, must be hex"), "{error}");
}

/// The proof of an inclusion in base64, as a node prints it, and in hex.
#[test]
fn read_json_takes_an_inclusion_proof_in_base64_and_in_hex() {
    let mut sample: Value =
        serde_json::from_str(&read("samples/rest-tx-create-btc-delegation.json")).unwrap();
    let siblings: Vec<u8> = (0..96).collect();
    let mut with = |proof: String| {
        let key = json!({ "index": 5, "hash": "01".repeat(32) });
        sample["tx"]["body"]["messages"][0]["staking_tx_inclusion_proof"] =
            json!({ "key": key, "proof": proof });
        read_json(&sample.to_string()).unwrap().remove(0).inclusion.unwrap()
    };
    let inclusion = with(STANDARD.encode(&siblings));
    assert_eq!((inclusion.position, &inclusion.siblings), (5, &siblings));
    assert_eq!(with(hex::encode(&siblings)), inclusion);
    assert_eq!(with(hex::encode_upper(&siblings)), inclusion);
}

#[test]
fn read_json_ignores_unknown_fields_and_absent_zeros() {
    let plain = read_json(&read(&format!("samples/{ACTIVE}"))).unwrap();
    let mut sample: Value = serde_json::from_str(&read(&format!("samples/{ACTIVE}"))).unwrap();
    let members = sample["btc_delegation"].as_object_mut().unwrap();
    members.insert("new_in_v9".into(), json!({"a": [1]}));
    for zero in ["staking_output_idx", "params_version", "stk_exp"] {
        members.remove(zero).unwrap();
    }
    assert_eq!(read_json(&sample.to_string()).unwrap(), plain);
    let page = json!({"btc_delegations": [sample["btc_delegation"]], "pagination": null});
    assert_eq!(read_json(&page.to_string()).unwrap(), plain);
    assert_eq!(read_json(r#"{"btc_delegations": [], "pagination": {"total": "0"}}"#).unwrap(), []);
}

#[test]
fn read_json_refuses_what_has_no_delegation() {
    for text in ["{}", "[]", "null", "7", r#"{"tx": 1}"#, r#"{"@type": "/cosmos.bank.v1beta1.MsgSend"}"#] {
        let error = read_json(text).unwrap_err().to_string();
        assert!(error.starts_with("no delegation is in this JSON"), "{text}: {error}");
    }
    let error = read_json(r#"{"tx":{"body":{"messages":[{"@type":"/a.MsgB"}]}}}"#).unwrap_err();
    assert!(error.to_string().starts_with("no delegation"), "{error}");
    let error = read_json(r#"{"btc_delegation": {}, "btc_delegation": {}}"#).unwrap_err();
    assert!(format!("{error:?}").contains("stands twice"), "{error:?}");
}

#[test]
fn read_json_and_read_protobuf_refuse_large_input() {
    let error = read_json(&" ".repeat(MAX_INPUT + 1)).unwrap_err().to_string();
    assert_eq!(error, "the input has 16777217 bytes; must be at most 16777216");
    let error = read_json(&format!("{{\"btc_delegations\":[{}0]}}", "0,".repeat(10_000))).unwrap_err();
    assert!(error.to_string().starts_with("btc_delegations: more than 10000 delegations"), "{error}");
    for kind in [WireKind::Delegation, WireKind::Delegations, WireKind::ProviderDelegations] {
        // A million empty delegations.
        let error = read_protobuf(kind, &[0x0a, 0].repeat(1_000_000)).unwrap_err().to_string();
        assert!(error.contains("more than 10000 delegations"), "{error}");
    }
    let error = read_protobuf(WireKind::Create, &vec![0; (4 << 20) + 1]).unwrap_err().to_string();
    assert_eq!(error, "MsgCreateBTCDelegation: 4194305 bytes; must be at most 4194304");
    assert!(read_json(&"[".repeat(100_000)).is_err());
}
