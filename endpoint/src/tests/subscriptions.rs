//! What a node tells by itself.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::testing::{Feed, ScriptedNode, rpc_error, rpc_result, speak};
use crate::{Endpoint, EndpointError, Limits, Subscription, SubscriptionError, Trust, Url, with_causes};

const LIMITS: Limits = Limits { within: Duration::from_secs(5), most_bytes: 1000 };
const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_millis(500);

fn open(url: &Url, trust: &Trust) -> Result<Subscription, EndpointError> {
    Subscription::open(url, "/websocket", ("subscribe", &json!(["all"])), LIMITS, trust)
}

fn at(address: std::net::SocketAddr) -> Url {
    format!("http://{address}").parse().unwrap()
}

/// A server that says this to whoever subscribes.
fn websocket(feed: impl Fn(&Value, &mut dyn FnMut(String)) + Send + Sync + 'static) -> std::net::SocketAddr {
    ScriptedNode::telling(|_| (404, String::new()), feed).address()
}

/// Subscribes, and says two things.
fn two(asked: &Value, say: &mut dyn FnMut(String)) {
    assert_eq!((&asked["method"], &asked["params"]), (&json!("subscribe"), &json!(["all"])));
    say(rpc_result(&json!({})));
    say(rpc_result(&json!(1)));
    std::thread::sleep(SHORT);
    say(rpc_result(&json!({ "second": 2 })));
    std::thread::sleep(LONG);
}

#[test]
fn what_a_node_tells_comes_in_its_order_and_silence_is_nothing() {
    let mut told = open(&at(websocket(two)), &Trust::default()).unwrap();
    assert_eq!(told.next::<Value>(LIMITS.within).unwrap(), Some(json!(1)));
    assert_eq!(told.next::<Value>(LIMITS.within).unwrap(), Some(json!({ "second": 2 })));
    let begun = Instant::now();
    assert_eq!(told.next::<Value>(SHORT).unwrap(), None);
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < LONG);
    // The connection ends with the script.
    let ended = told.next::<Value>(LIMITS.within).unwrap_err();
    assert!(matches!(ended, EndpointError::Subscription { .. }), "{ended:?}");
}

#[test]
fn what_is_no_subscription_is_an_error() {
    let refuses =
        websocket(|_, say| say(rpc_error(-32600, "max_subscriptions_per_client reached", &json!(5))));
    let error = open(&at(refuses), &Trust::default()).unwrap_err();
    assert!(matches!(&error, EndpointError::Refused { refusal, .. } if refusal.code == -32600), "{error}");

    let other = websocket(|_, say| say("<html>".to_owned()));
    let error = open(&at(other), &Trust::default()).unwrap_err();
    assert!(matches!(error, EndpointError::Form { .. }), "{error}");

    let long = websocket(|_, say| say("9".repeat(1001)));
    let error = open(&at(long), &Trust::default()).unwrap_err();
    let cause = SubscriptionErrorOf(&error);
    assert!(matches!(cause.get(), Some(SubscriptionError::Protocol(_))), "{error:?}");

    let http = ScriptedNode::always("{}");
    assert!(open(&http.url(""), &Trust::default()).is_err());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = open(&at(nobody), &Trust::default()).unwrap_err();
    assert!(matches!(SubscriptionErrorOf(&error).get(), Some(SubscriptionError::Connection(_))), "{error:?}");
}

struct SubscriptionErrorOf<'a>(&'a EndpointError);

impl<'a> SubscriptionErrorOf<'a> {
    const fn get(&self) -> Option<&'a SubscriptionError> {
        match self.0 {
            EndpointError::Subscription { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// One that says its bytes one at a time is left after the time that a call may take.
#[test]
fn a_node_that_drips_or_hangs_is_left_in_time() {
    for bytes in [b"".as_slice(), b"HTTP/1.1 101 Switching Protocols\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            use std::io::Write as _;
            let (mut stream, _) = listener.accept().unwrap();
            for byte in bytes.iter().cycle().take(1000) {
                let _gone = stream.write_all(&[*byte]);
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_secs(10));
        });
        let limits = Limits { within: Duration::from_millis(300), ..LIMITS };
        let begun = Instant::now();
        let call = ("subscribe", &json!([]));
        Subscription::open(&at(address), "", call, limits, &Trust::default()).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

/// Over TLS it is left in time as well, wherever it slows down: in the handshake, and in a record.
#[test]
fn a_node_that_drips_over_tls_is_left_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::Write as _;
        let (mut stream, _) = listener.accept().unwrap();
        // The beginning of a record of a handshake, which never ends.
        for byte in [22, 3, 3, 0x3f, 0xff].into_iter().chain(std::iter::repeat_n(0, 1000)) {
            let _gone = stream.write_all(&[byte]);
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let limits = Limits { within: Duration::from_millis(300), ..LIMITS };
    let url = format!("https://localhost:{port}").parse().unwrap();
    let begun = Instant::now();
    Subscription::open(&url, "", ("subscribe", &json!([])), limits, &Trust::default()).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// Serves one connection over TLS with a certificate of its own for `localhost`, and returns the address and
/// the certificate.
fn over_tls(
    serve: impl Fn(StreamOwned<ServerConnection, std::net::TcpStream>) + Send + 'static,
) -> (Url, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls_pki_types::PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            serve(StreamOwned::new(connection, stream.unwrap()));
        }
    });
    (format!("https://localhost:{port}").parse().unwrap(), own.cert.pem())
}

#[test]
fn over_tls_a_node_is_believed_by_its_certificate_alone() {
    let (url, pem) = over_tls(|mut stream| {
        use std::io::{Read as _, Write as _};
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match stream.read(&mut byte) {
                Ok(1) => head.extend(byte),
                _ => return,
            }
        }
        let _gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    });
    // Nobody knows it, or another with the same name.
    let (_, other) = over_tls(drop);
    for trust in [Trust::default(), Trust::from_pem(other.as_bytes()).unwrap()] {
        let error = Endpoint::trusting(url.clone(), LIMITS, &trust).get("/").unwrap_err();
        let text = with_causes(&error);
        assert!(text.contains("does not answer") && text.to_lowercase().contains("cert"), "{text}");
    }
    let trust = Trust::from_pem(pem.as_bytes()).unwrap();
    assert_eq!(Endpoint::trusting(url.clone(), LIMITS, &trust).get("/").unwrap().body, b"{}");
    // By another name it is another.
    let by_number = url.at("").replace("localhost", "127.0.0.1").parse().unwrap();
    assert!(Endpoint::trusting(by_number, LIMITS, &trust).get("/").is_err());
}

#[test]
fn a_subscription_over_tls_is_believed_by_its_certificate_alone() {
    let (url, pem) = over_tls(|stream| {
        let feed: &Feed = &two;
        let _gone = speak(stream, feed);
    });
    let error = open(&url, &Trust::default()).unwrap_err();
    assert!(with_causes(&error).to_lowercase().contains("cert"), "{}", with_causes(&error));
    let mut told = open(&url, &Trust::from_pem(pem.as_bytes()).unwrap()).unwrap();
    assert_eq!(told.next::<Value>(LIMITS.within).unwrap(), Some(json!(1)));
}

#[test]
fn trust_is_in_certificates() {
    let good = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap().cert.pem();
    assert!(Trust::from_pem(format!("{good}\n{good}").as_bytes()).is_ok());
    let broken = good.replacen("MII", "AAA", 1);
    for bad in ["", "text", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", &broken] {
        assert!(Trust::from_pem(bad.as_bytes()).is_err(), "{bad}");
    }
}
