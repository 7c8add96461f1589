//! `btcstake status`.

use std::collections::BTreeMap;

use bitcoin::{Network, constants};
use btcstake::outputs::Status;
use serde_json::{Value, json};

use crate::fixtures::delegation::{FILES, node_answer};
use crate::fixtures::node::{Regtest, ScriptedNode, to};
use crate::fixtures::process::Folder;

/// What a node says whose tip is at this height, and which has no transaction.
fn answers(tip_height: u32) -> BTreeMap<&'static str, Value> {
    let hash = constants::genesis_block(Network::Regtest).block_hash();
    BTreeMap::from([
        ("getnetworkinfo", json!({ "version": 280_000 })),
        (
            "getblockchaininfo",
            json!({
                "chain": "regtest", "blocks": tip_height, "headers": tip_height, "bestblockhash": hash,
                "difficulty": 1.0, "time": 0, "mediantime": 0, "verificationprogress": 1.0,
                "initialblockdownload": false, "chainwork": "00", "size_on_disk": 0, "pruned": false, "warnings": []
            }),
        ),
        ("getindexinfo", json!({ "txindex": { "synced": true, "best_block_height": tip_height } })),
        ("estimatesmartfee", json!({ "feerate": 0.00001, "blocks": 144 })),
    ])
}

/// The same with this transaction, unspent, in a block of this height.
fn answers_with(transaction: &Value, height: u32, tip_height: u32) -> BTreeMap<&'static str, Value> {
    let header = constants::genesis_block(Network::Regtest).header;
    let mut answers = answers(tip_height);
    answers.insert("getrawtransaction", json!({ "hex": transaction, "blockhash": header.block_hash() }));
    answers.insert(
        "getblockheader",
        json!({
            "confirmations": tip_height - height + 1, "height": height, "version": header.version.to_consensus(),
            "merkleroot": header.merkle_root, "time": header.time, "nonce": header.nonce,
            "bits": format!("{:x}", header.bits.to_consensus()), "previousblockhash": null,
        }),
    );
    answers.insert("gettxout", json!({ "bestblock": header.block_hash(), "confirmations": 1 }));
    answers
}

/// A delegation as a node of the chain answers it, without a proof of possession, has the status of our own
/// file.
#[test]
fn status_of_a_nodes_answer_is_that_of_our_own_file() {
    let folder = Folder::with_delegation();
    let own = folder.delegation("verified.json");
    folder.write("node.json", node_answer(&own).to_string());
    let staking = &own["staking_transaction"];
    for (answers, status, depth) in [
        (answers(900_100), "VERIFIED", None),
        (answers_with(staking, 900_001, 900_010), "VERIFIED", Some(9)),
        (answers_with(staking, 900_001, 900_100), "ACTIVE", Some(99)),
        (answers_with(staking, 900_001, 963_500), "EXPIRED", Some(63_499)),
    ] {
        let node = ScriptedNode::start(answers);
        folder.write("rpc.password", "user:password");
        let url = node.url().replace("user:password@", "");
        let at = format!("--network regtest --node {url} --rpc-password-file rpc.password");
        let of = |file: &str| -> Status { folder.output(&format!("status {FILES} {file} {at}")) };
        let found = of("verified.json");
        assert_eq!((found.status.as_str(), found.depth), (status, depth), "{found:?}");
        assert_eq!(found.covenant_signature_count, 2);
        assert_eq!(of("node.json"), found);
    }
}

/// A node on another network knows nothing of the stake, and each command that asks one says so.
#[test]
fn status_on_another_network_is_an_error() {
    let folder = Folder::with_delegation();
    let node = ScriptedNode::start(answers(900_100));
    let commands = [
        format!("status {FILES} verified.json"),
        format!("stake include {FILES} verified.json"),
        format!("tx explain {}", "07".repeat(32)),
    ];
    for command in &commands {
        let run = |network: &str| folder.run(&format!("{command} --node {} {network}", node.url()));
        for name in ["mainnet", "testnet4", "signet"] {
            let error = format!("--node is on regtest; must be on {name}, as --network says");
            run(&format!("--network {name}")).fails(&[error.as_str()]);
        }
        run("").fails(&["must be on mainnet, as --network says (mainnet is its default)"]);
    }
}

