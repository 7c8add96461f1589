//! `btcstake stake register` and `btcstake covenant submit`.

use serde_json::{Value, json};

use crate::fixtures::delegation::FILES;
use crate::fixtures::process::{Folder, MEMBER_KEY};
use crate::fixtures::secured_chain::SecuredChain;

#[test]
fn stakes_are_registered_by_the_account_that_they_name() {
    let folder = Folder::with_delegation();
    let printed = folder.json("stake register --delegation signed.json --unsigned");
    let message = &printed["body"]["messages"][0];
    assert_eq!(message["@type"], "/babylon.btcstaking.v1.MsgCreateBTCDelegation");
    let account = message["staker_addr"].as_str().unwrap();
    // What the chain would be told is read as the delegation that it is of.
    folder.write("registered.json", message.to_string());
    let own = folder.json(&format!("stake check {FILES} signed.json"));
    assert_eq!(folder.json(&format!("stake check {FILES} registered.json")), own);
    folder.json(&format!("stake register --delegation signed.json --unsigned --from {account}"));
    let other = "bbn1hxux9c0ngteslenm0tsngpgpyy0td89pjf7uqj";
    let line = format!("stake register --delegation signed.json --unsigned --from {other}");
    folder.run(&line).fails(&[account, other]);
    let chain = SecuredChain::start(&folder);
    let line = format!("stake register --delegation signed.json {}", chain.flags());
    folder.run(&line).fails(&[&chain.address, account]);
    folder.run("stake register --delegation draft.json --unsigned").fails(&["pop"]);
}

/// A near miss that only a message can have, which says the amount beside the transaction. A real chain said
/// of it: "the unbonding output value is not expected, expected: 497999, got: 498000".
#[test]
fn unbonding_value_that_is_not_the_transactions_is_refused() {
    let folder = Folder::with_delegation();
    let printed = folder.json("stake register --delegation signed.json --unsigned");
    let message = &printed["body"]["messages"][0];
    assert_eq!(message["unbonding_value"], json!("490400"), "500 000 sat less the fee");
    for wrong in ["490399", "490401"] {
        let mut changed = message.clone();
        changed["unbonding_value"] = json!(wrong);
        folder.write("changed.json", changed.to_string());
        let check = folder.run(&format!("stake check {FILES} changed.json"));
        check.fails(&["--delegation changed.json", "unbonding_value", "0.00490400 BTC"]);
    }
    folder.write("same.json", message.to_string());
    folder.run(&format!("stake check {FILES} same.json")).ends(0);
}

#[test]
fn covenant_signatures_are_verified_before_they_are_sent() {
    let folder = Folder::with_delegation();
    let chain = SecuredChain::start(&folder);
    let files = format!("covenant submit {FILES} signed.json --covenant-signatures covenant1.json");
    let sent = folder.json(&format!("{files} --covenant-signatures covenant2.json {}", chain.flags()));
    assert_eq!(sent["messages"], json!(vec!["/babylon.btcstaking.v1.MsgAddCovenantSigs"; 2]));
    assert_eq!(chain.chain.transactions().len(), 1);
    let message =
        &folder.json(&format!("{files} --unsigned --from {}", chain.address))["body"]["messages"][0];
    assert_eq!((&message["pk"], &message["signer"]), (&json!(MEMBER_KEY), &json!(chain.address)));
    folder.write_changed("covenant1.json", "broken.json", |json: &mut Value| {
        let other = json["slashing_adaptor_signatures"].clone();
        json["unbonding_slashing_adaptor_signatures"] = other;
    });
    let line = format!("covenant submit {FILES} signed.json --covenant-signatures broken.json");
    let refused = folder.run(&format!("--json {line} {}", chain.flags())).json(1);
    assert_eq!(refused["violations"][0]["rule"], "covenant_signatures");
    assert_eq!(chain.chain.transactions().len(), 1);
}
