//! Nodes that cannot be used: the wrong ones, and those that take too long.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use bitcoin::{Network, ScriptBuf};
use serde_json::json;

use super::credentials::{Credentials, Endpoint};
use super::tests::{Server, read_request, result};
use super::transport::Rpc;
use super::{BitcoinCore, Deadline, TIMEOUT};
use crate::{ChainSource as _, Mine as _, NodeError};

/// One deadline for all calls of several connections: each answer is in time, and together they are not.
#[test]
fn deadline_covers_all_calls_together() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            read_request(&mut stream);
            thread::sleep(Duration::from_millis(150));
            let _ = stream.write_all(&result(json!(7)));
        }
    });
    let deadline = Deadline::after(Duration::from_secs(1));
    let (endpoint, _) = Endpoint::parse(&format!("http://{address}")).unwrap();
    let rpc = || Rpc::new(endpoint.clone(), Credentials::None, Some(deadline)).unwrap();
    let (connections, start) = ([rpc(), rpc()], Instant::now());
    let answers: Vec<Result<u32, NodeError>> =
        (0..9).map(|round| connections[round % 2].call("getfoo", &[], TIMEOUT)).collect();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(matches!(answers[0], Ok(7)), "{answers:?}");
    match &answers[8] {
        Err(error @ NodeError::DeadlineExceeded { address: named, seconds: 1 }) => {
            assert_eq!(*named, address);
            assert!(error.to_string().contains(&address) && error.to_string().contains("1 s"), "{error}");
            assert!(!error.is_retryable());
        }
        other => panic!("{other:?}"),
    }
    // The call in which it ends is no broken connection.
    assert!(
        answers.iter().all(|answer| matches!(answer, Ok(7) | Err(NodeError::DeadlineExceeded { .. }))),
        "{answers:?}"
    );
}

/// A node that sends a byte now and then is cut off like one that is silent.
#[test]
fn deadline_ends_an_answer_that_drips() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://u:p@{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    let start = Instant::now();
    let deadline = Deadline::after(Duration::from_millis(300));
    let error = BitcoinCore::connect_before(&url, Credentials::None, deadline).unwrap_err();
    assert!(matches!(error, NodeError::DeadlineExceeded { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn nodes_that_will_not_do() {
    // Version 27 writes its warnings as one text, so nothing but the version may be read before it is known.
    let network_info = |version: u64| json!({"version": version, "warnings": ""});
    let chain_info = |chain: &str| {
        json!({"chain": chain, "blocks": 0, "headers": 0, "bestblockhash": "00", "difficulty": 1.0, "time": 0, "mediantime": 0,
            "verificationprogress": 1.0, "initialblockdownload": true, "chainwork": "00", "size_on_disk": 0, "pruned": false,
            "warnings": []})
    };
    let connect = |version, chain| {
        let replies = [network_info(version), chain_info(chain), json!(genesis(network_named(chain)))];
        let server = Server::start(replies.map(result).to_vec());
        BitcoinCore::connect(&format!("http://u:p@127.0.0.1:{}", server.port), Credentials::None)
    };
    for chain in ["main", "testnet4", "signet", "regtest"] {
        assert_eq!(connect(280_000, chain).unwrap().network(), network_named(chain));
    }
    // Dogecoin's network is `main` too, and its version is above Bitcoin Core's.
    let other = json!("1a91e3dace36e2be3bf030a65679fe821aa1d6ef92e7c9902eb318182c355691");
    let server = Server::start([network_info(1_140_700), chain_info("main"), other].map(result).to_vec());
    let url = format!("http://u:p@127.0.0.1:{}", server.port);
    match BitcoinCore::connect(&url, Credentials::None) {
        Err(error @ NodeError::WrongGenesis { network: Network::Bitcoin, .. }) => {
            assert!(error.to_string().contains("must be 000000000019d668"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        connect(279_900, "main"),
        Err(NodeError::VersionTooOld { found: 279_900, required: 280_000 })
    ));
    assert!(
        matches!(connect(310_000, "test"), Err(NodeError::UnsupportedNetwork { name }) if name == "test")
    );

    let node = Server::start(vec![result(chain_info("main"))]).node(Network::Bitcoin);
    assert!(matches!(
        node.mine(1, &ScriptBuf::new()),
        Err(NodeError::NotRegtest { network: Network::Bitcoin })
    ));
    assert!(matches!(node.tip(), Err(NodeError::MalformedAnswer { .. })), "the best block hash is none");
}

fn network_named(chain: &str) -> Network {
    match chain {
        "testnet4" => Network::Testnet4,
        "signet" => Network::Signet,
        "regtest" => Network::Regtest,
        _ => Network::Bitcoin,
    }
}

fn genesis(network: Network) -> bitcoin::BlockHash {
    bitcoin::constants::genesis_block(network).block_hash()
}
