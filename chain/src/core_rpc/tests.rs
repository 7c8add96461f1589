//! Tests against a server of the test, which responds as it is told to.

use std::error::Error;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::transaction::Version;
use bitcoin::{Amount, FeeRate, Network, ScriptBuf, Transaction, TxOut};
use serde_json::{Value, json};

use super::broadcast::burned;
use super::credentials::{Credentials, Endpoint};
use super::transport::Rpc;
use super::{BitcoinCore, SEARCH_DEPTH, TIMEOUT};
use crate::{BlockHeight, Broadcast as _, ChainSource as _, FeeEstimate as _, Lookup as _, NodeError};

const SECRET: &str = "correct horse";
const SECRET_ENCODED: &str = "correct%20horse";
const SECRET_BASE64: &str = "dXNlcjpjb3JyZWN0IGhvcnNl";

/// Serves one connection per reply, in order; gives back the requests it read.
pub(super) struct Server {
    pub(super) port: u16,
    pub(super) requests: Receiver<String>,
}

impl Server {
    pub(super) fn start(replies: Vec<Vec<u8>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = channel();
        thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = sender.send(read_request(&mut stream));
                let _ = stream.write_all(&reply);
            }
        });
        Self { port, requests }
    }

    fn rpc(&self) -> Rpc {
        self.rpc_with(Credentials::UserPassword { user: "user".into(), password: SECRET.into() })
    }

    fn rpc_with(&self, credentials: Credentials) -> Rpc {
        let (endpoint, _) = Endpoint::parse(&format!("http://127.0.0.1:{}", self.port)).unwrap();
        Rpc::new(endpoint, credentials, None).unwrap()
    }

    pub(super) fn node(&self, network: Network) -> BitcoinCore {
        BitcoinCore { rpc: self.rpc(), network, search_depth: SEARCH_DEPTH, lacks_rest: true.into() }
    }
}

pub(super) fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer).unwrap() {
            0 => return text,
            read => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
        .into_bytes()
}

pub(super) fn result(value: Value) -> Vec<u8> {
    http("200 OK", &json!({"jsonrpc": "2.0", "result": value, "id": 1}).to_string())
}

pub(super) fn error(code: i32, message: &str) -> Vec<u8> {
    let body = json!({"result": null, "error": {"code": code, "message": message}, "id": 1});
    http("500 Internal Server Error", &body.to_string())
}

#[track_caller]
fn call_error(reply: Vec<u8>) -> NodeError {
    let error = Server::start(vec![reply]).rpc().call::<Value>("getfoo", &[], TIMEOUT).unwrap_err();
    assert_no_secret(&error);
    error
}

