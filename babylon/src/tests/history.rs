//! What nodes tell of the past, and of new blocks.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use std::time::Duration;

use ::finality::ConsumerHeight;
use endpoint::Trust;
use endpoint::testing::{Asked, ScriptedNode, rpc_error, rpc_result};
use serde_json::{Value, json};

use crate::node::{ChainNode, CometBft, Gateway, NewBlocks, NodeError, Search, Several};
use crate::query;

const WITHIN: Duration = Duration::from_secs(5);

fn votes() -> Search {
    Search::message("/babylon.finality.v1.MsgAddFinalitySig").unwrap()
}

#[test]
fn searches_are_written_as_the_index_takes_them() {
    let pending = Search::event("babylon.btcstaking.v1.EventCovenantQuorumReached", "new_state", "VERIFIED");
    let pending = pending.unwrap();
    assert_eq!(
        votes().since(ConsumerHeight(7)).to_string(),
        "message.action='/babylon.finality.v1.MsgAddFinalitySig' AND tx.height>=7"
    );
    assert_eq!(
        pending.clone().and(&votes()).to_string(),
        "babylon.btcstaking.v1.EventCovenantQuorumReached.new_state='\"VERIFIED\"' AND message.action='/babylon.finality.v1.MsgAddFinalitySig'"
    );
    for bad in ["", "a' OR tx.height>'0", "a\"b", "a b", "é", "%27"] {
        assert!(Search::message(bad).is_err() && Search::event("a", "b", bad).is_err(), "{bad}");
        assert!(Search::event(bad, "b", "c").is_err() && Search::event("a", bad, "c").is_err(), "{bad}");
    }
}

fn transaction(number: usize) -> Value {
    json!({
        "hash": format!("{number:064X}"), "height": (number + 1).to_string(), "index": 0, "tx": "AA==",
        "tx_result": {
            "code": 0, "data": null, "log": "", "info": "", "gas_wanted": "5", "gas_used": "6", "codespace": "",
            "events": [{ "type": "tx", "attributes": [{ "key": "fee", "value": null, "index": true }] }],
        },
    })
}

/// A node with so many transactions, by pages.
fn index(total: usize) -> impl Fn(&Asked) -> (u16, String) + Send + Sync {
    move |asked| {
        assert_eq!(asked.body["method"], "tx_search");
        let params = asked.body["params"].as_array().unwrap();
        assert_eq!((&params[1], &params[3], &params[4]), (&json!(false), &json!("100"), &json!("asc")));
        let page: usize = params[2].as_str().unwrap().parse().unwrap();
        let numbers = (page - 1) * 100..(page * 100).min(total);
        if page > 1 && numbers.is_empty() {
            let data = format!("page should be within [1, {}] range, given {page}", total.div_ceil(100));
            return (200, rpc_error(-32603, "Internal error", &json!(data)));
        }
        let found: Vec<_> = numbers.map(transaction).collect();
        (200, rpc_result(&json!({ "txs": found, "total_count": total.to_string() })))
    }
}

#[test]
fn all_pages_of_a_search_are_read() {
    for (total, pages) in [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (250, 3)] {
        let node = ScriptedNode::new(index(total));
        let found = query::transactions(&CometBft::new(node.url(""), WITHIN), &votes()).unwrap();
        assert_eq!((found.len(), node.asked().len()), (total, pages));
        let heights: Vec<_> = found.iter().map(|found| found.executed.height.to_u64()).collect();
        assert!(heights.iter().zip(1..).all(|(found, expected)| *found == expected), "{heights:?}");
    }
    let node = CometBft::new(ScriptedNode::new(index(1)).url(""), WITHIN);
    assert_eq!(node.search(&votes(), 2).unwrap().transactions, []);
}

/// One that says there is always more, and one without an index.
#[test]
fn a_search_ends_and_its_failures_are_told() {
    let page: Vec<_> = (0..100).map(transaction).collect();
    let endless = rpc_result(&json!({ "txs": page, "total_count": "1000000" }));
    let endless = ScriptedNode::always(endless);
    let error = query::transactions(&CometBft::new(endless.url(""), WITHIN), &votes()).unwrap_err();
    assert!(error.to_string().contains("the same page again and again"), "{error}");
    // The second page is of a node that knows fewer: what is missing is not left out without a word.
    let fewer = ScriptedNode::new(|asked| {
        let is_first = asked.body["params"][2] == "1";
        let found: Vec<_> = (0..if is_first { 100 } else { 20 }).map(transaction).collect();
        let total = if is_first { "300" } else { "120" };
        (200, rpc_result(&json!({ "txs": found, "total_count": total })))
    });
    let error = query::transactions(&CometBft::new(fewer.url(""), WITHIN), &votes()).unwrap_err();
    assert!(error.to_string().contains("120 transactions; there were 300 before"), "{error}");
    let short = rpc_result(&json!({ "txs": [transaction(1)], "total_count": "2" }));
    let short = CometBft::new(ScriptedNode::always(short).url(""), WITHIN);
    let error = query::transactions(&short, &votes()).unwrap_err();
    assert!(error.to_string().contains("1 transactions; must have 2"), "{error}");
    // However much a node says, little of it is repeated.
    let long = rpc_result(&json!({ "txs": [{ "hash": "z".repeat(100_000) }], "total_count": "1" }));
    let error = CometBft::new(ScriptedNode::always(long).url(""), WITHIN).search(&votes(), 1).unwrap_err();
    assert!(error.to_string().len() < 1_000, "{}", error.to_string().len());
    let none = rpc_error(-32603, "Internal error", &json!("transaction indexing is disabled"));
    let none = CometBft::new(ScriptedNode::always(none).url(""), WITHIN);
    assert!(matches!(none.search(&votes(), 1), Err(NodeError::NoIndex)));
    for (what, value) in [("hash", json!("AB")), ("hash", json!("no hex")), ("height", json!("+1"))] {
        let mut transaction = transaction(1);
        transaction[what] = value.clone();
        let answer = rpc_result(&json!({ "txs": [transaction], "total_count": "1" }));
        let node = CometBft::new(ScriptedNode::always(answer).url(""), WITHIN);
        assert!(node.search(&votes(), 1).unwrap_err().is_of_this_node(), "{what} {value}");
    }
    // Another node may have an index.
    let nodes: Vec<Box<dyn ChainNode>> =
        vec![Box::new(none), Box::new(CometBft::new(ScriptedNode::new(index(3)).url(""), WITHIN))];
    assert_eq!(Several::new(nodes).search(&votes(), 1).unwrap().total, 3);
}

