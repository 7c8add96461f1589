//! Nodes that answer well, badly, or not at all.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use finality::ConsumerHeight;
use serde_json::{Value, json};

use super::{ChainNode, NodeError, NodeKind, NodeUrl};

type Answer = dyn Fn(&Value) -> String + Send + Sync;

/// A server of HTTP that answers each question by a script, until the process ends.
struct Scripted {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Scripted {
    fn answering(body: impl Fn(&Value) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, body): (Arc<Mutex<Vec<Value>>>, Arc<Answer>) = (Arc::default(), Arc::new(body));
        let noted = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (noted, body) = (noted.clone(), body.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &noted, &*body));
            }
        });
        Self { address, asked }
    }

    fn node(&self, kind: NodeKind) -> Box<dyn ChainNode> {
        kind.node(format!("http://{}/rpc", self.address).parse().unwrap(), "bbn-1")
    }
}

/// Answers each request of a connection.
fn serve(mut stream: &TcpStream, noted: &Mutex<Vec<Value>>, body: &Answer) {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert!(head.starts_with("post /rpc http/1.1\r\n"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
        let mut question = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut question).unwrap();
        let question = serde_json::from_slice(&question).unwrap();
        let answer = body(&question);
        noted.lock().unwrap().push(question);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn result(value: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "result": value }).to_string()
}

fn cometbft(question: &Value) -> String {
    let height: u64 = match question["method"].as_str().unwrap() {
        "status" => {
            let sync_info = json!({ "latest_block_height": "300", "catching_up": false });
            return result(&json!({ "node_info": { "network": "bbn-1" }, "sync_info": sync_info }));
        }
        _ => question["params"]["height"].as_str().unwrap().parse().unwrap(),
    };
    if height > 300 {
        let data = format!("height {height} must be less than or equal to the current blockchain height 300");
        let error = json!({ "code": -32603, "message": "Internal error", "data": data });
        return json!({ "jsonrpc": "2.0", "id": 1, "error": error }).to_string();
    }
    let app_hash = "AB".repeat(32);
    result(&json!({ "header": { "chain_id": "bbn-1", "height": height.to_string(), "app_hash": app_hash } }))
}

#[test]
fn what_is_voted_for_is_the_app_hash_of_the_header() {
    let server = Scripted::answering(cometbft);
    let node = server.node(NodeKind::CometBft);
    assert_eq!(node.voted_hash(ConsumerHeight(300)).unwrap(), [0xab; 32]);
    assert_eq!(node.tip().unwrap(), ConsumerHeight(300));
    let question = server.asked.lock().unwrap()[0].clone();
    let header = json!({ "jsonrpc": "2.0", "id": 1, "method": "header", "params": { "height": "300" } });
    assert_eq!(question, header);
    let absent = node.voted_hash(ConsumerHeight(301)).unwrap_err();
    assert_eq!(absent.to_string(), "the chain's node has no block at height 301 yet");
}