#[track_caller]
fn assert_no_secret(value: &(impl std::fmt::Debug + ?Sized)) {
    for text in [format!("{value:?}"), format!("{value:#?}")] {
        for secret in [SECRET, SECRET_ENCODED, SECRET_BASE64, "correct", "horse"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn call_sends_the_credentials_and_reads_the_answer() {
    let server = Server::start(vec![result(json!({"x": 7}))]);
    let answer: Value = server.rpc().call("getfoo", &[json!(1), Value::Null], TIMEOUT).unwrap();
    assert_eq!(answer["x"], 7);
    let request = server.requests.recv().unwrap();
    assert!(request.starts_with("POST / HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("Authorization: Basic {SECRET_BASE64}\r\n")), "{request}");
    assert!(
        request.ends_with(r#"{"method":"getfoo","params":[1,null],"id":1,"jsonrpc":"2.0"}"#),
        "{request}"
    );
}

#[test]
fn urls() {
    for (url, address) in [
        ("http://localhost:8332", "localhost:8332"),
        ("HTTP://127.0.0.1:1/", "127.0.0.1:1"),
        ("http://a:b@node_1.example-host.org:65535/", "node_1.example-host.org:65535"),
    ] {
        assert_eq!(Endpoint::parse(url).unwrap().0.address, address);
    }
    let (_, credentials) = Endpoint::parse("http://%61%3A:p%40%2f:%c3%a9@h:1").unwrap();
    let Credentials::UserPassword { user, password } = credentials else { panic!("{credentials:?}") };
    assert_eq!((user.as_str(), password.as_str()), ("a:", "p@/:é"));

    let colon = BitcoinCore::connect("http://%61%3A:p@127.0.0.1:1", Credentials::None).unwrap_err();
    assert!(colon.to_string().contains("holds a colon"), "{colon}");

    for (url, expected) in [
        ("localhost:8332", "must begin with http://"),
        ("", "must begin with http://"),
        ("ftp://localhost:8332", "must begin with http://"),
        ("https://localhost:8332", "https is not supported"),
        ("http://localhost", "must end with a port"),
        ("http://localhost:", "must end with a port"),
        ("http://localhost:0", "its port"),
        ("http://localhost:65536", "its port"),
        ("http://localhost:+80", "its port"),
        ("http://:80", "its host"),
        ("http://::1:80", "its host"),
        ("http://[::1]:18443", "IPv6"),
        ("http://lo cal:80", "its host"),
        ("http://h\r\nX-Evil: 1:80", "its host"),
        ("http://h:80/wallet/x", "nothing may follow the port"),
        ("http://h:80?x", "nothing may follow the port"),
        ("http://user@h:80", "without a password"),
        ("http://u:p%4@h:80", "two hex digits"),
        ("http://u:p%zz@h:80", "two hex digits"),
        ("http://u:%ff@h:80", "not UTF-8"),
    ] {
        match Endpoint::parse(url) {
            Err(error @ NodeError::InvalidUrl { .. }) => {
                assert!(error.to_string().contains(expected), "{url}: {error}")
            }
            other => panic!("{url}: {other:?}"),
        }
    }
}

#[test]
fn debug_and_errors_show_no_secret() {
    let password = || Credentials::UserPassword { user: "user".into(), password: SECRET.into() };
    assert_no_secret(&password());
    assert_no_secret(&Endpoint::parse(&format!("http://user:{SECRET_ENCODED}@h:1")).unwrap());
    for broken in [
        "http://user:SECRET@h",
        "http://user:SECRET",
        "https://user:SECRET@h:1",
        "http://SECRET@h:1",
        "SECRET",
        "http://user:SECRET%@h:1",
        "http://user:SECRET@h:port",
        "http://user@h:SECRET",
        "http://u:p@SECRET/x:1",
    ] {
        let error = BitcoinCore::connect(&broken.replace("SECRET", SECRET), Credentials::None).unwrap_err();
        assert_no_secret(&error);
        assert_no_secret(&error.to_string());
    }
    let twice = BitcoinCore::connect(&format!("http://user:{SECRET_ENCODED}@h:1"), password()).unwrap_err();
    assert!(matches!(twice, NodeError::InvalidUrl { .. }));
    assert_no_secret(&twice);

    let dir = tempfile::tempdir().unwrap();
    let cookie = dir.path().join("cookie");
    std::fs::write(&cookie, format!("__cookie__:{SECRET}")).unwrap();
    let server = Server::start(vec![http("401 Unauthorized", SECRET)]);
    let rpc = server.rpc_with(Credentials::CookieFile(cookie.clone()));
    assert_no_secret(&Credentials::CookieFile(cookie));
    assert_no_secret(&rpc);
    let refused = rpc.call::<Value>("getfoo", &[], TIMEOUT).unwrap_err();
    assert_no_secret(&refused);
    assert_no_secret(&refused.to_string());
    assert_no_secret(&BitcoinCore {
        rpc,
        network: Network::Regtest,
        search_depth: 1,
        lacks_rest: true.into(),
    });
}

#[test]
fn refused_credentials() {
    for status in ["401 Unauthorized", "403 Forbidden"] {
        let error = call_error(http(status, ""));
        assert!(matches!(error, NodeError::Unauthorized { .. }) && !error.is_retryable(), "{error}");
    }
}

#[test]
fn cookie_is_read_again_when_it_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".cookie");
    std::fs::write(&path, "__cookie__:old\n").unwrap();
    let server = Server::start(vec![http("401 Unauthorized", ""), result(json!(7)), result(json!(8))]);
    let rpc = server.rpc_with(Credentials::CookieFile(path.clone()));
    std::fs::write(&path, "__cookie__:new\n").unwrap();
    for expected in [7, 8] {
        assert_eq!(rpc.call::<u32>("getfoo", &[], TIMEOUT).unwrap(), expected);
    }
    let sent: Vec<bool> =
        server.requests.iter().map(|request| request.contains("X19jb29raWVfXzpuZXc=")).collect();
    assert_eq!(sent, [false, true, true]);

    let missing = Rpc::new(
        Endpoint::parse("http://h:1").unwrap().0,
        Credentials::CookieFile(dir.path().join("none")),
        None,
    );
    let error = missing.unwrap_err();
    assert!(
        matches!(error, NodeError::CookieFile { .. }) && error.is_retryable(),
        "a node that starts will write it"
    );
}

#[test]
fn errors_of_the_node() {
    let starting = call_error(error(-28, "Loading block index…"));
    assert!(
        matches!(&starting, NodeError::Starting { message, .. } if message == "Loading block index…"),
        "{starting}"
    );
    assert!(starting.is_retryable());

    let busy = call_error(http("503 Service Unavailable", "Work queue depth exceeded"));
    assert!(matches!(busy, NodeError::Busy { .. }) && busy.is_retryable(), "{busy}");

    match call_error(error(-32601, &format!("Method\nnot found {}", "x".repeat(10_000)))) {
        NodeError::Rpc { method, code, message } => {
            assert_eq!((method.as_str(), code, message.len()), ("getfoo", -32601, 400));
            assert!(message.starts_with("Method not found x"), "no control characters: {message}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_that_cannot_be_used() {
    for reply in [
        http("200 OK", ""),
        http("200 OK", "<html>It works!</html>"),
        http("200 OK", "{\"result\": "),
        http("200 OK", "[1, 2, 3]"),
        http("200 OK", r#"{"result": 7, "error": null, "id": 2}"#),
        http("200 OK", r#"{"jsonrpc": "3.0", "result": 7, "id": 1}"#),
        http("200 OK", "\u{0}\u{1}"),
        http("404 Not Found", "Not found"),
        http("500 Internal Server Error", ""),
        http("302 Found\r\nLocation: http://127.0.0.1:1/", ""),
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd".to_vec(),
        b"HTTP/1.1 200".to_vec(),
        b"220 mail.example.org ESMTP\r\n\r\nwelcome".to_vec(),
    ] {
        let text = String::from_utf8_lossy(&reply).into_owned();
        let error = call_error(reply);
        assert!(
            matches!(error, NodeError::MalformedAnswer { .. }) && !error.is_retryable(),
            "{text}: {error:?}"
        );
    }
    let server = Server::start(vec![result(json!("seven"))]);
    assert!(matches!(
        server.rpc().call::<u32>("getfoo", &[], TIMEOUT),
        Err(NodeError::MalformedAnswer { .. })
    ));
}

#[test]
fn causes_are_typed_and_told_once() {
    fn texts(error: &NodeError) -> Vec<String> {
        let (mut texts, mut next): (Vec<String>, Option<&dyn Error>) = (Vec::new(), Some(error));
        while let Some(error) = next {
            texts.push(error.to_string());
            next = error.source();
        }
        texts
    }
    let number = |value: Value| {
        Server::start(vec![result(value)]).rpc().call::<u32>("getfoo", &[], TIMEOUT).unwrap_err()
    };
    let wrong = number(json!("seven"));
    assert_eq!(texts(&wrong)[..2], ["the result of getfoo cannot be used", "JSON decode error"]);
    assert!(texts(&wrong)[2].starts_with("invalid type: string \"seven\""), "{wrong:?}");
    assert!(wrong.source().unwrap().source().unwrap().is::<serde_json::Error>());

    let long = texts(&number(json!("x".repeat(10_000))));
    assert_eq!((long.len(), long[1].len()), (2, 400), "a text of the node's is cut");
    assert!(long[1].starts_with("JSON decode error: invalid type"), "{long:?}");
}

#[test]
fn broken_connections() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let refused =
        BitcoinCore::connect(&format!("http://user:{SECRET_ENCODED}@127.0.0.1:{port}"), Credentials::None);
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, NodeError::Unreachable { address, .. } if *address == format!("127.0.0.1:{port}"))
    );
    assert!(refused.is_retryable());
    assert_no_secret(&refused);
    let cause = refused.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(cause.kind(), ErrorKind::ConnectionRefused);

    for reply in [&b""[..], b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"result\":"] {
        let error = call_error(reply.to_vec());
        assert!(matches!(error, NodeError::Unreachable { .. }), "{error:?}");
    }

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (endpoint, _) = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let rpc = Rpc::new(endpoint, Credentials::None, None).unwrap();
    let silent = rpc.call::<Value>("getfoo", &[], Duration::from_millis(50)).unwrap_err();
    assert!(matches!(silent, NodeError::Unreachable { .. }), "{silent:?}");
}

#[test]
fn answers_without_end_are_cut_off() {
    let mut stated = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    stated.resize(66 * 1024 * 1024, b' ');
    let mut header = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
    header.resize(1024 * 1024, b'x');
    for reply in [stated, header] {
        let error = call_error(reply);
        assert!(matches!(error, NodeError::MalformedAnswer { .. }), "{error:?}");
    }
}

fn transaction(outputs: &[(u64, &[u8])]) -> Transaction {
    let output = outputs
        .iter()
        .map(|(sat, script)| TxOut {
            value: Amount::from_sat(*sat),
            script_pubkey: ScriptBuf::from_bytes(script.to_vec()),
        })
        .collect();
    Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input: vec![], output }
}

#[test]
fn verdicts_on_a_transaction() {
    let sent = transaction(&[(1, &[0x51])]);
    let txid = sent.compute_txid();
    let missing = "bad-txns-inputs-missingorspent";
    for replies in [
        vec![result(json!(txid)), result(json!({ "hex": serialize_hex(&sent) }))],
        vec![error(-27, "Transaction outputs already in utxo set")],
        vec![error(-26, "txn-already-in-mempool")],
        vec![error(-26, "txn-already-known")],
    ] {
        assert_eq!(Server::start(replies).node(Network::Regtest).broadcast(&sent).unwrap(), txid);
    }
    let nowhere = || error(-5, "No such mempool transaction.");
    for (replies, expected) in [
        (vec![error(-25, missing), nowhere()], (missing, "")),
        (vec![error(-26, "non-BIP68-final")], ("non-BIP68-final", "")),
        (
            vec![error(-25, "Fee exceeds maximum (e.g. -maxtxfee, maxfeerate)")],
            ("Fee exceeds maximum (e.g. -maxtxfee, maxfeerate)", ""),
        ),
        (
            vec![error(
                -26,
                "mempool-script-verify-flag-failed (Invalid Schnorr signature), input 0 of ab, spending cd:0",
            )],
            ("mempool-script-verify-flag-failed (Invalid Schnorr signature)", "input 0 of ab, spending cd:0"),
        ),
    ] {
        match Server::start(replies).node(Network::Regtest).broadcast(&sent) {
            Err(NodeError::Rejected { txid: rejected, reason, detail }) => {
                assert_eq!((rejected, (reason.as_str(), detail.as_str())), (txid, expected));
            }
            other => panic!("{other:?}"),
        }
    }
    // Taken, and nowhere.
    let replies = vec![result(json!(txid)), nowhere(), result(Value::Null), result(Value::Null)];
    let taken = Server::start(replies).node(Network::Regtest).broadcast(&sent).unwrap_err();
    assert!(matches!(taken, NodeError::NotInMempool { txid: found } if found == txid), "{taken}");
    assert!(taken.is_retryable());
    let other = Server::start(vec![result(json!("00".repeat(32)))]).node(Network::Regtest).broadcast(&sent);
    assert!(matches!(other, Err(NodeError::MalformedAnswer { .. })));
    let internal = Server::start(vec![error(-1, "out of luck")]).node(Network::Regtest).broadcast(&sent);
    assert!(matches!(internal, Err(NodeError::Rpc { code: -1, .. })));
}

#[test]
fn amounts_that_nobody_can_spend_are_declared() {
    let burning = transaction(&[(5, &[0x51]), (10_000, &[0x6a]), (7, &[0x6a, 0x00])]);
    assert_eq!(burned(&burning).to_sat(), 10_000);
    assert_eq!(burned(&transaction(&[(5, &[0x51])])), Amount::ZERO);
    let sent = result(json!({ "hex": serialize_hex(&burning) }));
    let server = Server::start(vec![result(json!(burning.compute_txid())), sent]);
    server.node(Network::Regtest).broadcast(&burning).unwrap();
    let request = server.requests.recv().unwrap();
    assert!(request.contains(r#"",0,"0.0001"],"#), "{request}");
}

#[test]
fn fee_rates() {
    let minimum = || result(json!({"mempoolminfee": 0.00000999}));
    for (replies, expected) in [
        (vec![result(json!({"feerate": 0.00012345, "blocks": 2}))], 3_087),
        (vec![result(json!({"errors": ["Insufficient data"], "blocks": 2})), minimum()], 250),
    ] {
        let rate = Server::start(replies).node(Network::Bitcoin).fee_rate(0).unwrap();
        assert_eq!(rate, FeeRate::from_sat_per_kwu(expected), "rounded up");
    }
    let negative =
        Server::start(vec![result(json!({"feerate": -1.0, "blocks": 2}))]).node(Network::Bitcoin).fee_rate(6);
    assert!(matches!(negative, Err(NodeError::MalformedAnswer { .. })));
}

#[test]
fn scan_that_runs_is_waited_for() {
    let reply = error(-8, "Scan already in progress, use action \"abort\" or \"status\"");
    let busy = Server::start(vec![reply]).node(Network::Regtest).coins(&ScriptBuf::new()).unwrap_err();
    assert!(matches!(busy, NodeError::Busy { .. }) && busy.is_retryable(), "{busy}");
    let huge = Server::start(vec![]).node(Network::Regtest).block_at(BlockHeight::new(u32::MAX));
    assert!(huge.is_err());
}