#[test]
fn status_from_the_coin_to_the_withdrawal() {
    let Some(regtest) = Regtest::new() else { return };
    regtest.stake("stake");
    let is = |status: &str| {
        let found = regtest.status("stake");
        assert_eq!(found.status, status, "{found:?}");
        found
    };
    // Neither waiting nor in a block.
    let before = is("VERIFIED");
    assert_eq!((before.covenant_signature_count, before.unconfirmed, before.depth), (2, vec![], None));
    let unanswered = regtest.status("stake-signed");
    assert_eq!((unanswered.status.as_str(), unanswered.covenant_signature_count), ("PENDING", 0));

    regtest.broadcast("stake.tx");
    assert_eq!(is("VERIFIED").unconfirmed[0].kind, "stake");
    regtest.mine(1);
    let included = is("VERIFIED");
    assert_eq!((included.depth, included.inclusion_height), (Some(0), Some(105)));
    assert_eq!(included.withdrawable_from, Some(145));
    regtest.mine(3);
    is("ACTIVE");
    let status = format!("status {FILES} stake.json --network regtest --depth 3");
    let text = regtest.run(&status).ends(0).stdout();
    assert!(
        text.starts_with("ACTIVE at height 108") && text.contains("included            at height 105"),
        "{text}"
    );

    // It leaves early.
    let unbonding = regtest.send(&format!("tx unbond {FILES} stake.json --secret-key-file staker.key"));
    assert_eq!(is("ACTIVE").unconfirmed[0].txid, unbonding.txid);
    regtest.mine(1);
    let running = is("UNBONDING");
    assert_eq!(running.spent_by.unwrap().path.as_deref(), Some("unbonding"));
    assert_eq!(running.withdrawable_from, Some(119));
    regtest.mine(9);
    is("UNBONDED");
    let withdraw = format!("tx withdraw {FILES} stake.json {} --secret-key-file staker.key", to(2));
    let withdrawal = regtest.send(&format!("{withdraw} --from unbonding"));
    regtest.mine(1);
    assert_eq!(is("WITHDRAWN").unbonding_spent_by.unwrap().txid, withdrawal.txid);
}

#[test]
fn status_of_stakes_that_expire_and_that_are_slashed() {
    let Some(regtest) = Regtest::new() else { return };
    for name in ["expires", "slashed", "later"] {
        regtest.stake(name);
        regtest.broadcast(&format!("{name}.tx"));
        regtest.mine(1);
    }
    let is = |name: &str, status: &str| {
        let found = regtest.status(name);
        assert_eq!(found.status, status, "{found:?}");
        found
    };
    regtest.mine(5);
    is("expires", "ACTIVE");
    let slash = |name: &str| format!("tx slash {FILES} {name}.json --provider-key-file provider.key");
    let slashing = regtest.send(&slash("slashed"));
    assert_eq!(is("slashed", "ACTIVE").unconfirmed[0].kind, "slashing");
    regtest.send(&format!("tx unbond {FILES} later.json --secret-key-file staker.key"));
    regtest.mine(1);
    let slashed = is("slashed", "SLASHED");
    let spent_by = slashed.spent_by.unwrap();
    assert_eq!((spent_by.txid, spent_by.path.as_deref()), (slashing.txid, Some("slashing")));
    is("later", "UNBONDING");
    let later = regtest.send(&format!("{} --unbonding", slash("later")));
    regtest.mine(1);
    assert_eq!(is("later", "SLASHED").unbonding_spent_by.unwrap().txid, later.txid);

    // What slashing left is taken out, and then there is nothing more to take.
    assert_eq!(slashed.withdrawable_from, Some(123));
    regtest.mine(9);
    let withdraw = |name: &str, from: &str| {
        format!("tx withdraw {FILES} {name}.json {} --from {from} --secret-key-file staker.key", to(2))
    };
    let refund = regtest.send(&withdraw("slashed", "slashing"));
    assert_eq!(is("slashed", "SLASHED").unconfirmed[0].txid, refund.txid);
    regtest.mine(1);
    let taken = is("slashed", "SLASHED");
    assert_eq!((taken.refund_spent_by.unwrap().txid, taken.withdrawable_from), (refund.txid, None));

    regtest.mine(10);
    is("expires", "ACTIVE");
    regtest.mine(1);
    assert_eq!(is("expires", "EXPIRED").withdrawable_from, Some(145));
    regtest.mine(9);
    regtest.send(&withdraw("expires", "staking"));
    regtest.mine(1);
    assert_eq!(is("expires", "WITHDRAWN").spent_by.unwrap().path.as_deref(), Some("timelock"));
    // A spender too deep to be found without an index of them.
    regtest.mine(3);
    let shallow = format!("status {FILES} expires.json --network regtest --search-blocks 2");
    regtest.run(&shallow).fails(&["2 blocks"]);
}
