//! Many at once, who want different blocks at the same heights.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use eots::{PublicRandomness, SecretRandomness, Signature, extract};
use signer::wire::reference::{BatchedVote, SignBatchEotsRequest, SignEotsRequest};
use tonic::Code;

use crate::harness::{ALICE, Running, chain_id, public, secret, uid, vote};

const CLIENTS: u8 = 16;
const HEIGHTS: u64 = 60;

/// Every signature that was released, by height: message and signature.
type Released = Arc<Mutex<BTreeMap<u64, Vec<(Vec<u8>, Signature)>>>>;

fn note(released: &Released, height: u64, message: Vec<u8>, sig: &[u8]) {
    let signature = Signature::from_bytes(sig.try_into().unwrap()).unwrap();
    released.lock().unwrap().entry(height).or_default().push((message, signature));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_block_wins_each_height() {
    let running = Arc::new(Running::open().await);
    let released = Released::default();
    let mut asked = Vec::new();
    for number in 0..CLIENTS {
        let (running, released) = (running.clone(), released.clone());
        asked.push(tokio::spawn(async move {
            let mut client = running.reference().await;
            for height in 1000..1000 + HEIGHTS {
                // Half of them want batches, which have their neighbours too.
                if number % 2 == 0 {
                    let message = vote(height, number);
                    let request = SignEotsRequest {
                        uid: uid(ALICE),
                        chain_id: chain_id(0),
                        msg: message.clone(),
                        height,
                    };
                    match client.sign_eots(request).await {
                        Ok(signed) => note(&released, height, message, &signed.into_inner().sig),
                        Err(status) => assert_eq!(status.code(), Code::FailedPrecondition, "{status}"),
                    }
                } else {
                    let votes =
                        (height..height + 3).map(|height| BatchedVote { msg: vote(height, number), height });
                    let request = SignBatchEotsRequest {
                        uid: uid(ALICE),
                        chain_id: chain_id(0),
                        sign_requests: votes.collect(),
                    };
                    for signed in client.sign_batch_eots(request).await.unwrap().into_inner().responses {
                        note(&released, signed.height, vote(signed.height, number), &signed.sig);
                    }
                }
            }
        }));
    }
    for one in asked {
        one.await.unwrap();
    }
    let released = std::mem::take(&mut *released.lock().unwrap());
    assert_eq!(released.len(), usize::try_from(HEIGHTS).unwrap() + 2, "every height has a winner");
    for (height, signatures) in &released {
        let (winner, signature) = &signatures[0];
        let randomness: PublicRandomness =
            *SecretRandomness::derive(&secret(ALICE), &chain_id(0), *height).public_randomness();
        for (message, other) in signatures {
            assert_eq!((message, other), (winner, signature), "two at height {height}");
            let pair = [(winner.as_slice(), signature), (message.as_slice(), other)];
            assert!(extract(&public(ALICE), &randomness, pair[0], pair[1]).is_err());
        }
    }
    let metrics = running.get("/metrics").await;
    let line = metrics.lines().find(|line| line.starts_with("btcstake_signer_double_sign_refusals_total"));
    let refused: u64 = line.unwrap().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(refused > 0, "{metrics}");
}
