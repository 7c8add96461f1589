//! `btcstake stake include`, on a real bitcoind; what it sends to the chain, on a chain in this process.

use btcstake::outputs::{CovenantSigned, Refused, StakeCheck};
use serde_json::{Value, json};

use super::undelegate::check_proof;
use crate::fixtures::bitcoin::Served;
use crate::fixtures::delegation::FILES;
use crate::fixtures::node::Regtest;
use crate::fixtures::secured_chain::{SecuredChain, sent, unsigned};
use crate::fixtures::wire::MsgAddInclusionProof;

/// The proof that a stake is in a block goes with the delegation, to who asks no node.
#[test]
fn proof_is_made_of_a_stake_that_is_deep_enough() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("stake");
    let include = format!("stake include {FILES} stake.json --depth 3 --out included.json");
    let include = |words: &[&str]| regtest.run(&include).fails(words);
    include(&["the node has no transaction"]);
    regtest.broadcast("stake.tx");
    include(&["is unconfirmed; must be in a block"]);
    regtest.mine(1);
    let shallow = ["is not shown to be in a block", "is 0 deep; must be at least 3"];
    regtest.run(&format!("stake include {FILES} stake.json --depth 3")).refuses(&shallow);
    regtest.mine(3);
    let include = format!("stake include {FILES} stake.json --depth 3");
    regtest.run(&format!("{include} --out included.json")).ends(0);
    regtest.folder.delegation("included.json");
    let check = "stake check --params params.json --delegation included.json";
    let checked: StakeCheck = regtest.folder.output(&format!("{check} --network regtest --depth 3"));
    assert!(checked.accepted, "{checked:?}");
    let sign = "covenant sign --params params.json --delegation included.json --network regtest --depth 3 --height 108";
    let sign = format!("{sign} --record r.jsonl --secret-key-file member.key");
    for line in [sign.clone(), format!("--json {sign}")] {
        regtest.folder.run(&line).warns(0, &["unanchored", "the height of the inclusion"]);
    }
    for bad in ["--network regtest", "--depth 3"] {
        let refused: StakeCheck = regtest.folder.run(&format!("--json {check} {bad}")).output(1);
        let inclusion = refused.violations.iter().find(|found| found.rule == "inclusion");
        // Read as mainnet's, it is of another network.
        let hint = inclusion.unwrap().message.contains("--network says which");
        assert_eq!(hint, bad == "--depth 3", "{refused:?}");
    }
    let include = "stake include --params params.json --delegation stake.json --depth 3";
    for (network, expected) in [("--network signet", "signet"), ("", "mainnet")] {
        let error = format!("--node is on regtest; must be on {expected}, as --network says");
        regtest.run(&format!("{include} {network} --out wrong.json")).fails(&[error.as_str()]);
    }
}

/// The member's own node in place of its height and a block of its chain: nothing is the staker's word.
#[test]
fn own_node_tells_the_height_and_holds_the_inclusion() {
    let Some(regtest) = Regtest::new() else { return };
    let folder = &regtest.folder;
    regtest.stake("stake");
    regtest.broadcast("stake.tx");
    regtest.mine(4);
    regtest.run(&format!("stake include {FILES} stake.json --depth 3 --out included.json")).ends(0);
    let files = |file: &str| format!("--params params.json --delegation {file} --network regtest --depth 3");
    let check = |file: &str| format!("--json stake check {}", files(file));
    let sign = |file: &str| {
        let key = "--record r.jsonl --secret-key-file member.key";
        format!("--json covenant sign {} {key}", files(file))
    };
    let checked: StakeCheck = regtest.run(&check("included.json")).output(0);
    assert!(checked.accepted && checked.warnings.is_empty(), "{checked:?}");
    let signed: CovenantSigned = regtest.run(&sign("included.json")).output(0);
    assert_eq!(signed.not_checked, checked.not_checked);
    let always = ["registered", "provider_known", "provider_slashed", "funding_is_a_stake"];
    assert_eq!(signed.not_checked, always);
    let refused = |file: &str, rule: &str| {
        let checked: StakeCheck = regtest.run(&check(file)).output(1);
        assert!(checked.violations.iter().any(|found| found.rule == rule), "{rule}: {checked:?}");
        assert_eq!(regtest.run(&sign(file)).output::<Refused>(1).violations, checked.violations);
    };
    folder.write_changed("included.json", "higher.json", |json| json["inclusion"]["height"] = json!(106));
    refused("higher.json", "inclusion_height");
    folder.write_changed("included.json", "future.json", |json| json["inclusion"]["height"] = json!(9000));
    refused("future.json", "inclusion_height");
    // Without its inclusion, nobody would ask how old it is; without a node, that is said.
    folder.write_changed("included.json", "bare.json", |json| {
        json.as_object_mut().unwrap().remove("inclusion");
    });
    refused("bare.json", "inclusion");
    let bare = format!("{} --height 108", check("bare.json"));
    let unasked: StakeCheck = folder.run(&bare).output(0);
    assert_eq!(unasked.not_checked.last().map(String::as_str), Some("age"));
    // Headers of anybody's above the tip make nothing deep.
    let deeper = check("included.json").replace("--depth 3", "--depth 4");
    let shallow: StakeCheck = regtest.run(&deeper).output(1);
    assert!(shallow.violations.iter().all(|found| found.rule == "inclusion"), "{shallow:?}");
    // Blocks of another chain.
    let other = Regtest::new().unwrap();
    other.mine(2);
    other.stake("stake");
    other.broadcast("stake.tx");
    other.mine(4);
    let include = format!("stake include {FILES} stake.json --depth 3 --out included.json");
    other.run(&include).ends(0);
    folder.write("theirs.json", other.folder.read("included.json"));
    refused("theirs.json", "inclusion");
    // Who withholds later blocks does not make the stake younger.
    regtest.mine(30);
    refused("included.json", "ends_too_soon");
    for both in
        ["--height 108", &format!("--trusted-header {}", "00".repeat(32)), "--dangerously-without-height"]
    {
        regtest.run(&format!("{} {both}", sign("included.json"))).fails(&["cannot be used with"]);
    }
    let wrong = sign("included.json").replace("regtest", "signet");
    regtest.run(&wrong).fails(&["--node is on regtest; must be on signet"]);
    folder.run(&sign("included.json")).fails(&["--height"]);
}

