//! `btcstake eots vote`.

use btcstake::outputs::EotsVote;
use endpoint::testing::{ScriptedNode, rpc_result};
use serde_json::{Value, json};

use super::{RANDOMNESS, SIGNATURE};
use crate::fixtures::process::{Folder, PROVIDER_KEY};

const LINE: &str = "eots vote --secret-key-file provider.key --chain-id bbn-1";

fn hash() -> String {
    "aa".repeat(32)
}

#[test]
fn vote_is_for_the_app_hash_of_the_block() {
    let folder = Folder::new();
    let block = json!({ "block": { "height": "1", "app_hash": hash().to_uppercase(), "finalized": false } });
    folder.write("block.json", block.to_string());
    let vote = folder.json(&format!("{LINE} --block block.json --dangerously-unprotected"));
    assert_eq!(
        vote,
        json!({
            "public_key": PROVIDER_KEY, "height": 1, "voted_hash": hash(), "is_app_hash": true,
            "public_randomness": RANDOMNESS, "signature": SIGNATURE,
        })
    );
    folder.run(&format!("{LINE} --block block.json")).fails(&["--protection", "reveal the secret key"]);
    let other = format!("{LINE} --block block.json --height 2 --dangerously-unprotected");
    folder.run(&other).fails(&["--block has height 1"]);
    // What is recorded is the vote.
    folder
        .run(&format!(
            "signer init --protection vote.db --public-key {PROVIDER_KEY} --chain-id bbn-1 --from-height 1"
        ))
        .ends(0);
    let protected = format!("--json {LINE} --block block.json --protection vote.db");
    assert_eq!(folder.run(&protected).output::<EotsVote>(0).signature, SIGNATURE);
    folder.write("block.json", block.to_string().replace("AA", "BB"));
    let refused = folder.run(&protected).json(1);
    assert_eq!(refused["violations"][0]["rule"], "double_sign");
}

/// A hash that is no block's, a block of another chain, a rollup's block without its context.
#[test]
fn what_is_not_the_chains_block_is_refused() {
    let folder = Folder::new();
    let refused = |content: String, words: &[&str]| {
        folder.write("block.json", content);
        folder.run(&format!("{LINE} --block block.json --dangerously-unprotected")).fails(words);
    };
    refused(hash(), &["--block", "it is not JSON"]);
    refused(json!({ "hash": hash() }).to_string(), &["it is no block"]);
    let other = json!({ "header": { "chain_id": "bbn-2", "height": "1", "app_hash": hash() } });
    refused(other.to_string(), &["\"bbn-2\"", "--chain-id"]);
    let rollup = json!({ "result": { "number": "0x1", "hash": format!("0x{}", hash()) } });
    refused(rollup.to_string(), &["--signing-context"]);
    let context = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let vote = folder
        .json(&format!("{LINE} --block block.json --signing-context {context} --dangerously-unprotected"));
    assert_eq!((&vote["is_app_hash"], &vote["height"]), (&json!(false), &json!(1)));
}

#[test]
fn node_is_asked_for_the_block() {
    let node = ScriptedNode::new(|asked| {
        let result = match asked.body["method"].as_str().unwrap() {
            "header" if asked.body["params"] == json!(["1"]) => json!({ "header": {
                "chain_id": "bbn-1", "height": "1", "time": "2026-11-28T01:33:47Z", "app_hash": hash(),
            } }),
            "status" => json!({
                "node_info": { "network": "bbn-1" },
                "sync_info": { "latest_block_height": "1", "latest_block_time": "2026-11-28T01:33:47Z", "catching_up": false },
            }),
            _ => Value::Null,
        };
        match result {
            Value::Null => (200, endpoint::testing::rpc_error(-32603, "Internal error", &json!("too high"))),
            result => (200, rpc_result(&result)),
        }
    });
    let folder = Folder::new();
    let ask = |height: u64| {
        folder.run(&format!(
            "--json {LINE} --chain-node http://{} --height {height} --dangerously-unprotected",
            node.address()
        ))
    };
    assert_eq!(ask(1).output::<EotsVote>(0).signature, SIGNATURE);
    ask(2).fails(&["--chain-node", "it has no block 2 yet"]);
}
