//! `btcstake stake register` and `btcstake covenant submit`.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::{serialize, serialize_hex};
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut};
use serde_json::{Value, json};

use crate::fixtures::delegation::{ADDRESS, FILES, transaction_of, wallet};
use crate::fixtures::process::{Folder, MEMBER_KEY};
use crate::fixtures::secured_chain::{SecuredChain, sent, unsigned};
use crate::fixtures::wire::MsgStakeExpand;

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

/// A transaction that pays this to the wallet.
fn funding(sat: u64) -> Transaction {
    let output =
        TxOut { value: Amount::from_sat(sat), script_pubkey: ScriptBuf::from_hex(&wallet()).unwrap() };
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn::default()],
        output: vec![output],
    }
}

/// An extension is registered with the whole transaction of the coin that pays for it: the chain has it
/// nowhere else.
#[test]
fn extensions_are_registered_with_their_funding_transaction() {
    let folder = Folder::with_delegation();
    let chain = SecuredChain::start(&folder);
    let paying = funding(300_000);
    folder.write("funding.tx", serialize_hex(&paying));
    folder
        .run(&format!(
            "tx extend {FILES} verified.json --height 900001 --amount-sat 600000 --staking-time 64000 \
             --coin {}:0:300000:{} --change {ADDRESS} --fee-rate 5 --out extension.json",
            paying.compute_txid(),
            wallet()
        ))
        .ends(0);
    let sign =
        format!("stake sign {FILES} extension.json --secret-key-file staker.key --address {}", chain.address);
    folder.run(&format!("{sign} --out extension-signed.json")).ends(0);
    let line = format!("stake register --delegation extension-signed.json {}", chain.flags());
    let printed = sent(&folder, &format!("{line} --funding-tx @funding.tx"));
    assert_eq!(printed.messages, ["/babylon.btcstaking.v1.MsgBtcStakeExpand"]);
    let [message] = &chain.last_messages()[..] else { panic!("one message") };
    let message: MsgStakeExpand = message.read("/babylon.btcstaking.v1.MsgBtcStakeExpand");
    let running = transaction_of(&folder.delegation("verified.json"));
    let extension = transaction_of(&folder.delegation("extension-signed.json"));
    assert_eq!(
        message,
        MsgStakeExpand {
            staker_addr: chain.address.clone(),
            staking_time: 64_000,
            staking_value: 600_000,
            staking_tx: serialize(&extension),
            previous_staking_tx_hash: running.compute_txid().to_string(),
            funding_tx: serialize(&paying),
        }
    );
    assert_eq!(extension.input[1].previous_output.txid, paying.compute_txid());
    // As hex on the command line, and for a key that is kept elsewhere, it is the same.
    let hex = format!("--funding-tx {} --unsigned", serialize_hex(&paying));
    let [shown] = &unsigned(&folder, &format!("stake register --delegation extension-signed.json {hex}"))[..]
    else {
        panic!("one message")
    };
    assert_eq!(shown["previous_staking_tx_hash"], json!(running.compute_txid()));
    assert_eq!(shown["staker_addr"], json!(chain.address));

    let before = chain.chain.transactions().len();
    let fails = |more: &str, words: &[&str]| folder.run(&format!("{line} {more}")).fails(words);
    let expected = format!("must be {}", paying.compute_txid());
    fails("", &["--funding-tx is absent", &expected, "spends beside the stake"]);
    let other = funding(300_001);
    folder.write("other.tx", serialize_hex(&other));
    let found = format!("--funding-tx is {}", other.compute_txid());
    fails("--funding-tx @other.tx", &[&found, &expected, "spends beside the stake"]);
    fails("--funding-tx @nowhere.tx", &["--funding-tx", "nowhere.tx"]);
    fails("--funding-tx 00", &["--funding-tx", "the transaction ends early"]);
    // A first stake has none.
    let first = line.replace("extension-signed.json", "first.json");
    let sign = sign.replace("extension.json", "draft.json");
    folder.run(&format!("{sign} --out first.json")).ends(0);
    folder
        .run(&format!("{first} --funding-tx @funding.tx"))
        .fails(&["--funding-tx is given", "extends none"]);
    assert_eq!(chain.chain.transactions().len(), before);
    sent(&folder, &first);
}
