//! `btcstake status`.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Network, Transaction, TxOut, constants};
use btcstake::outputs::Status;
use serde_json::{Value, json};

use crate::fixtures::delegation::{FILES, node_answer};
use crate::fixtures::node::{Regtest, ScriptedNode, to};
use crate::fixtures::phase1::write_phase1;
use crate::fixtures::process::Folder;

/// What a node says whose tip is at this height, and which has no transaction.
pub(crate) fn answers(tip_height: u32) -> BTreeMap<&'static str, Value> {
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
pub(crate) fn answers_with(
    transaction: &Value,
    height: u32,
    tip_height: u32,
) -> BTreeMap<&'static str, Value> {
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
    let output = output_of(transaction);
    answers.insert(
        "gettxout",
        json!({
            "bestblock": header.block_hash(), "confirmations": 1, "value": output.value.to_btc(),
            "scriptPubKey": { "hex": output.script_pubkey.to_hex_string() }, "coinbase": false
        }),
    );
    answers
}

/// The staking output: the first of the fixtures' staking transaction.
fn output_of(transaction: &Value) -> TxOut {
    let transaction: Transaction = deserialize_hex(transaction.as_str().unwrap()).unwrap();
    transaction.output[0].clone()
}

/// A node that lies about the staking output, or about what spends it, is caught.
#[test]
fn status_believes_no_node_that_contradicts_what_is_known() {
    let folder = Folder::with_delegation();
    let delegation = folder.delegation("verified.json");
    let staking = &delegation["staking_transaction"];
    let honest = || answers_with(staking, 900_001, 900_100);
    let status = |answers: BTreeMap<&'static str, Value>| {
        let node = ScriptedNode::start(answers);
        folder.run(&format!("status {FILES} verified.json {}", node.at(&folder)))
    };
    let told = status(honest());
    assert!(told.code() == Some(0) && told.stdout().starts_with("ACTIVE"), "{}", told.stderr());
    // Another amount, another script, or no output at all.
    for (key, value) in [("value", json!(0.5)), ("scriptPubKey", json!({ "hex": "51" }))] {
        let mut answers = honest();
        answers.get_mut("gettxout").unwrap()[key] = value;
        status(answers).fails(&["the result of gettxout cannot be used", "must be"]);
    }
    let mut answers = honest();
    answers.insert("gettxout", json!({}));
    status(answers).fails(&["the result of gettxout cannot be used"]);
    // Spent by a transaction that spends something else: by the staking transaction itself.
    let txid = deserialize_hex::<Transaction>(staking.as_str().unwrap()).unwrap().compute_txid();
    let mut answers = honest();
    answers.insert("gettxout", Value::Null);
    answers.insert("gettxspendingprevout", json!([{ "txid": txid, "vout": 0, "spendingtxid": txid }]));
    status(answers).fails(&["the result of gettxspendingprevout cannot be used", "must be a spender of"]);
    // Spent by nothing, and not unspent; the chain has one block, without the stake.
    let mut answers = answers_with(staking, 0, 0);
    answers.insert("gettxout", Value::Null);
    answers.insert("gettxspendingprevout", json!([{ "txid": txid, "vout": 0 }]));
    answers.insert("getblock", json!(serialize_hex(&constants::genesis_block(Network::Regtest))));
    status(answers).fails(&["neither unspent nor spent from height 0 on"]);
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
        let at = node.at(&folder);
        let of = |file: &str| -> Status { folder.output(&format!("status {FILES} {file} {at}")) };
        let found = of("verified.json");
        assert_eq!((found.status.as_str(), found.depth), (status, depth), "{found:?}");
        assert_eq!(found.covenant_signature_count, 2);
        assert_eq!(of("node.json"), found);
    }
}

/// Of a phase-1 stake, under parameters of either form: it counts from its confirmations on, without any
/// signature of the covenant.
#[test]
fn status_of_a_phase1_stake_takes_parameters_of_either_form() {
    let folder = Folder::new();
    let stake = write_phase1(&folder);
    let staking = json!(folder.read("phase1.tx").trim());
    let status = |params: &str, answers: BTreeMap<&'static str, Value>| -> Status {
        let node = ScriptedNode::start(answers);
        let at = format!("--network regtest {}", node.at(&folder));
        folder.output(&format!("status --delegation phase1.json --params {params} {at}"))
    };
    for (params, counts_at) in [("phase1-params.json", 860_009), ("params.json", 860_030)] {
        let is = |answers, expected: &str| {
            let found = status(params, answers);
            assert_eq!(found.status, expected, "{params}: {found:?}");
            assert_eq!((found.quorum, found.warnings.len()), (2, 0), "{params}: {found:?}");
            assert_eq!(found.staking_txid, stake.compute_txid().to_string());
            found
        };
        is(answers(860_000), "PENDING");
        is(answers_with(&staking, 860_000, counts_at - 1), "PENDING");
        let active = is(answers_with(&staking, 860_000, counts_at), "ACTIVE");
        assert_eq!((active.covenant_signature_count, active.withdrawable_from), (0, Some(924_000)));
        is(answers_with(&staking, 860_000, 924_000 - 1008), "EXPIRED");
    }
    // Where the node has it, and not where the delegation says, it is above the cap height; the parameters of
    // Babylon Genesis have no cap.
    let late = status("phase1-params.json", answers_with(&staking, 864_800, 864_900));
    let [warning] = &late.warnings[..] else { panic!("{late:?}") };
    assert!(
        warning.starts_with("the stake breaks the rule cap_height of phase 1: the block's height is 864800;"),
        "{warning}"
    );
    assert!(status("params.json", answers_with(&staking, 864_800, 864_900)).warnings.is_empty());
    // Before the first version.
    let node = ScriptedNode::start(answers_with(&staking, 5, 10));
    let early = format!(
        "status --delegation phase1.json --params phase1-params.json --network regtest {}",
        node.at(&folder)
    );
    folder.run(&early).fails(&["--params", "height 5"]);
}

