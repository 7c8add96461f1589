//! The chain's own node beside a vote.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use signer::auth::SystemClock;
use signer::daemon::Daemon;
use signer::wire::reference::{BatchedVote, SignBatchEotsRequest, SignEotsRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use crate::harness::{ALICE, ANYBODY, Home, Running, chain, chain_id, refused, uid, vote};

/// The block that the node has at every height.
pub(crate) const BLOCK: u8 = 0xab;

/// A node of CometBFT whose last block can be set.
pub(crate) struct Node {
    address: SocketAddr,
    tip: Arc<AtomicU64>,
}

impl Node {
    pub(crate) async fn start(network: &'static str, tip: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tip = Arc::new(AtomicU64::new(tip));
        let read = tip.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let tip = read.clone();
                tokio::spawn(async move { answer_all(stream, network, &tip).await });
            }
        });
        Self { address, tip }
    }

    /// What the configuration says of it.
    pub(crate) fn table(&self) -> String {
        table(&self.address)
    }
}

fn table(address: &SocketAddr) -> String {
    format!("{ANYBODY}\n[[chain]]\nchain_id = \"node-1\"\nnode = {{ url = \"http://{address}\" }}\n")
}

async fn answer_all(mut stream: TcpStream, network: &str, tip: &AtomicU64) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?.to_lowercase();
        let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
        let mut question = vec![0; length];
        stream.read_exact(&mut question).await.ok()?;
        let question: serde_json::Value = serde_json::from_slice(&question).ok()?;
        let tip = tip.load(Ordering::Relaxed);
        let height: u64 = question["params"]["height"].as_str().unwrap_or("0").parse().ok()?;
        let answer = if question["method"] == "status" {
            let sync_info = serde_json::json!({ "latest_block_height": tip.to_string() });
            serde_json::json!({ "result": { "node_info": { "network": network }, "sync_info": sync_info } })
        } else if height > tip {
            serde_json::json!({ "error": { "code": -32603, "message": "Internal error", "data": "too high" } })
        } else {
            let app_hash = hex::encode_upper([BLOCK; 32]);
            let height = height.to_string();
            let header = serde_json::json!({ "chain_id": network, "height": height, "app_hash": app_hash });
            serde_json::json!({ "result": { "header": header } })
        };
        let answer = answer.to_string();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// Alice's lane on the chain with a node: every height up to a million is committed.
pub(crate) fn home() -> Home {
    use finality::ConsumerHeight;
    use signer::protection::{ChangeKind, HeightRange, Lane, LaneChange, SqliteStore, Store as _};
    let home = Home::new();
    let lane = Lane { public_key: crate::harness::public(ALICE), chain_id: b"node-1".to_vec() };
    let store = SqliteStore::open(&home.database()).unwrap();
    let register = ChangeKind::Register(ConsumerHeight(100));
    let range = HeightRange { first: ConsumerHeight(100), last: ConsumerHeight(1_000_000) };
    let kinds = [register, ChangeKind::Committed(range)];
    store.change(kinds.map(|kind| LaneChange { lane: lane.clone(), kind }).to_vec()).unwrap();
    home
}

fn request(height: u64, block: u8) -> SignEotsRequest {
    let chain_id = b"node-1".to_vec();
    SignEotsRequest { uid: uid(ALICE), chain_id, msg: vote(height, block), height }
}