#[test]
fn an_answer_that_is_not_of_the_block_asked_for_is_refused() {
    let header = |chain_id: &str, height: &str, app_hash: &str| {
        let header = json!({ "chain_id": chain_id, "height": height, "app_hash": app_hash });
        result(&json!({ "header": header }))
    };
    let hash = "00".repeat(32);
    let long = "x".repeat(1000);
    let cases = [
        (header("bbn-2", "7", &hash), r#"the node is of the chain "bbn-2"; must be of "bbn-1""#),
        (header("bbn-1", "8", &hash), "the chain's node answers for height 8; was asked for 7"),
        (header("bbn-1", "-7", &hash), "a height in it is no number"),
        (header("bbn-1", "7", ""), "app_hash is not 32 bytes in hex"),
        (header("bbn-1", "7", &"0".repeat(62)), "app_hash is not 32 bytes in hex"),
        (result(&json!({ "header": null })), "there is no header in it"),
        (result(&json!([])), "its result has another form"),
        (result(&json!({ "header": { "height": "7" } })), "its result has another form"),
        (json!({ "id": 1 }).to_string(), "it has no result"),
        ("[1, 2".to_owned(), "it is not JSON-RPC"),
        (String::new(), "it is not JSON-RPC"),
        ("9".repeat((64 << 10) + 1), "it is too long"),
        (json!({ "error": { "message": long } }).to_string(), "refuses to answer"),
        (json!({ "error": 5 }).to_string(), r#"refuses to answer: "5""#),
        (json!({ "error": { "message": "a", "data": [1] } }).to_string(), r#"refuses to answer: "a: [1]""#),
    ];
    for (answer, expected) in cases {
        let server = Scripted::answering(move |_| answer.clone());
        let error = server.node(NodeKind::CometBft).voted_hash(ConsumerHeight(7)).unwrap_err().to_string();
        assert!(error.contains(expected) && error.len() < 400, "{expected}: {error}");
    }
}

#[test]
fn on_rollups_it_is_the_hash_of_the_block() {
    let server = Scripted::answering(|question| match question["method"].as_str().unwrap() {
        "eth_blockNumber" => result(&json!("0x2a")),
        _ => match question["params"][0].as_str().unwrap() {
            "0x2a" => result(&json!({ "number": "0x2a", "hash": format!("0x{}", "cd".repeat(32)) })),
            "0x1" => result(&json!({ "number": "0x2", "hash": format!("0x{}", "cd".repeat(32)) })),
            "0x2" => result(&json!({ "number": "0x2", "hash": "cd".repeat(32) })),
            "0x3" => result(&json!({ "number": "0x+3", "hash": "0x" })),
            _ => result(&Value::Null),
        },
    });
    let node = server.node(NodeKind::Evm);
    assert_eq!(node.voted_hash(ConsumerHeight(42)).unwrap(), [0xcd; 32]);
    assert_eq!(node.tip().unwrap(), ConsumerHeight(42));
    let asked = server.asked.lock().unwrap()[0].clone();
    assert_eq!(asked["params"], json!(["0x2a", false]));
    let error = |height| node.voted_hash(ConsumerHeight(height)).unwrap_err();
    assert!(matches!(error(43), NodeError::Absent { height: ConsumerHeight(43) }));
    assert!(matches!(error(1), NodeError::OtherHeight { found: 2, .. }));
    assert!(matches!(error(2), NodeError::Answer { .. }));
    assert!(matches!(error(3), NodeError::Answer { .. }));
}

#[test]
fn a_node_that_is_not_there_is_said_to_be() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let node = NodeKind::CometBft.node(format!("http://{free}").parse().unwrap(), "bbn-1");
    let error = node.voted_hash(ConsumerHeight(7)).unwrap_err();
    assert_eq!(error.to_string(), format!("the chain's node at http://{free} does not answer"));
}

#[test]
fn an_address_is_checked() {
    for good in
        ["http://127.0.0.1:26657", "https://rpc.example", "https://rpc.example/babylon/", "http://[::1]:1"]
    {
        assert!(good.parse::<NodeUrl>().is_ok(), "{good}");
    }
    let bad = ["", "127.0.0.1:26657", "tcp://127.0.0.1:26657", "http://", "http:///", "http://me:you@host/"];
    for bad in bad.into_iter().chain(["https://host/?key=1", "https://host/#a", "https://ho st/"]) {
        assert!(bad.parse::<NodeUrl>().is_err(), "{bad}");
    }
    // Some providers have a secret in the path.
    let url: NodeUrl = "https://rpc.example:1/v2/secret".parse().unwrap();
    assert_eq!(format!("{url} {url:?}"), "https://rpc.example:1 NodeUrl(https://rpc.example:1)");
    assert!(!format!("{:?}", NodeKind::Evm.node(url, "a")).contains("secret"));
    let exposed = |url: &str| url.parse::<NodeUrl>().unwrap().is_exposed();
    assert!(exposed("http://10.0.0.1:26657") && exposed("http://node.example"));
    for hidden in ["https://10.0.0.1", "http://localhost:26657", "http://[::1]:26657", "http://127.0.0.2:1"] {
        assert!(!exposed(hidden), "{hidden}");
    }
}