/// Under parameters that are not mainnet's the stake has its status all the same, with a warning.
#[test]
fn status_goes_on_under_parameters_that_are_not_mainnets() {
    let folder = Folder::with_delegation();
    folder.write("rpc.password", "user:password");
    let mut answers = answers(910_100);
    answers.get_mut("getblockchaininfo").unwrap()["chain"] = json!("main");
    let first = bitcoin::constants::genesis_block(bitcoin::Network::Bitcoin).block_hash();
    answers.insert("getblockhash", json!(first.to_string()));
    let node = ScriptedNode::start(answers);
    let url = node.url().replace("user:password@", "");
    let line = format!(
        "status --params params.json --delegation verified.json --node {url} --rpc-password-file rpc.password"
    );
    let found: Status = folder.output(&line);
    assert_eq!((found.status.as_str(), found.covenant_signature_count), ("VERIFIED", 2));
    let words =
        ["version 0 contradicts mainnet's", "version 5 is absent", "goes on under version 0 of that file"];
    assert!(words.iter().all(|word| found.warnings[0].contains(word)), "{found:?}");
    folder.run(&line).warns(0, &words);
}

/// A node on another network knows nothing of the stake, and each command that asks one says so.
#[test]
fn status_on_another_network_is_an_error() {
    let folder = Folder::with_delegation();
    let node = ScriptedNode::start(answers(900_100));
    let commands = [
        "status --params params.json --delegation verified.json".to_owned(),
        "stake include --params params.json --delegation verified.json".to_owned(),
        format!("tx explain {}", "07".repeat(32)),
        "broadcast @stake.tx".to_owned(),
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
    let status = format!("status {FILES} stake.json --depth 3");
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
    lives_end_on(&[]);
}

#[test]
fn status_on_a_node_with_an_index_of_transactions() {
    lives_end_on(&["-txindex=1"]);
}

/// The index names a confirmed spender, which the node gives from no mempool: SLASHED, not ACTIVE.
#[test]
fn status_on_a_node_with_an_index_of_spenders_alone() {
    lives_end_on(&["-txospenderindex=1"]);
}

#[test]
fn status_on_a_node_with_both_indexes() {
    lives_end_on(&["-txindex=1", "-txospenderindex=1"]);
}

#[test]
fn status_on_a_pruned_node() {
    const PRUNED: [&str; 2] = ["-prune=1", "-fastprune=1"];
    lives_end_on(&PRUNED);
    // A stake in a block that is deleted.
    let Some(regtest) = Regtest::with_args(&PRUNED) else { return };
    regtest.stake("stake");
    regtest.broadcast("stake.tx");
    regtest.mine(5);
    assert_eq!(regtest.status("stake").status, "ACTIVE");
    regtest.mine(900);
    regtest.prune(600);
    regtest.run(&format!("status {FILES} stake.json")).fails(&["is pruned"]);
}

/// A node that was killed forgets its last blocks; its index of transactions still names one.
#[test]
fn status_of_a_stake_in_a_block_that_the_node_forgot() {
    let Some(mut regtest) = Regtest::with_args(&["-txindex=1"]) else { return };
    regtest.stake("stake");
    regtest.restart();
    regtest.broadcast("stake.tx");
    regtest.mine(1);
    assert_eq!(regtest.status("stake").depth, Some(0));
    regtest.kill();
    let status = regtest.status("stake");
    assert_eq!((status.status.as_str(), status.inclusion_height), ("VERIFIED", None));
    let text = regtest.run(&format!("status {FILES} stake.json")).ends(0).stdout();
    assert!(text.contains("in no block"), "{text}");
}

/// The ends of three stakes on a daemon with these arguments.
fn lives_end_on(args: &[&str]) {
    let Some(regtest) = Regtest::with_args(args) else { return };
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
    let shallow = format!("status {FILES} expires.json --search-blocks 2");
    // The staking transaction is searched too, unless there is an index of it.
    let run = regtest.run(&shallow);
    match (args.contains(&"-txindex=1"), args.contains(&"-txospenderindex=1"), run.code()) {
        // Nor where another of its outputs is unspent, which tells its block.
        (true, true, _) | (false, true, Some(0)) => assert!(run.ends(0).stdout().starts_with("WITHDRAWN")),
        _ => run.fails(&["2 blocks"]),
    }
}
