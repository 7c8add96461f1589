//! Who may ask for what: HMACs, permissions, limits, and secrets that are replaced.

use std::time::Duration;

use base64::Engine as _;
use finality::{ConsumerHeight, Signer as _, SignerChain, SigningContext, VoteMessage};
use signer::auth::{BOUND_HEADER, BoundAuth, SharedSecret};
use signer::client::{Connection, RemoteError, RemoteSigner};
use signer::wire::own::{StatusRequest, VoteRequest};
use signer::wire::reference::{CreateRandomnessPairListRequest, PingRequest, SignEotsRequest};
use tonic::{Code, Request};
use zeroize::Zeroizing;

use crate::harness::{ALICE, BOB, Home, chain_id, public, refused, uid, vote};

const SECRET: &str = "a secret of 32 bytes, and longer";
const CLIENTS: &str = r#"
[[client]]
name = "fpd"
hmac_secret_file = "fpd.hmac"
keys = ["alice"]
chains = ["bbn-1"]
operations = ["vote", "randomness"]
requests_per_second = 1000
[[client]]
name = "operator"
auth_secret_file = "operator.secret"
operations = ["status", "vote"]
requests_per_second = 5
"#;

fn home() -> Home {
    let home = Home::new();
    home.write("fpd.hmac", "the reference's secret\n");
    home.write("operator.secret", SECRET);
    home
}

fn shared(text: &str) -> SharedSecret {
    SharedSecret::new(Zeroizing::new(text.as_bytes().to_vec()))
}

