//! `btcstake provider`, and what all commands that send to the chain have in common.

mod contract;
mod remote;
pub(crate) mod run;

use babylon::testing::{Fault, ScriptedChain};
use serde_json::{Value, json};

use crate::fixtures::process::{Folder, PROVIDER_KEY};
use crate::fixtures::secured_chain::{SecuredChain, sent, unsigned};

const UNJAIL: &str =
    "provider unjail --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f";
const REGISTER: &str = "provider register --secret-key-file provider.key --moniker first --commission-rate 0.05 --commission-max-rate 0.2 --commission-max-change-rate 0.01";

#[test]
fn messages_are_sent_and_waited_for() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    let flags = chain.flags();
    chain.chain.jail();
    chain.chain.register(PROVIDER_KEY.parse().unwrap(), &chain.address.parse().unwrap());
    for (line, kind) in [
        (REGISTER.to_owned(), "/babylon.btcstaking.v1.MsgCreateFinalityProvider"),
        (
            format!("provider edit --public-key {PROVIDER_KEY} --moniker second --commission-rate 0.06"),
            "/babylon.btcstaking.v1.MsgEditFinalityProvider",
        ),
        (UNJAIL.to_owned(), "/babylon.finality.v1.MsgUnjailFinalityProvider"),
        (
            "evidence submit --selective --secret-key-file provider.key --yes-publish-the-key".to_owned(),
            "/babylon.btcstaking.v1.MsgSelectiveSlashingEvidence",
        ),
    ] {
        let before = chain.chain.transactions().len();
        let sent = sent(&folder, &format!("{line} {flags}"));
        assert_eq!((sent.messages.as_slice(), &sent.account), (&[kind.to_owned()][..], &chain.address));
        let made = chain.chain.transactions();
        assert_eq!(made.len(), before + 1);
        let text = String::from_utf8_lossy(&made[before]).into_owned();
        assert!(text.contains(kind), "{text}");
    }
    // What it costs is said.
    let paid = folder.json(&format!(
        "{range} {flags}",
        range = "provider commit --secret-key-file provider.key --height 1000 --count 200"
    ));
    assert_eq!(paid["fee"], "200ubbn");
    // The chain's id is part of what is signed.
    let range = "provider commit --secret-key-file provider.key --height 1200 --count 200";
    let sent = sent(&folder, &format!("{range} {flags}"));
    assert_eq!(sent.messages, ["/babylon.finality.v1.MsgCommitPubRandList"]);
    assert!(sent.height > 0 && sent.transaction_hash.len() == 64);
}

#[test]
fn what_goes_wrong_on_the_way_is_waited_out() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    chain.chain.jail();
    chain.chain.fail([Fault::Lost, Fault::MempoolFull, Fault::OutOfGas, Fault::AnswerLost]);
    let sent = sent(&folder, &format!("{UNJAIL} {}", chain.flags()));
    // What is out of gas has another, with twice as much; what was lost is the same transaction.
    assert_eq!(chain.chain.transactions().len(), 2, "{sent:?}");
}

#[test]
fn what_the_chain_refuses_is_a_negative_answer() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    let refused = folder.run(&format!("--json {UNJAIL} {}", chain.flags())).json(1);
    let text = refused["violations"][0]["message"].as_str().unwrap();
    assert!(text.contains("the finality provider is not jailed"), "{text}");
    chain.chain.jail();
    chain.chain.fail([Fault::OutOfGas]);
    let refused = folder.run(&format!("--json {UNJAIL} {} --gas 70000", chain.flags())).json(1);
    assert_eq!(refused["violations"][0]["rule"], "refused_by_chain");
    let text = refused["violations"][0]["message"].as_str().unwrap();
    assert!(text.contains("out of gas"), "{text}");
}

