//! Nodes that answer well, badly, or not at all.

mod subscriptions;

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::testing::{ScriptedNode, rpc_error, rpc_result};
use crate::{Endpoint, EndpointError, Limits, Url};

const LIMITS: Limits = Limits { within: Duration::from_secs(5), most_bytes: 1000 };

fn asking(node: &ScriptedNode) -> Endpoint {
    Endpoint::new(node.url("/rpc/"), LIMITS)
}

#[test]
fn calls_are_json_rpc_at_the_address() {
    let node = ScriptedNode::always(rpc_result(&json!({ "height": "7", "more": [1] })));
    #[derive(serde::Deserialize)]
    struct Status {
        height: String,
    }
    let status: Status = asking(&node).call("status", &json!([])).unwrap();
    assert_eq!(status.height, "7");
    let [asked] = node.asked().try_into().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/rpc/"));
    assert_eq!(asked.body, json!({ "jsonrpc": "2.0", "id": 1, "method": "status", "params": [] }));
}

#[test]
fn a_gateway_is_asked_below_the_address() {
    let node = ScriptedNode::new(|asked| {
        if asked.method == "GET" { (404, "{\"code\":5}".to_owned()) } else { (200, asked.body.to_string()) }
    });
    let endpoint = asking(&node);
    let absent = endpoint.get("/a/b?c=d").unwrap();
    assert_eq!((absent.status, absent.body.as_slice()), (404, b"{\"code\":5}".as_slice()));
    assert_eq!(endpoint.post("/tx", &json!({ "a": 1 })).unwrap().body, b"{\"a\":1}");
    let paths: Vec<_> = node.asked().into_iter().map(|asked| asked.path).collect();
    assert_eq!(paths, ["/rpc/a/b?c=d", "/rpc/tx"]);
}

#[test]
fn bad_answers_are_refused_and_named() {
    let long = "x".repeat(900);
    let cases = [
        (rpc_result(&json!([])), "its result has another form"),
        (json!({ "id": 1 }).to_string(), "it has no result"),
        ("[1, 2".to_owned(), "it is not JSON-RPC"),
        (String::new(), "it is not JSON-RPC"),
        ("9".repeat(1001), "is too long; must have at most 1000 bytes"),
        (rpc_error(0, &long, &Value::Null), "refuses: \"xxx"),
        (json!({ "error": 5 }).to_string(), "refuses: \"5\""),
        (rpc_error(-32603, "Internal error", &json!("tx\n")), "refuses: \"Internal error\" \"tx\\n\""),
        (rpc_error(1, "a", &json!([1])), "refuses: \"a\" \"[1]\""),
    ];
    for (answer, expected) in cases {
        let node = ScriptedNode::always(answer);
        let error = asking(&node).call::<String>("a", &json!([])).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && text.len() < 400, "{expected}: {text}");
    }
    let node = ScriptedNode::new(|_| (502, "<html>Bad Gateway</html>".to_owned()));
    let error = asking(&node).call::<String>("a", &json!([])).unwrap_err().to_string();
    assert!(error.ends_with("it is not JSON-RPC, and has the HTTP status 502"), "{error}");
}

#[test]
fn the_refusal_has_its_number() {
    let node = ScriptedNode::always(rpc_error(-32603, "Internal error", &json!("already exists")));
    let EndpointError::Refused { refusal, .. } = asking(&node).call::<Value>("a", &json!([])).unwrap_err()
    else {
        panic!()
    };
    assert_eq!((refusal.code, refusal.data.as_str()), (-32603, "already exists"));
}

/// Whoever waits for an answer does so for a bounded time.
#[test]
fn a_node_that_hangs_or_is_not_there_is_said_to_be() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { within: Duration::from_millis(200), most_bytes: 1 };
    let endpoint = Endpoint::new(format!("http://{address}/secret").parse().unwrap(), limits);
    let begun = Instant::now();
    let hangs = endpoint.get("").unwrap_err().to_string();
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(hangs, format!("the node at http://{address} does not answer"));
    drop(listener);
    assert!(TcpStream::connect(address).is_err());
    assert!(matches!(endpoint.get(""), Err(EndpointError::Connection { .. })));
}

#[test]
fn an_address_is_checked() {
    for good in
        ["http://127.0.0.1:26657", "https://rpc.example", "https://rpc.example/babylon/", "http://[::1]:1"]
    {
        assert!(good.parse::<Url>().is_ok(), "{good}");
    }
    let bad = ["", "127.0.0.1:26657", "tcp://127.0.0.1:26657", "http://", "http:///", "http://me:you@host/"];
    for bad in bad.into_iter().chain(["https://host/?key=1", "https://host/#a", "https://ho st/"]) {
        assert!(bad.parse::<Url>().is_err(), "{bad}");
    }
    // Some providers have a secret in the path.
    let url: Url = "https://rpc.example:1/v2/secret".parse().unwrap();
    assert_eq!(format!("{url} {url:?}"), "https://rpc.example:1 Url(https://rpc.example:1)");
    assert_eq!(format!("{:?}", Endpoint::new(url, LIMITS)), "Endpoint(https://rpc.example:1)");
    let place = |url: &str, other: &str| url.parse::<Url>().unwrap().is_same_place(&other.parse().unwrap());
    for same in ["http://localhost:80", "https://127.0.0.1:80/rpc", "http://[::1]"] {
        assert!(place("http://localhost", same), "{same}");
    }
    assert!(place("https://Node.example", "http://node.example:443"));
    assert!(!place("http://localhost:1", "http://localhost:2") && !place("http://a", "http://b"));
    assert!(!place("http://127.0.0.1", "http://127.0.0.2"));
    let exposed = |url: &str| url.parse::<Url>().unwrap().is_exposed();
    assert!(exposed("http://10.0.0.1:26657") && exposed("http://node.example"));
    for hidden in ["https://10.0.0.1", "http://localhost:26657", "http://[::1]:26657", "http://127.0.0.2:1"] {
        assert!(!exposed(hidden), "{hidden}");
    }
}
