//! Stops that lose nothing, and starts that are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signer::daemon::{Daemon, StartError};
use signer::protection::{OpenError, StoreError};
use signer::wire::reference::SignEotsRequest;
use signer::wire::reference::eots_manager_client::EotsManagerClient;

use crate::harness::{ALICE, ANYBODY, Home, Running, chain, chain_id, uid, vote};

async fn refused(home: &Home, more: &str) -> StartError {
    Daemon::start(home.configuration(more)).await.expect_err("a refusal")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stop_under_load_loses_nothing() {
    let running = Running::open().await;
    let (url, stopped) = (running.url(), Arc::new(AtomicBool::new(false)));
    let mut asked = Vec::new();
    for number in 0..8_u64 {
        let (url, stopped) = (url.clone(), stopped.clone());
        asked.push(tokio::spawn(async move {
            let channel = tonic::transport::Endpoint::from_shared(url).unwrap().connect().await.unwrap();
            let mut client = EotsManagerClient::new(channel);
            let mut signed = Vec::new();
            for height in (1000 + number * 500)..(1500 + number * 500) {
                let request =
                    SignEotsRequest { uid: uid(ALICE), chain_id: chain_id(0), msg: vote(height, 1), height };
                match client.sign_eots(request).await {
                    Ok(answer) => signed.push((height, answer.into_inner().sig)),
                    // Nobody is told that a vote is refused, when the signer stops.
                    Err(status) => {
                        assert!(stopped.load(Ordering::SeqCst), "{status}");
                        break;
                    }
                }
            }
            signed
        }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    stopped.store(true, Ordering::SeqCst);
    let home = running.stop().await;
    let mut all = Vec::new();
    for one in asked {
        all.extend(one.await.unwrap());
    }
    assert!(!all.is_empty());
    // Each is recorded: the same again is the same signature, and another message is refused.
    let running = home.start(ANYBODY).await;
    let mut client = running.reference().await;
    for (height, sig) in all {
        let ask = |block| SignEotsRequest {
            uid: uid(ALICE),
            chain_id: chain_id(0),
            msg: vote(height, block),
            height,
        };
        assert_eq!(client.sign_eots(ask(1)).await.unwrap().into_inner().sig, sig);
        assert_eq!(client.sign_eots(ask(2)).await.unwrap_err().code(), tonic::Code::FailedPrecondition);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_does_not_start() {
    let running = Running::open().await;
    let error = refused(&running.home, ANYBODY).await;
    assert!(matches!(error, StartError::Open(OpenError::InUse(_))), "{}", chain(&error));
    // Nor does one at the same address, on another database.
    let other = Home::new();
    let listen =
        format!("{ANYBODY}\n[listen]\ngrpc = \"{}\"\nmetrics = \"off\"\n", running.daemon.grpc_address());
    let error = refused(&other, &listen).await;
    assert!(matches!(error, StartError::Listen { .. }), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_missing_or_old_stops_the_start() {
    let running = Running::open().await;
    let mut client = running.reference().await;
    let sign =
        |height| SignEotsRequest { uid: uid(ALICE), chain_id: chain_id(0), msg: vote(height, 1), height };
    client.sign_eots(sign(120)).await.unwrap();
    drop(client);
    let home = running.stop().await;
    let (database, kept) = (home.path("signing.db"), home.path("kept.db"));
    std::fs::copy(&database, &kept).unwrap();
    let running = home.start(ANYBODY).await;
    let mut client = running.reference().await;
    client.sign_eots(sign(121)).await.unwrap();
    drop(client);
    let home = running.stop().await;
    // Yesterday's copy has forgotten height 121.
    std::fs::copy(&kept, &database).unwrap();
    let error = refused(&home, ANYBODY).await;
    assert!(matches!(error, StartError::Open(OpenError::Stale { .. })), "{}", chain(&error));
    std::fs::remove_file(&database).unwrap();
    let error = refused(&home, ANYBODY).await;
    assert!(matches!(error, StartError::Open(OpenError::DatabaseAbsent(_))), "{}", chain(&error));
    std::fs::remove_file(home.path("signing.db.guard")).unwrap();
    let error = refused(&home, ANYBODY).await;
    assert!(matches!(error, StartError::Open(OpenError::Absent(_))), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_behind_the_chain_stops_the_start() {
    let home = Home::new();
    let seen = |height: u64| {
        format!(
            "{ANYBODY}\n[[chain]]\nchain_id = \"other-1\"\nhighest_votes = [{{ key = \"alice\", height = {height} }}]\n"
        )
    };
    let error = refused(&home, &seen(7)).await;
    assert!(matches!(error, StartError::Store(StoreError::BehindChain { .. })), "{}", chain(&error));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_passphrase_stops_the_start() {
    let home = Home::new();
    home.write("alice.passphrase", "another");
    let error = refused(&home, ANYBODY).await;
    assert!(matches!(error, StartError::Unlock(..)), "{}", chain(&error));
    assert!(!chain(&error).contains("another"), "{}", chain(&error));
}

/// Whoever moves the guard or the database away finds out before the next start.
#[tokio::test(flavor = "multi_thread")]
async fn health_sees_that_a_file_of_the_store_is_moved() {
    let running = Running::open().await;
    let ok = running.get("/health").await;
    assert!(ok.starts_with("HTTP/1.1 200"), "{ok}");
    for name in ["signing.db.guard", "signing.db"] {
        let (there, away) = (running.path(name), running.path("away"));
        std::fs::rename(&there, &away).unwrap();
        let moved = running.get("/health").await;
        assert!(moved.starts_with("HTTP/1.1 503") && moved.contains("not where it was"), "{moved}");
        // Another file there is not the one that is open.
        std::fs::write(&there, "another").unwrap();
        assert!(running.get("/health").await.starts_with("HTTP/1.1 503"));
        std::fs::rename(&away, &there).unwrap();
        assert!(running.get("/health").await.starts_with("HTTP/1.1 200"));
    }
}
