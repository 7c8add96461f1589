//! Several nodes as one: what is a node's fault leaves the question to the next; what the chain says does
//! not.

use std::time::Duration;

use endpoint::testing::{ScriptedNode, rpc_error, rpc_result};
use finality::ConsumerHeight;
use serde_json::{Value, json};

use crate::node::{ChainNode, CometBft, Gateway, NodeError, Several};
use crate::query;

const WITHIN: Duration = Duration::from_secs(5);

fn gateway(node: &ScriptedNode) -> Box<dyn ChainNode> {
    Box::new(Gateway::new(node.url(""), WITHIN))
}

fn rpc(node: &ScriptedNode) -> Box<dyn ChainNode> {
    Box::new(CometBft::new(node.url(""), WITHIN))
}

/// A gateway that says that the last final block is this one.
fn good() -> ScriptedNode {
    ScriptedNode::always(json!({ "height": "77" }).to_string())
}

fn asked(nodes: Vec<Box<dyn ChainNode>>) -> Result<Option<ConsumerHeight>, NodeError> {
    query::activated_height(&Several::new(nodes))
}

#[test]
fn what_is_a_nodes_fault_leaves_the_question_to_the_next() {
    let away =
        |code: u32| json!({ "code": code, "message": "connection refused", "details": [] }).to_string();
    for (status, answer) in [
        (503, away(14)),
        (501, away(12)),
        (429, away(8)),
        (504, away(4)),
        (502, "<html>Bad Gateway</html>".to_owned()),
        (200, "<html>Please log in</html>".to_owned()),
        (200, String::new()),
    ] {
        let bad = ScriptedNode::new({
            let answer = answer.clone();
            move |_| (status, answer.clone())
        });
        let good = good();
        let found = asked(vec![gateway(&bad), gateway(&good)]).unwrap();
        assert_eq!(found, Some(ConsumerHeight(77)), "{status} {answer}");
        // Alone it is no refusal by the chain.
        let alone = asked(vec![gateway(&bad)]).unwrap_err();
        assert!(alone.refusal().is_none() && alone.is_of_this_node(), "{status} {answer}: {alone}");
    }
}

#[test]
fn what_the_chain_says_is_its_answer() {
    let answer = json!({ "code": 5, "message": "the BTC staking protocol is not activated yet" }).to_string();
    let first = ScriptedNode::new(move |_| (404, answer.clone()));
    let second = good();
    assert_eq!(asked(vec![gateway(&first), gateway(&second)]).unwrap(), None);
    assert!(second.asked().is_empty());
}

#[test]
fn a_transaction_goes_to_the_node_that_takes_it() {
    let taken = || ScriptedNode::always(rpc_result(&json!({ "code": 0, "hash": "AB" })));
    for (message, data) in [("Too many requests", ""), ("Method not found", ""), ("Internal error", "EOF")] {
        let (bad, good) = (ScriptedNode::always(rpc_error(-32603, message, &json!(data))), taken());
        Several::new(vec![rpc(&bad), rpc(&good)]).broadcast(b"tx").unwrap();
        assert_eq!(good.asked().len(), 1, "{message}");
    }
    // What its mempool says, it says of the transaction.
    for data in [
        "mempool is full: number of txs 5000",
        "mempool is still rechecking after a new committed block, so it is considered as full",
        "tx already exists in cache",
        "Tx too large. Max size is 1",
        "tx pre check: gas wanted 2 is greater than max gas 1",
    ] {
        let (full, good) = (ScriptedNode::always(rpc_error(-32603, "Internal error", &json!(data))), taken());
        let refused = Several::new(vec![rpc(&full), rpc(&good)]).broadcast(b"tx").unwrap_err();
        assert!(refused.refusal().is_some(), "{data}");
        assert!(good.asked().is_empty(), "{data}");
    }
}

fn status(chain_id: &str, height: u64, catching_up: bool) -> ScriptedNode {
    ScriptedNode::always(rpc_result(&json!({
        "node_info": { "network": chain_id },
        "sync_info": {
            "latest_block_height": height.to_string(), "latest_block_time": "2026-11-28T01:33:47.023625136Z",
            "catching_up": catching_up,
        },
    })))
}

#[test]
fn the_best_node_of_the_right_chain_is_asked() {
    let found = |nodes: &[&ScriptedNode], chain_id: Option<&str>| {
        let several = Several::new(nodes.iter().map(|node| rpc(node)).collect());
        let several = chain_id.into_iter().fold(several, |several, chain_id| several.of_chain(chain_id));
        several.status().map(|status| (status.chain_id, status.height.to_u64()))
    };
    let is = |chain_id: &str, height| (chain_id.to_owned(), height);
    let (wrong, right) = (status("bbn-test-6", 900, false), status("bbn-1", 100, false));
    let (behind, catching) = (status("bbn-1", 90, false), status("bbn-1", 400, true));
    assert_eq!(found(&[&wrong, &right], Some("bbn-1")).unwrap(), is("bbn-1", 100));
    assert_eq!(found(&[&right, &wrong], Some("bbn-1")).unwrap(), is("bbn-1", 100));
    // Alone, whoever asks must see what it is.
    assert_eq!(found(&[&wrong], Some("bbn-1")).unwrap(), is("bbn-test-6", 900));
    assert_eq!(found(&[&catching, &right], None).unwrap(), is("bbn-1", 100));
    assert_eq!(found(&[&behind, &right], None).unwrap(), is("bbn-1", 90), "it does not know better yet");
    let nobody = found(&[], None).unwrap_err();
    assert!(matches!(nobody, NodeError::Nobody));
}

/// A node whose pages never end is left.
#[test]
fn pages_that_never_end_are_left() {
    let pages = |next: fn(usize) -> String| {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let node = ScriptedNode::new(move |_| {
            let key = next(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            (200, json!({ "evidences": [], "pagination": { "next_key": key, "total": "0" } }).to_string())
        });
        let refused = query::evidences(&Gateway::new(node.url(""), WITHIN), ConsumerHeight(0)).unwrap_err();
        (node.asked().len(), refused.to_string())
    };
    let (asked, refused) = pages(|_| "AAAA".to_owned());
    assert!(asked == 2 && refused.contains("the same page again"), "{asked}: {refused}");
    let nothing: Value = json!({ "evidences": [], "pagination": { "next_key": null } });
    let ends = ScriptedNode::always(nothing.to_string());
    assert!(query::evidences(&Gateway::new(ends.url(""), WITHIN), ConsumerHeight(0)).unwrap().is_empty());
}
