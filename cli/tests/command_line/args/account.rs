//! The account that signs and pays, by its name in the keystore.

use babylon::testing::serve;
use serde_json::json;

use crate::fixtures::process::{Folder, Run};
use crate::fixtures::secured_chain::SecuredChain;
use crate::fixtures::wire::MsgSelectiveSlashingEvidence;
use crate::key::{QUICK, WITH};

/// The first account of these words (BIP-44, coin 118), whose address is known with the prefix of the first
/// Cosmos chain, cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4. Here prefix and checksum are others.
const WORDS: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const ADDRESS: &str = "bbn19rl4cm2hmr8afy4kldpxz3fka4jguq0at7uvqv";
const UNJAIL: &str =
    "provider unjail --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f";

/// A keystore with the account as `operator`, and a chain that has it.
fn world() -> (Folder, SecuredChain) {
    let folder = Folder::new();
    folder.write("passphrase", "correct horse\n");
    folder.write("operator.words", WORDS);
    let restore = format!(
        "btcstake key restore --name operator --mnemonic-file operator.words --hd-path \"m/44'/118'/0'/0/0\" {QUICK}"
    );
    folder.shell(&restore).warns(0, &["work factor"]);
    let chain = SecuredChain::start(&folder);
    chain.chain.open_account(&ADDRESS.parse().unwrap(), 11, 0);
    chain.chain.jail();
    (folder, chain)
}

fn send(folder: &Folder, chain: &SecuredChain, line: &str, account: &str) -> Run {
    let node = format!("--chain-id bbn-1 --chain-node http://{}", chain.node.address());
    folder.shell(&format!("btcstake --json {line} {node} {account}"))
}

/// The chain verifies the signature, over its id and the account's number.
#[test]
fn account_of_a_mnemonic_is_the_one_that_wallets_have() {
    let (folder, chain) = world();
    let printed = send(&folder, &chain, UNJAIL, &format!("--account operator {WITH}")).json(0);
    assert_eq!(printed["account"], json!(ADDRESS));
    assert_eq!(printed["messages"], json!(["/babylon.finality.v1.MsgUnjailFinalityProvider"]));
    assert_eq!(chain.chain.is_jailed_or_slashed(), (false, false));
    // The messages name it, and the next transaction has the next sequence.
    let key = "fe".repeat(32);
    folder.write("extracted.key", &key);
    let public = folder.json("key show --secret-key-file extracted.key")["public_key"].clone();
    chain.chain.register(public.as_str().unwrap().parse().unwrap(), &ADDRESS.parse().unwrap());
    let report = "evidence submit --selective --yes-publish-the-key --secret-key-file extracted.key";
    send(&folder, &chain, report, &format!("--account operator {WITH}")).json(0);
    let message: MsgSelectiveSlashingEvidence =
        chain.last_messages()[0].read("/babylon.btcstaking.v1.MsgSelectiveSlashingEvidence");
    assert_eq!((message.signer.as_str(), hex::encode(&message.recovered_fp_btc_sk)), (ADDRESS, key));
    assert_eq!(chain.chain.transactions().len(), 2);
}

#[test]
fn account_that_cannot_be_unlocked_sends_nothing() {
    let (folder, chain) = world();
    let fails = |account: &str, words: &[&str]| send(&folder, &chain, UNJAIL, account).fails(words);
    folder.write("wrong", "incorrect horse\n");
    fails("--account operator --passphrase-fd 3 3< wrong", &["--account keystore:operator", "passphrase"]);
    fails(&format!("--account nobody {WITH}"), &["--account keystore:nobody"]);
    fails(&format!("--account operator --account-key-file account.key {WITH}"), &["cannot be used with"]);
    // A name that is none may be a key, and is not repeated.
    let key = "07".repeat(32);
    let run = send(&folder, &chain, UNJAIL, &format!("--account {key}/ {WITH}"));
    assert!(!run.stderr().contains(&key), "{}", run.stderr());
    run.fails(&["--account", "(hidden)"]);
    // The master key of the same words is another account, which the chain does not know.
    let restore = format!("btcstake key restore --name master --mnemonic-file operator.words {QUICK}");
    folder.shell(&restore).warns(0, &["work factor"]);
    fails(&format!("--account master {WITH}"), &["--account", "does not know the account"]);
    assert!(chain.chain.transactions().is_empty());
    // One of another chain is signed for by nobody.
    let other = serve(std::sync::Arc::new(babylon::testing::ScriptedChain::new("bbn-2")));
    let line = format!("btcstake {UNJAIL} --chain-id bbn-1 --chain-node http://{}", other.address());
    folder.shell(&format!("{line} --account operator {WITH}")).fails(&["\"bbn-2\"", "\"bbn-1\""]);
}