#[test]
fn who_sends_is_said_exactly_once() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    let node = format!("--chain-node http://{}", chain.node.address());
    let fails = |flags: &str, words: &[&str]| folder.run(&format!("{UNJAIL} {flags}")).fails(words);
    fails("", &["--account"]);
    fails("--unsigned", &["--from is absent"]);
    fails(
        "--unsigned --from cosmos1hsk6jryyqjfhp5dhc55tc9jtckygx0eph6dd02",
        &["--from is an address of \"cosmos\""],
    );
    let from = "--from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    fails(&format!("{} {from}", chain.flags()), &["cannot be used with"]);
    let other = format!("{node} --chain-id bbn-2 --unsigned {from}");
    fails(&other, &["\"bbn-1\"", "--chain-node is of the chain", "must be of \"bbn-2\""]);
    fails("--account-key-file account.key", &["--chain-node is absent"]);
    fails(&format!("{node} --account-key-file account.key"), &["--chain-id is absent"]);
    fails(&format!("{node} --account-key-file account.key --unsigned"), &["cannot be used with"]);
    fails(&format!("{node} --account-key-file account.key --chain-id bbn-2"), &["\"bbn-1\"", "\"bbn-2\""]);
    fails(
        &format!("{node} --account-key-file provider.key --chain-id bbn-1"),
        &["does not know the account", "must be paid first"],
    );
    fails(
        "--chain-node http://127.0.0.1:1 --account-key-file account.key --chain-id bbn-1",
        &["--chain-node", "127.0.0.1:1"],
    );
    fails(
        &format!("{node} --account-key-file account.key --chain-id bbn-1 --gas-prices 1"),
        &["--gas-prices"],
    );
    assert!(chain.chain.transactions().is_empty());
    // It publishes a key.
    chain.chain.register(PROVIDER_KEY.parse().unwrap(), &chain.address.parse().unwrap());
    folder
        .run(&format!("evidence submit --selective --secret-key-file provider.key {}", chain.flags()))
        .fails(&["publishes the secret key", "--yes-publish-the-key"]);
    // And it is of a provider's key alone.
    for (key, words) in [("account.key", "of the account itself"), ("member.key", "is no finality provider")]
    {
        folder
            .run(&format!(
                "evidence submit --selective --yes-publish-the-key --secret-key-file {key} {}",
                chain.flags()
            ))
            .fails(&[words]);
    }
    assert!(chain.chain.transactions().is_empty());
    chain.chain.jail();
    // The second node is asked where the first one does not answer.
    sent(&folder, &format!("{UNJAIL} --chain-node http://127.0.0.1:1 {}", chain.flags()));
}

/// A node of another chain is passed over, also where nothing but a block is asked for.
#[test]
fn nodes_of_other_chains_are_passed_over() {
    let folder = Folder::new();
    let chain = SecuredChain::start(&folder);
    let other = babylon::testing::serve(std::sync::Arc::new(ScriptedChain::new("bbn-2")));
    let first = format!("--chain-node http://{}", other.address());
    chain.chain.jail();
    sent(&folder, &format!("{UNJAIL} {first} {}", chain.flags()));
    chain.chain.advance(20);
    let vote = "provider vote --secret-key-file provider.key --dangerously-unprotected --height 7 --commitment-start 1 \
                --commitment-count 9 --chain-id bbn-1 --unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let own = format!("--chain-node http://{}", chain.node.address());
    assert_eq!(
        unsigned(&folder, &format!("{vote} {first} {own}")),
        unsigned(&folder, &format!("{vote} {own}"))
    );
    folder.run(&format!("{vote} {first}")).fails(&["\"bbn-2\"", "must be of \"bbn-1\""]);
}

#[test]
fn unsigned_transactions_are_for_babylond() {
    let folder = Folder::new();
    let from = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let flags = format!("--unsigned --from {from}");
    let messages = unsigned(&folder, &format!("{REGISTER} {flags}"));
    let pop =
        folder.json(&format!("pop create --type bip340 --secret-key-file provider.key --address {from}"));
    use bitcoin::base64::Engine as _;
    let signature = hex::decode(pop["signature"].as_str().unwrap()).unwrap();
    let signature = bitcoin::base64::prelude::BASE64_STANDARD.encode(signature);
    assert_eq!(
        messages,
        [json!({
            "@type": "/babylon.btcstaking.v1.MsgCreateFinalityProvider",
            "addr": from,
            "btc_pk": PROVIDER_KEY,
            "commission": {
                "max_change_rate": "0.010000000000000000",
                "max_rate": "0.200000000000000000",
                "rate": "0.050000000000000000",
            },
            "description": {
                "details": "", "identity": "", "moniker": "first", "security_contact": "", "website": "",
            },
            "pop": { "btc_sig": signature, "btc_sig_type": "BIP340" },
        })]
    );
    let fee =
        &folder.json(&format!("{UNJAIL} {flags} --gas 300000 --gas-prices 0.5ubbn"))["auth_info"]["fee"];
    assert_eq!(fee["gas_limit"], "300000");
    assert_eq!(fee["amount"], json!([{ "amount": "150000", "denom": "ubbn" }]));
}