#[test]
fn a_gateway_searches_too() {
    let node = ScriptedNode::new(|asked| {
        let response = json!({
            "height": "9", "txhash": "AB".repeat(32), "codespace": "finality", "code": 1103, "raw_log": "no",
            "gas_wanted": "5", "gas_used": "6", "events": [],
        });
        match asked.path.contains("page=1&") {
            true => (200, json!({ "txs": [], "tx_responses": [response], "total": "1" }).to_string()),
            false => {
                let message = "page should be within [1, 1] range, given 2: invalid request";
                (500, json!({ "code": 2, "message": message, "details": [] }).to_string())
            }
        }
    });
    let gateway = Gateway::new(node.url(""), WITHIN);
    let found = query::transactions(&gateway, &votes()).unwrap();
    assert_eq!((found[0].hash, found[0].executed.height), ([0xab; 32], ConsumerHeight(9)));
    assert_eq!(found[0].executed.refusal.as_ref().unwrap().code, 1103);
    assert_eq!(
        node.asked()[0].path,
        "/cosmos/tx/v1beta1/txs?query=message.action%3D%27/babylon.finality.v1.MsgAddFinalitySig%27&page=1&limit=100&order_by=ORDER_BY_ASC"
    );
    assert_eq!(gateway.search(&votes(), 2).unwrap().transactions, []);
    assert!(matches!(gateway.block_events(ConsumerHeight(1)), Err(NodeError::NotOffered { .. })));
}

#[test]
fn what_happened_in_a_block_is_read() {
    let node = ScriptedNode::new(|asked| {
        let event = |kind: &str| json!({ "type": kind, "attributes": [] });
        let result = match (asked.body["method"].as_str().unwrap(), asked.body["params"][0].as_str()) {
            ("block_results", Some("7")) => json!({
                "height": "7", "txs_results": [{ "events": [event("a")] }, { "events": null }],
                "finalize_block_events": [event("b")], "validator_updates": null,
            }),
            ("block_results", Some("8")) => {
                json!({ "height": "8", "txs_results": null, "finalize_block_events": [] })
            }
            ("block_results", Some("9")) => {
                json!({ "height": "8", "txs_results": null, "finalize_block_events": null })
            }
            ("status", _) => json!({
                "node_info": { "network": "bbn-dev-1" },
                "sync_info": {
                    "latest_block_height": "300", "latest_block_time": "2026-11-28T01:33:47Z", "catching_up": false,
                },
            }),
            (_, Some("1")) => {
                let data = "height 1 is not available, lowest height is 5";
                return (200, rpc_error(-32603, "Internal error", &json!(data)));
            }
            _ => {
                let data = "could not find results for height";
                return (200, rpc_error(-32603, "Internal error", &json!(data)));
            }
        };
        (200, rpc_result(&result))
    });
    let rpc = CometBft::new(node.url(""), WITHIN);
    let events = |height| rpc.block_events(ConsumerHeight(height));
    let kinds: Vec<_> = events(7).unwrap().unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, ["a", "b"]);
    assert_eq!(events(8).unwrap(), Some(Vec::new()));
    // Of another height, pruned, still to come, and lost.
    assert!(events(9).unwrap_err().is_of_this_node());
    assert_eq!((events(1).unwrap(), events(301).unwrap()), (None, None));
    assert!(events(10).is_err());
}

#[test]
fn a_node_that_tells_of_blocks_is_a_bell() {
    let tells = |asked: &Value, say: &mut dyn FnMut(String)| {
        assert_eq!(
            (&asked["method"], &asked["params"]),
            (&json!("subscribe"), &json!(["tm.event='NewBlockHeader'"]))
        );
        say(rpc_result(&json!({})));
        for height in ["7", "8"] {
            say(rpc_result(&json!({
                "query": "tm.event='NewBlockHeader'",
                "data": { "type": "tendermint/event/NewBlockHeader", "value": { "header": { "height": height } } },
            })));
        }
        say(rpc_result(&json!({ "data": { "value": {} } })));
        std::thread::sleep(Duration::from_secs(1));
    };
    let node = ScriptedNode::telling(|_| (404, String::new()), tells);
    let mut blocks = NewBlocks::subscribe(&node.url(""), WITHIN, &Trust::default()).unwrap();
    assert_eq!(blocks.wait(WITHIN).unwrap(), Some(ConsumerHeight(7)));
    assert_eq!(blocks.wait(WITHIN).unwrap(), Some(ConsumerHeight(8)));
    assert!(blocks.wait(WITHIN).unwrap_err().is_of_this_node());
    assert_eq!(blocks.wait(Duration::from_millis(50)).unwrap(), None);
    let gateway = ScriptedNode::always("{}");
    assert!(NewBlocks::subscribe(&gateway.url(""), WITHIN, &Trust::default()).is_err());
}
