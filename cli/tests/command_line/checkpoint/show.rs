//! `btcstake checkpoint show`, of a checkpoint that a real chain has sealed.

use bitcoin::base64::prelude::{BASE64_STANDARD, Engine as _};
use bitcoin::bech32;
use bitcoin::hashes::{Hash as _, sha256};
use endpoint::testing::ScriptedNode;
use serde_json::{Value, json};

use crate::fixtures::process::Folder;

const SUBMITTER: &str = "bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm";

fn vector(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/node/answers");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

/// A gateway that has the checkpoints of epochs 1 and 17, and says this of their status.
fn gateway(status: &'static str) -> ScriptedNode {
    ScriptedNode::new(move |asked| match asked.path.strip_prefix("/babylon/").unwrap() {
        "btccheckpoint/v1/params" => (200, vector("rest-btccheckpoint-params.json")),
        path => match path.strip_prefix("checkpointing/v1/raw_checkpoint/") {
            Some(epoch @ ("1" | "17")) => {
                let answer = vector(&format!("rest-raw-checkpoint-{epoch}.json"));
                (200, answer.replace("CKPT_STATUS_FINALIZED", status))
            }
            Some(epoch) => {
                let message = format!("no raw checkpoint is found at epoch {epoch}: unknown request");
                (404, json!({ "code": 5, "message": message, "details": [] }).to_string())
            }
            None => panic!("{path}"),
        },
    })
}

fn show(node: &ScriptedNode, more: &str) -> String {
    format!("checkpoint show --chain-gateway http://{} {more}", node.address())
}

/// The outputs as the chain demands them, put together of the node's answer by hand.
fn scripts(answer: &Value, submitter: &[u8]) -> [String; 2] {
    let checkpoint = &answer["raw_checkpoint"]["ckpt"];
    let base64 = |field: &str| BASE64_STANDARD.decode(checkpoint[field].as_str().unwrap()).unwrap();
    let epoch: u64 = checkpoint["epoch_num"].as_str().unwrap().parse().unwrap();
    let block_hash = hex::decode(checkpoint["block_hash_hex"].as_str().unwrap()).unwrap();
    let body = [&epoch.to_be_bytes()[..], &block_hash, &base64("bitmap"), submitter].concat();
    let checksum = &sha256::Hash::hash(&body).to_byte_array()[..10];
    let first = [&[1, 2, 3, 4, 0x00], &body[..]].concat();
    let second = [&[1, 2, 3, 4, 0x10], &base64("bls_multi_sig")[..], checksum].concat();
    assert_eq!((first.len(), second.len()), (78, 63));
    [format!("6a4c4e{}", hex::encode(first)), format!("6a3f{}", hex::encode(second))]
}

#[test]
fn outputs_of_a_sealed_checkpoint_are_those_that_the_chain_reads() {
    let folder = Folder::new();
    let submitter = bech32::decode(SUBMITTER).unwrap().1;
    let block_hash = "bee953978ba0d6dd145d673819e9012639f19ba4ec097e43e991e2d70a32e547";
    for status in ["SEALED", "SUBMITTED", "CONFIRMED", "FINALIZED"] {
        let node = gateway(match status {
            "SEALED" => "CKPT_STATUS_SEALED",
            "SUBMITTED" => "CKPT_STATUS_SUBMITTED",
            "CONFIRMED" => "CKPT_STATUS_CONFIRMED",
            _ => "CKPT_STATUS_FINALIZED",
        });
        let line = show(&node, &format!("--epoch 17 --submitter {SUBMITTER}"));
        let answer = serde_json::from_str(&vector("rest-raw-checkpoint-17.json")).unwrap();
        let [first, second] = scripts(&answer, &submitter);
        assert_eq!(
            folder.json(&line),
            json!({
                "epoch": 17, "status": status, "block_hash": block_hash, "tag": "01020304",
                "script_pubkeys": [first, second],
            })
        );
        let text = folder.run(&line).ends(0).stdout();
        assert!(text.contains(&format!("status      {status}\n")), "{text}");
        assert!(text.ends_with(&format!("output 0    {first}\noutput 1    {second}\n")), "{text}");
    }
    let node = gateway("CKPT_STATUS_FINALIZED");
    let first = folder.json(&show(&node, &format!("--epoch 1 --submitter {SUBMITTER}")));
    let answer = serde_json::from_str(&vector("rest-raw-checkpoint-1.json")).unwrap();
    assert_eq!(first["script_pubkeys"], json!(scripts(&answer, &submitter)));
}

#[test]
fn nothing_is_sent_to_bitcoin_that_validators_still_sign() {
    let folder = Folder::new();
    let node = gateway("CKPT_STATUS_ACCUMULATING");
    let line = show(&node, &format!("--epoch 17 --submitter {SUBMITTER}"));
    let shown = folder.json(&line);
    assert_eq!((&shown["status"], &shown["script_pubkeys"]), (&json!("ACCUMULATING"), &Value::Null));
    assert!(!folder.run(&line).ends(0).stdout().contains("output"));
    let unknown = gateway("CKPT_STATUS_FORGOTTEN");
    let line = show(&unknown, &format!("--epoch 17 --submitter {SUBMITTER}"));
    folder.run(&line).fails(&["--chain-gateway", "\"CKPT_STATUS_FORGOTTEN\"", "is unknown"]);
}

#[test]
fn what_is_not_there_is_said() {
    let folder = Folder::new();
    let node = gateway("CKPT_STATUS_FINALIZED");
    let fails = |more: &str, words: &[&str]| folder.run(&show(&node, more)).fails(words);
    for epoch in [0, 18] {
        let more = format!("--epoch {epoch} --submitter {SUBMITTER}");
        fails(&more, &[&format!("--chain-gateway: epoch {epoch} has no checkpoint yet")]);
    }
    fails("--epoch 17", &["--submitter"]);
    fails(&format!("--submitter {SUBMITTER}"), &["--epoch"]);
    // A contract's address has 32 bytes, and the output has room for 20.
    let hrp = bech32::Hrp::parse("bbn").unwrap();
    let contract = bech32::encode::<bech32::Bech32>(hrp, &[7; 32]).unwrap();
    fails(&format!("--epoch 17 --submitter {contract}"), &["--submitter", "20 bytes"]);
    folder
        .run(&format!("checkpoint show --epoch 17 --submitter {SUBMITTER}"))
        .fails(&["--chain-node is absent", "--chain-gateway"]);
}