/// A vote is proven by the commitment that has its height.
#[test]
fn votes_are_proven() {
    let folder = Folder::new();
    let from = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let hash = "aa".repeat(32);
    folder.write(
        "block.json",
        json!({ "block": { "height": "150", "app_hash": hash, "finalized": false } }).to_string(),
    );
    let line = "provider vote --secret-key-file provider.key --dangerously-unprotected --chain-id bbn-1 --block block.json";
    let messages = unsigned(
        &folder,
        &format!("{line} --commitment-start 100 --commitment-count 200 --unsigned --from {from}"),
    );
    let vote = folder.json("eots vote --secret-key-file provider.key --dangerously-unprotected --chain-id bbn-1 --block block.json");
    let proof = folder.json(
        "eots prove --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 200 --index 50",
    );
    use bitcoin::base64::Engine as _;
    let base64 = |hex: &Value| {
        bitcoin::base64::prelude::BASE64_STANDARD.encode(hex::decode(hex.as_str().unwrap()).unwrap())
    };
    assert_eq!(messages[0]["finality_sig"], base64(&vote["signature"]));
    assert_eq!(messages[0]["pub_rand"], base64(&vote["public_randomness"]));
    assert_eq!(messages[0]["proof"]["index"], "50");
    assert_eq!(messages[0]["proof"]["leaf_hash"], base64(&proof["leaf_hash"]));
    let outside = format!("{line} --commitment-start 151 --commitment-count 200 --unsigned --from {from}");
    folder.run(&outside).fails(&["no commitment has the height 150"]);
    folder.run(&format!("{line} --unsigned --from {from}")).fails(&["--commitment-start is absent"]);
    // What is signed is recorded, and another block is refused.
    folder
        .run(&format!(
            "signer init --protection vote.db --public-key {PROVIDER_KEY} --chain-id bbn-1 --from-height 1"
        ))
        .ends(0);
    let line = "provider vote --secret-key-file provider.key --protection vote.db --chain-id bbn-1 --commitment-start 100 --commitment-count 200";
    let line = format!("{line} --unsigned --from {from} --block");
    let again: Vec<_> = (0..2).map(|_| unsigned(&folder, &format!("{line} block.json"))).collect();
    assert_eq!((&again[0], &again[1]), (&messages, &messages));
    folder.write(
        "other.json",
        json!({ "block": { "height": "150", "app_hash": "bb".repeat(32) } }).to_string(),
    );
    let refused = folder.run(&format!("--json {line} other.json")).json(1);
    assert_eq!(refused["violations"][0]["rule"], "double_sign");
    folder.write(
        "foreign.json",
        json!({ "header": { "chain_id": "bbn-2", "height": "150", "app_hash": hash } }).to_string(),
    );
    folder.run(&format!("{line} foreign.json")).fails(&["bbn-2"]);
}

#[test]
fn what_no_chain_takes_is_refused_before() {
    let folder = Folder::new();
    let from = "--unsigned --from bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let fails = |line: &str, words: &[&str]| folder.run(&format!("{line} {from}")).fails(words);
    fails(
        &REGISTER.replace("--commission-max-rate 0.2", "--commission-max-rate 0.02"),
        &["--commission-rate is 0.05", "0.02"],
    );
    fails(&REGISTER.replace("change-rate 0.01", "change-rate 0.3"), &["--commission-max-change-rate"]);
    fails(&REGISTER.replace("--moniker first", "--moniker="), &["--moniker"]);
    let vote = "provider vote --secret-key-file provider.key --dangerously-unprotected --chain-id bbn-1 --commitment-start 1 --commitment-count 9";
    let last = format!("{vote} --height 18446744073709551615 --chain-node http://127.0.0.1:1");
    fails(&last, &["--height", "2^64"]);
    folder.write("secret", "x".repeat(40));
    let stray = "provider commit --secret-key-file provider.key --signer-secret-file secret --chain-id bbn-1 --height 1";
    fails(stray, &["--signer-secret-file"]);
    let context = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    fails(
        &format!("{vote} --height 2 --chain-node http://127.0.0.1:1 --signing-context {context}"),
        &["--signing-context"],
    );
}