const KIND: &str = "/babylon.btcstaking.v1.MsgAddBTCDelegationInclusionProof";

/// With an account the proof goes to the chain, which has the depth that it demands; with --out it is written
/// as well.
#[test]
fn proof_is_sent_to_the_chain_as_deep_as_that_demands() {
    let served = Served::new();
    let folder = &served.folder;
    let chain = SecuredChain::start(folder);
    served.stake("stake");
    let (staking, block) = served.confirm_file("stake.tx");
    let line = format!("stake include {FILES} stake.json {} {}", served.at(), chain.flags());
    let written = |name: &str| folder.path().join(name).exists();
    // The chain demands two blocks on it.
    served.mine(1);
    let refused = folder.run(&format!("--json {line} --out included.json"));
    let refused: Refused = refused.output(1);
    assert!(refused.violations[0].message.contains("is 1 deep; must be at least 2"), "{refused:?}");
    served.mine(1);
    // What the chain refuses leaves no file behind.
    chain.chain.know_bitcoin(1, served.header(1).block_hash());
    let refused: Refused = folder.run(&format!("--json {line} --out included.json")).output(1);
    assert_eq!(refused.violations[0].rule, "refused_by_chain");
    assert!(refused.violations[0].message.contains("no header with provided hash"), "{refused:?}");
    assert!(!written("included.json") && chain.chain.transactions().is_empty());
    chain.chain.know_bitcoin(served.height() - 2, block.block_hash());
    let printed = sent(folder, &format!("{line} --out included.json"));
    assert_eq!(printed.messages, [KIND]);
    let [message] = &chain.last_messages()[..] else { panic!("one message") };
    let message: MsgAddInclusionProof = message.read(KIND);
    assert_eq!(
        (message.signer, message.staking_tx_hash),
        (chain.address.clone(), staking.compute_txid().to_string())
    );
    check_proof(message.proof, &staking, &block);
    // The file is the one that is written without the chain.
    let alone = format!("stake include {FILES} stake.json --depth 2 {} --out alone.json", served.at());
    folder.run(&alone).ends(0);
    assert_eq!(folder.delegation("included.json"), folder.delegation("alone.json"));
    assert_eq!(folder.delegation("included.json")["inclusion"]["height"], json!(served.height() - 2));
}

#[test]
fn proof_is_printed_for_babylond() {
    let served = Served::new();
    let folder = &served.folder;
    served.stake("stake");
    let (staking, block) = served.confirm_file("stake.tx");
    let from = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";
    let line = format!("stake include {FILES} stake.json --depth 0 {}", served.at());
    let [message] = &unsigned(folder, &format!("{line} --unsigned --from {from}"))[..] else { panic!() };
    assert_eq!((&message["@type"], &message["signer"]), (&json!(KIND), &json!(from)));
    assert_eq!(message["staking_tx_hash"], json!(staking.compute_txid()));
    let key = &message["staking_tx_inclusion_proof"]["key"];
    assert_eq!(*key, json!({ "index": 1, "hash": block.block_hash() }));
    // Without anything that sends it is the delegation that is printed, and a chain's id has no effect.
    let printed: Value = folder.json(&line);
    assert_eq!(printed["inclusion"]["height"], json!(served.height()));
    folder.run(&format!("{line} --chain-id bbn-1")).fails(&["--chain-id is given", "--account"]);
}