async fn signed(running: &Running, height: u64, block: u8) -> Result<Vec<u8>, tonic::Status> {
    let answer = running.reference().await.sign_eots(request(height, block)).await;
    answer.map(|answer| answer.into_inner().sig)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_node_has_is_voted_for() {
    let node = Node::start("node-1", 500_000).await;
    let running = home().start(&node.table()).await;
    let first = signed(&running, 200, BLOCK).await.unwrap();
    // Another block, which no record contradicts.
    let (code, text) = refused(signed(&running, 201, 0xcd).await);
    assert_eq!(code, Code::PermissionDenied);
    let [found, has] = [0xcd, BLOCK].map(|byte| hex::encode([byte; 32]));
    assert_eq!(text, format!("the vote at height 201 is for {found}; the chain's own node has {has} there"));
    assert!(signed(&running, 201, BLOCK).await.is_ok(), "nothing was recorded of the other");
    // The signer was away for long: how far it is above does not matter.
    assert!(signed(&running, 500_000, BLOCK).await.is_ok());
    let (code, text) = refused(signed(&running, 500_001, BLOCK).await);
    assert_eq!(code, Code::Unavailable);
    assert_eq!(
        text,
        "the vote cannot be compared with the chain's own node: the chain's node has no block at height 500001 yet"
    );
    node.tip.store(500_001, Ordering::Relaxed);
    assert!(signed(&running, 500_001, BLOCK).await.is_ok());
    // What was signed is answered again, whatever the node says by now, and contradicted as ever.
    node.tip.store(150, Ordering::Relaxed);
    assert_eq!(signed(&running, 200, BLOCK).await.unwrap(), first);
    let again = running.reference().await.sign_eots(request(200, 0xcd)).await;
    assert_eq!(again.unwrap_err().code(), Code::FailedPrecondition);
    let metrics = running.get("/metrics").await;
    for rule in ["other_hash", "no_block_yet"] {
        let line = metrics.lines().find(|line| line.contains(&format!("rule=\"{rule}\"")));
        assert!(line.is_some_and(|line| line.contains("node-1") && line.ends_with(" 1")), "{rule}: {line:?}");
    }
    // Chains without a node are as they were.
    let other = SignEotsRequest { chain_id: chain_id(0), ..request(200, 0xcd) };
    assert!(running.reference().await.sign_eots(other).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_vote_of_a_batch_is_compared() {
    let node = Node::start("node-1", 1_000).await;
    let running = home().start(&node.table()).await;
    let batch = |other: Option<u64>| SignBatchEotsRequest {
        uid: uid(ALICE),
        chain_id: b"node-1".to_vec(),
        sign_requests: (100..1_000)
            .map(|height| BatchedVote {
                msg: vote(height, if Some(height) == other { 0xcd } else { BLOCK }),
                height,
            })
            .collect(),
    };
    for other in [101, 550, 999] {
        let (code, text) = refused(running.reference().await.sign_batch_eots(batch(Some(other))).await);
        assert_eq!(code, Code::PermissionDenied, "{text}");
        assert!(text.contains(&format!("at height {other} ")), "{text}");
    }
    let answer = running.reference().await.sign_batch_eots(batch(None)).await.unwrap().into_inner();
    assert_eq!(answer.responses.len(), 900);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_away_stops_votes_alone() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = home().start(&table(&free)).await;
    let (code, text) = refused(signed(&running, 200, BLOCK).await);
    assert_eq!(code, Code::Unavailable);
    // Where the node is, is for the log.
    assert_eq!(text, "the vote cannot be compared with the chain's own node");
    assert!(running.get("/metrics").await.contains("rule=\"node_failed\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_chain_stops_the_start() {
    let node = Node::start("node-2", 1_000).await;
    let home = home();
    let configuration = home.configuration(&node.table());
    let started = Daemon::start_with_clock(configuration, Arc::new(SystemClock::default())).await;
    assert_eq!(
        chain(&started.unwrap_err()),
        r#"the node of the chain node-1: the node is of the chain "node-2"; must be of "node-1""#
    );
}

/// A node that takes questions and says nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_holds_up_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    // The start asks it too, and goes on.
    let running = Arc::new(home().start(&table(&address)).await);
    let begun = std::time::Instant::now();
    let asked: Vec<_> = (0..100)
        .map(|number| {
            let running = running.clone();
            tokio::spawn(async move { refused(signed(&running, 200 + number, BLOCK).await) })
        })
        .collect();
    // Other chains are signed for meanwhile.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let other = SignEotsRequest { chain_id: chain_id(0), ..request(300, BLOCK) };
    running.reference().await.sign_eots(other).await.unwrap();
    assert!(begun.elapsed().as_secs() < 4, "{:?}", begun.elapsed());
    for asked in asked {
        assert_eq!(asked.await.unwrap().0, Code::Unavailable);
    }
    assert!(begun.elapsed().as_secs() < 15, "{:?}", begun.elapsed());
}