/// A request with the reference's HMAC.
fn with_hmac<T: prost::Message>(secret: &str, message: T) -> Request<T> {
    let mac = shared(secret).hmac(&[&message.encode_to_vec()]);
    let mut request = Request::new(message);
    let header = base64::engine::general_purpose::STANDARD.encode(mac);
    request.metadata_mut().insert("x-fpd-hmac", header.parse().unwrap());
    request
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// A request with our header.
fn with_bound<T: prost::Message>(secret: &str, method: &str, message: T, nonce: u8) -> Request<T> {
    let path = format!("/btcstake.signer.v1.Signer/{method}");
    let auth = BoundAuth::new(&shared(secret), &path, &message.encode_to_vec(), now(), [nonce; 16]);
    let mut request = Request::new(message);
    request.metadata_mut().insert(BOUND_HEADER, auth.to_header().parse().unwrap());
    request
}

fn sign(key: u8, chain: usize, height: u64) -> SignEotsRequest {
    SignEotsRequest { uid: uid(key), chain_id: chain_id(chain), msg: vote(height, 1), height }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_may_do_what_they_are_allowed() {
    let running = home().start(CLIENTS).await;
    let mut client = running.reference().await;
    let secret = "the reference's secret";
    client.ping(PingRequest {}).await.unwrap();
    client.sign_eots(with_hmac(secret, sign(ALICE, 0, 120))).await.unwrap();
    assert_eq!(refused(client.sign_eots(sign(ALICE, 0, 120)).await).0, Code::Unauthenticated);
    let (code, text) = refused(client.sign_eots(with_hmac("another", sign(ALICE, 0, 120))).await);
    assert_eq!((code, text.as_str()), (Code::Unauthenticated, "invalid HMAC"));
    for (request, says) in [
        (sign(BOB, 0, 120), "this key"),
        (sign(3, 0, 120), "this key"),
        (sign(ALICE, 1, 120), "this chain"),
        (SignEotsRequest { chain_id: b"none".to_vec(), ..sign(ALICE, 0, 120) }, "this chain"),
    ] {
        let (code, text) = refused(client.sign_eots(with_hmac(secret, request)).await);
        assert_eq!((code, text.contains(says)), (Code::PermissionDenied, true), "{text}");
    }
    let backup = signer::wire::reference::BackupRequest { db_path: "any".into(), backup_dir: "/tmp".into() };
    let (code, text) = refused(client.backup(with_hmac(secret, backup)).await);
    assert_eq!((code, text.contains("backup")), (Code::PermissionDenied, true), "{text}");
    let metrics = running.get("/metrics").await;
    assert!(metrics.contains("invalid_hmac") && metrics.contains("not_provided"), "{metrics}");
    // No secret is in what anybody sees.
    assert!(!metrics.contains("the reference's secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_request_is_served_once_and_not_after_a_restart() {
    let running = home().start(CLIENTS).await;
    let mut own = running.own().await;
    let status = |nonce| with_bound(SECRET, "Status", StatusRequest {}, nonce);
    let captured = status(1);
    let header = captured.metadata().clone();
    let replayed = || {
        let mut request = Request::new(StatusRequest {});
        *request.metadata_mut() = header.clone();
        request
    };
    own.status(captured).await.unwrap();
    let (code, text) = refused(own.status(replayed()).await);
    assert_eq!((code, text.contains("used before")), (Code::Unauthenticated, true), "{text}");
    // The header of one method is none of another.
    let mut other = Request::new(signer::wire::own::LockRequest { public_key: uid(ALICE) });
    *other.metadata_mut() = status(2).metadata().clone();
    assert_eq!(refused(own.lock(other).await).0, Code::Unauthenticated);
    // Nor of another message.
    let ask = |block: u8| VoteRequest {
        public_key: uid(ALICE),
        chain_id: chain_id(0),
        height: 120,
        block_hash: vec![block; 32],
        ..VoteRequest::default()
    };
    let mut changed = Request::new(ask(2));
    *changed.metadata_mut() = with_bound(SECRET, "Vote", ask(1), 3).metadata().clone();
    assert_eq!(refused(own.vote(changed).await).0, Code::Unauthenticated);
    // Requests in another order than they were made are served.
    let (early, late) = (with_bound(SECRET, "Vote", ask(1), 4), with_bound(SECRET, "Vote", ask(2), 5));
    assert_eq!(refused(own.vote(late).await.map(drop).and(Err::<(), _>(tonic::Status::ok("")))).0, Code::Ok);
    assert_eq!(refused(own.vote(early).await).0, Code::FailedPrecondition);

    let running = running.stop().await.start(CLIENTS).await;
    let mut own = running.own().await;
    let (code, text) = refused(own.status(replayed()).await);
    assert_eq!((code, text.contains("used before")), (Code::Unauthenticated, true), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_authenticates_and_is_limited() {
    let running = home().start(CLIENTS).await;
    let url = running.url();
    let asked = tokio::task::spawn_blocking(move || {
        let connect = |secret: &str| {
            let connection = Connection { url: url.clone(), tls: None, auth: Some(shared(secret)) };
            RemoteSigner::connect(connection).unwrap()
        };
        let wrong = connect("a wrong secret").status().unwrap_err();
        assert!(matches!(wrong, RemoteError::Unauthenticated { .. }), "{wrong}");
        let signer = connect(SECRET).signer(public(ALICE), SignerChain::genesis("bbn-1"));
        let message = VoteMessage::new(SigningContext::GENESIS, ConsumerHeight(200), [1; 32]);
        let first = signer.vote(&message).unwrap();
        let mut limited = false;
        for _ in 0..20 {
            match signer.vote(&message) {
                Ok(again) => assert_eq!(again, first),
                Err(RemoteError::Failed { code: Code::ResourceExhausted, .. }) => limited = true,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(limited, "twenty requests at five per second");
    });
    asked.await.unwrap();
}

/// The files are read every five seconds.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_replaced_without_a_stop() {
    let running = home().start(CLIENTS).await;
    let mut client = running.reference().await;
    let list = || CreateRandomnessPairListRequest {
        uid: uid(ALICE),
        chain_id: chain_id(0),
        start_height: 1,
        num: 1,
        interval: None,
    };
    client.create_randomness_pair_list(with_hmac("the reference's secret", list())).await.unwrap();
    // Both are valid while both are in the file; a file that cannot be read changes nothing.
    running.home.write("fpd.hmac", "the reference's secret\na newer secret of it\n");
    running.home.write("operator.secret", "");
    let mut changed = false;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        client.create_randomness_pair_list(with_hmac("the reference's secret", list())).await.unwrap();
        if client.create_randomness_pair_list(with_hmac("a newer secret of it", list())).await.is_ok() {
            changed = true;
            break;
        }
    }
    assert!(changed, "the new secret is valid within seconds");
    let mut own = running.own().await;
    own.status(with_bound(SECRET, "Status", StatusRequest {}, 9)).await.unwrap();
}

/// One client takes no more than half of the connections.
#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_client_leave_as_many_to_others() {
    let running = home().start(&format!("{CLIENTS}\n[limits]\nconnections = 6\n")).await;
    let list = |start_height| {
        let (uid, chain_id) = (uid(ALICE), chain_id(0));
        CreateRandomnessPairListRequest { uid, chain_id, start_height, num: 1, interval: None }
    };
    let mut held = Vec::new();
    for number in 0..3 {
        let mut client = running.reference().await;
        let ask = with_hmac("the reference's secret", list(number));
        client.create_randomness_pair_list(ask).await.unwrap();
        held.push(client);
    }
    let mut fourth = running.reference().await;
    let ask = || with_hmac("the reference's secret", list(9));
    let (code, text) = refused(fourth.create_randomness_pair_list(ask()).await);
    assert_eq!((code, text.contains("too many connections")), (Code::ResourceExhausted, true), "{text}");
    // Over those that it has, it asks on; and another client is let in.
    held[0].create_randomness_pair_list(ask()).await.unwrap();
    running.own().await.status(with_bound(SECRET, "Status", StatusRequest {}, 9)).await.unwrap();
    // A place that is given up is free.
    drop(held.pop());
    let begun = std::time::Instant::now();
    while fourth.create_randomness_pair_list(ask()).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(8), "its place is not free");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
