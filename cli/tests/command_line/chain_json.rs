//! A delegation as a node of the chain answers it: every step that ends a stake takes it as it is, without a
//! proof of possession.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::delegation::{ADDRESS, FILES, secret, write_all};
use crate::process::Folder;

fn base64(hex: &Value) -> String {
    BASE64_STANDARD.encode(hex::decode(hex.as_str().unwrap()).unwrap())
}

/// What a node answers for one of our delegations: hex beside base64, 64-bit numbers as text.
pub(crate) fn answer(own: &Value) -> Value {
    let members = own["covenant_signatures"].as_array().unwrap();
    let adaptors = |key: &str| -> Vec<Value> {
        let of = |member: &Value| member[key].as_array().unwrap().iter().map(base64).collect::<Vec<_>>();
        members
            .iter()
            .map(|member| json!({ "cov_pk": member["member"], "adaptor_sigs": of(member) }))
            .collect()
    };
    let unbonding: Vec<_> = members
        .iter()
        .map(|member| json!({ "pk": member["member"], "sig": base64(&member["unbonding_signature"]) }))
        .collect();
    json!({ "btc_delegation": {
        "staker_addr": "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm",
        "btc_pk": own["staker"],
        "fp_btc_pk_list": [own["finality_providers"]],
        "staking_time": own["staking_time_blocks"],
        "start_height": 0, "end_height": 0,
        "total_sat": own["staking_amount_sat"].to_string(),
        "staking_tx_hex": own["staking_transaction"],
        "slashing_tx_hex": own["slashing_transaction"],
        "delegator_slash_sig_hex": own["staker_signatures"]["slashing"],
        "covenant_sigs": adaptors("slashing_adaptor_signatures"),
        "staking_output_idx": 0,
        "active": false,
        "status_desc": "VERIFIED",
        "unbonding_time": own["unbonding_time_blocks"],
        "undelegation_response": {
            "unbonding_tx_hex": own["unbonding_transaction"],
            "covenant_unbonding_sig_list": unbonding,
            "slashing_tx_hex": own["unbonding_slashing_transaction"],
            "delegator_slashing_sig_hex": own["staker_signatures"]["unbonding_slashing"],
            "covenant_slashing_sigs": adaptors("unbonding_slashing_adaptor_signatures"),
            "delegator_unbonding_info_response": null,
        },
        "params_version": 0,
        "stk_exp": null,
    }})
}

#[test]
fn nodes_answer_ends_a_stake_as_our_own_file_does() {
    let folder = Folder::new();
    write_all(&folder);
    let own = folder.delegation("verified.json");
    folder.write("node.json", answer(&own).to_string());
    let one = answer(&own)["btc_delegation"].clone();
    folder.write("page.json", json!({ "btc_delegations": [one], "pagination": null }).to_string());
    let withdraw = format!("--to {ADDRESS} --network regtest --fee-rate 5 --secret-key-file staker.key");
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
    // What the chain and the covenant ask for is not there, and they say so.
    let check = folder.run(&format!("--json stake check {FILES} node.json")).json(1);
    assert_eq!(check["violations"].as_array().unwrap().len(), 1, "{check}");
    assert_eq!(check["violations"][0]["rule"], json!("absent"));
    // A page of several needs the one to be named.
    let one = answer(&own)["btc_delegation"].clone();
    folder.write("two.json", json!({ "btc_delegations": [one, one] }).to_string());
    let step = format!("tx unbond {FILES} two.json");
    folder.run(&step).fails(&["2 delegations", "--staking-txid"]);
    let none = format!("{step} --staking-txid {}", secret(7));
    folder.run(&none).fails(&["2 delegations; none is of"]);
}
