//! Those who mean harm: garbage, what is too large, what never ends, and what is asked and not waited for.

use std::time::{Duration, Instant};

use signer::wire::reference::{CreateRandomnessPairListRequest, PingRequest, SignEotsRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::harness::{ALICE, Home, Running, chain_id, refused, uid, vote};

const PATH: &str = "http://signer/proto.EOTSManager/Ping";

async fn still_serves(running: &Running, height: u64) {
    let mut client = running.reference().await;
    client.ping(PingRequest {}).await.unwrap();
    let request = SignEotsRequest { uid: uid(ALICE), chain_id: chain_id(0), msg: vote(height, 1), height };
    client.sign_eots(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_no_request() {
    let running = Running::open().await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
    let garbage: Vec<u8> =
        (0..100_000_u32).map(|n| u8::try_from(n.wrapping_mul(2_654_435_761) >> 24).unwrap()).collect();
    for bytes in [
        garbage.clone(),
        [preface, &garbage].concat(),
        b"GET / HTTP/1.1\r\nHost: signer\r\n\r\n".to_vec(),
        vec![0x16, 3, 1, 0xff, 0xff],
        vec![0; 1 << 20],
        // A frame that states 16 MB.
        [preface, &[0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]].concat(),
    ] {
        let mut stream = TcpStream::connect(running.daemon.grpc_address()).await.unwrap();
        let _closed = stream.write_all(&bytes).await;
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ended = tokio::time::timeout(Duration::from_millis(300), read).await;
    }
    still_serves(&running, 300).await;
}

/// Sends a body in pieces through h2, and returns status and text.
async fn send(running: &Running, pieces: usize, piece: Vec<u8>) -> Option<(Code, String)> {
    let stream = TcpStream::connect(running.daemon.grpc_address()).await.unwrap();
    let (send, connection) = h2::client::handshake(stream).await.unwrap();
    let driven = tokio::spawn(connection);
    let mut send = send.ready().await.unwrap();
    let request = http::Request::post(PATH).header("content-type", "application/grpc").body(()).unwrap();
    let (answer, mut body) = send.send_request(request, false).unwrap();
    let piece = bytes::Bytes::from(piece);
    let sending = tokio::spawn(async move {
        for number in 0..pieces {
            body.reserve_capacity(piece.len());
            let mut rest = piece.clone();
            while !rest.is_empty() {
                let Some(Ok(capacity)) = std::future::poll_fn(|context| body.poll_capacity(context)).await
                else {
                    return;
                };
                let now = rest.split_to(capacity.min(rest.len()));
                if body.send_data(now, false).is_err() {
                    return;
                }
            }
            let _number = number;
        }
        let _ended = body.send_data(bytes::Bytes::new(), true);
    });
    let answer = answer.await.ok()?;
    sending.abort();
    driven.abort();
    let header =
        |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let code = Code::from_bytes(header("grpc-status")?.as_bytes());
    Some((code, header("grpc-message").unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_or_compressed_is_refused() {
    let running = Running::open().await;
    // 100 MB, of which most is never read.
    let (code, text) = send(&running, 100, vec![0; 1 << 20]).await.unwrap();
    assert_eq!((code, text.contains("16777216")), (Code::ResourceExhausted, true), "{text}");
    // A compressed message, which could be a bomb.
    let (code, _) = send(&running, 1, vec![1, 0, 0, 0, 4, 1, 2, 3, 4]).await.unwrap();
    assert_eq!(code, Code::Unimplemented);
    // Lengths that are not the message's, and no message.
    for piece in [vec![0, 0, 0, 0, 9, 1], vec![0, 0, 0, 0, 0, 1], vec![0, 0], vec![0, 255, 255, 255, 255]] {
        let (code, text) = send(&running, 1, piece).await.unwrap();
        assert_eq!(code, Code::InvalidArgument, "{text}");
    }
    still_serves(&running, 300).await;
}

/// Connections that say nothing, and requests that never end, take nobody else's place.
#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_harm_themselves() {
    let running = Running::open().await;
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(running.daemon.grpc_address()).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n").await.unwrap();
        held.push(stream);
    }
    let mut unfinished = Vec::new();
    for _ in 0..20 {
        let stream = TcpStream::connect(running.daemon.grpc_address()).await.unwrap();
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        let driven = tokio::spawn(connection);
        let mut send = send.ready().await.unwrap();
        let request = http::Request::post(PATH).body(()).unwrap();
        unfinished.push((send.send_request(request, false).unwrap(), driven));
    }
    still_serves(&running, 300).await;
}

/// Whoever says nothing has a place for ten seconds.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_keep_their_places() {
    let more = format!("{}\n[limits]\nconnections = 2\n", crate::harness::ANYBODY);
    let running = Home::new().start(&more).await;
    let mut silent = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(running.daemon.grpc_address()).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n").await.unwrap();
        silent.push(stream);
    }
    tokio::time::timeout(Duration::from_secs(60), still_serves(&running, 300)).await.unwrap();
    // Who has asked keeps its own.
    let mut client = running.reference().await;
    client.ping(PingRequest {}).await.unwrap();
    tokio::time::sleep(Duration::from_secs(11)).await;
    client.ping(PingRequest {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_says_is_not_repeated_at_length() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let chain_id = vec![0; 1 << 20];
    let request = SignEotsRequest { uid: uid(ALICE), chain_id, msg: vote(300, 1), height: 300 };
    let (code, text) = refused(client.sign_eots(request).await);
    assert_eq!(
        (code, text.contains("1048576 bytes"), text.len() < 1100),
        (Code::PermissionDenied, true, true)
    );
    let mut own = running.own().await;
    let address = "a".repeat(1 << 20);
    let request =
        signer::wire::own::ProvePossessionRequest { public_key: uid(ALICE), address, context: String::new() };
    let (code, text) = refused(own.prove_possession(request).await);
    assert_eq!((code, text.len() < 1100), (Code::InvalidArgument, true), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_limit_wait() {
    let more = format!("{}\n[limits]\nconnections = 2\n", crate::harness::ANYBODY);
    let running = Home::new().start(&more).await;
    let mut one = running.reference().await;
    one.ping(PingRequest {}).await.unwrap();
    let mut two = running.reference().await;
    two.ping(PingRequest {}).await.unwrap();
    let mut three = running.reference().await;
    let waits = tokio::time::timeout(Duration::from_millis(300), three.ping(PingRequest {})).await;
    assert!(waits.is_err(), "a third was served");
    drop((one, two));
    tokio::time::timeout(Duration::from_secs(20), still_serves(&running, 300)).await.unwrap();
}

/// Who goes away stops what was derived for it: the next list does not wait for the whole of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_nobody_waits_for_stops() {
    let more = format!("{}\n[limits]\nrandomness_outstanding = 490000\n", crate::harness::ANYBODY);
    let running = Home::new().start(&more).await;
    let list = |start_height, num| CreateRandomnessPairListRequest {
        uid: uid(ALICE),
        chain_id: chain_id(0),
        start_height,
        num,
        interval: None,
    };
    let mut client = running.reference().await;
    let since = Instant::now();
    client.create_randomness_pair_list(list(0, 20_000)).await.unwrap();
    let whole = since.elapsed().saturating_mul(490_000 / 20_000);
    let mut leaving = running.reference().await;
    let asked = leaving.create_randomness_pair_list(list(0, 490_000));
    assert!(tokio::time::timeout(Duration::from_millis(200), asked).await.is_err(), "too fast");
    // While it is derived, the client has nothing left; then it has again, long before it could be done.
    let since = Instant::now();
    loop {
        match client.create_randomness_pair_list(list(1, 1)).await {
            Ok(_) => break,
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
        }
        assert!(since.elapsed() < whole, "it was derived to the end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(since.elapsed() < whole / 2, "{:?} of {whole:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_has_so_many_heights_outstanding() {
    let more = format!("{}\n[limits]\nrandomness_outstanding = 1000\n", crate::harness::ANYBODY);
    let running = Home::new().start(&more).await;
    let mut client = running.reference().await;
    let list = |num| CreateRandomnessPairListRequest {
        uid: uid(ALICE),
        chain_id: chain_id(0),
        start_height: 0,
        num,
        interval: None,
    };
    let (code, text) = refused(client.create_randomness_pair_list(list(1001)).await);
    assert_eq!((code, text.contains("anybody")), (Code::ResourceExhausted, true), "{text}");
    client.create_randomness_pair_list(list(1000)).await.unwrap();
    client.create_randomness_pair_list(list(1000)).await.unwrap();
}

/// An answer that nobody reads stays outstanding: a client cannot have one list after the other in memory.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_read_is_outstanding() {
    use prost::Message as _;
    let more = format!("{}\n[limits]\nrandomness_outstanding = 30000\n", crate::harness::ANYBODY);
    let running = Home::new().start(&more).await;
    let list = |num| CreateRandomnessPairListRequest {
        uid: uid(ALICE),
        chain_id: chain_id(0),
        start_height: 0,
        num,
        interval: None,
    };
    let stream = TcpStream::connect(running.daemon.grpc_address()).await.unwrap();
    let (send, connection) =
        h2::client::Builder::new().initial_window_size(0).handshake::<_, bytes::Bytes>(stream).await.unwrap();
    let driven = tokio::spawn(connection);
    let mut send = send.ready().await.unwrap();
    let path = "http://signer/proto.EOTSManager/CreateRandomnessPairList";
    let request = http::Request::post(path).header("content-type", "application/grpc").body(()).unwrap();
    let (answer, mut body) = send.send_request(request, false).unwrap();
    let message = list(20_000).encode_to_vec();
    let prefix = [&[0][..], &u32::try_from(message.len()).unwrap().to_be_bytes()].concat();
    body.send_data([prefix, message].concat().into(), true).unwrap();
    let held = answer.await.unwrap();
    let mut client = running.reference().await;
    let (code, _) = refused(client.create_randomness_pair_list(list(20_000)).await);
    assert_eq!(code, Code::ResourceExhausted);
    client.create_randomness_pair_list(list(10_000)).await.unwrap();
    drop(held);
    driven.abort();
    let mut again = client.create_randomness_pair_list(list(20_000)).await;
    for _ in 0..200 {
        if again.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        again = client.create_randomness_pair_list(list(20_000)).await;
    }
    again.unwrap();
}
