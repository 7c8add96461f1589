//! Nodes that answer well, badly, or not at all.

use endpoint::testing::{ScriptedNode, rpc_error, rpc_result};
use finality::ConsumerHeight;
use serde_json::{Value, json};

use super::{ChainNode, NodeError, NodeKind};

fn node(server: &ScriptedNode, kind: NodeKind) -> Box<dyn ChainNode> {
    kind.node(server.url("/rpc"), "bbn-1")
}

fn answering(body: impl Fn(&Value) -> String + Send + Sync + 'static) -> ScriptedNode {
    ScriptedNode::new(move |asked| (200, body(&asked.body)))
}

fn cometbft(question: &Value) -> String {
    let height: u64 = match question["method"].as_str().unwrap() {
        "status" => {
            let sync_info = json!({ "latest_block_height": "300", "catching_up": false });
            return rpc_result(&json!({ "node_info": { "network": "bbn-1" }, "sync_info": sync_info }));
        }
        _ => question["params"]["height"].as_str().unwrap().parse().unwrap(),
    };
    if height > 300 {
        let data = format!("height {height} must be less than or equal to the current blockchain height 300");
        return rpc_error(-32603, "Internal error", &json!(data));
    }
    let app_hash = "AB".repeat(32);
    rpc_result(
        &json!({ "header": { "chain_id": "bbn-1", "height": height.to_string(), "app_hash": app_hash } }),
    )
}

#[test]
fn what_is_voted_for_is_the_app_hash_of_the_header() {
    let server = answering(cometbft);
    let node = node(&server, NodeKind::CometBft);
    assert_eq!(node.voted_hash(ConsumerHeight(300)).unwrap(), [0xab; 32]);
    assert_eq!(node.tip().unwrap(), ConsumerHeight(300));
    let question = server.asked()[0].body.clone();
    let header = json!({ "jsonrpc": "2.0", "id": 1, "method": "header", "params": { "height": "300" } });
    assert_eq!(question, header);
    let absent = node.voted_hash(ConsumerHeight(301)).unwrap_err();
    assert_eq!(absent.to_string(), "the chain's node has no block at height 301 yet");
}

#[test]
fn an_answer_that_is_not_of_the_block_asked_for_is_refused() {
    let header = |chain_id: &str, height: &str, app_hash: &str| {
        let header = json!({ "chain_id": chain_id, "height": height, "app_hash": app_hash });
        rpc_result(&json!({ "header": header }))
    };
    let hash = "00".repeat(32);
    let cases = [
        (header("bbn-2", "7", &hash), r#"the node is of the chain "bbn-2"; must be of "bbn-1""#),
        (header("bbn-1", "8", &hash), "the chain's node answers for height 8; was asked for 7"),
        (header("bbn-1", "-7", &hash), "a height in it is no number"),
        (header("bbn-1", "7", ""), "app_hash is not 32 bytes in hex"),
        (header("bbn-1", "7", &"0".repeat(62)), "app_hash is not 32 bytes in hex"),
        (rpc_result(&json!({ "header": null })), "there is no header in it"),
        (rpc_result(&json!({ "header": { "height": "7" } })), "its result has another form"),
        ("9".repeat((64 << 10) + 1), "is too long"),
    ];
    for (answer, expected) in cases {
        let server = answering(move |_| answer.clone());
        let error = node(&server, NodeKind::CometBft).voted_hash(ConsumerHeight(7)).unwrap_err().to_string();
        assert!(error.contains(expected) && error.len() < 400, "{expected}: {error}");
    }
}

#[test]
fn on_rollups_it_is_the_hash_of_the_block() {
    let server = answering(|question| match question["method"].as_str().unwrap() {
        "eth_blockNumber" => rpc_result(&json!("0x2a")),
        _ => match question["params"][0].as_str().unwrap() {
            "0x2a" => rpc_result(&json!({ "number": "0x2a", "hash": format!("0x{}", "cd".repeat(32)) })),
            "0x1" => rpc_result(&json!({ "number": "0x2", "hash": format!("0x{}", "cd".repeat(32)) })),
            "0x2" => rpc_result(&json!({ "number": "0x2", "hash": "cd".repeat(32) })),
            "0x3" => rpc_result(&json!({ "number": "0x+3", "hash": "0x" })),
            _ => rpc_result(&Value::Null),
        },
    });
    let node = node(&server, NodeKind::Evm);
    assert_eq!(node.voted_hash(ConsumerHeight(42)).unwrap(), [0xcd; 32]);
    assert_eq!(node.tip().unwrap(), ConsumerHeight(42));
    let asked = server.asked()[0].body.clone();
    assert_eq!(asked["params"], json!(["0x2a", false]));
    let error = |height| node.voted_hash(ConsumerHeight(height)).unwrap_err();
    assert!(matches!(error(43), NodeError::Absent { height: ConsumerHeight(43) }));
    assert!(matches!(error(1), NodeError::OtherHeight { found: 2, .. }));
    assert!(matches!(error(2), NodeError::Answer { .. }));
    assert!(matches!(error(3), NodeError::Answer { .. }));
}
