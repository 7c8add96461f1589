//! One suite for every store, and what each promises beyond it.

#![allow(clippy::arithmetic_side_effects)]

#[cfg(feature = "sqlite")]
mod backup;
mod conformance;
#[cfg(all(feature = "sqlite", unix))]
mod disk;
mod guard;
#[cfg(all(feature = "sqlite", unix))]
mod kill;
#[cfg(feature = "sqlite")]
mod opening;
#[cfg(all(unix, feature = "postgres", feature = "testing"))]
mod postgres;
mod released;
#[cfg(feature = "sqlite")]
mod scene;
#[cfg(feature = "sqlite")]
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eots::{SecretKey, SecretRandomness, SignError, Signature};
use finality::ConsumerHeight;

use super::{Lane, Outcome, Refusal, SignVote, Store, Verdict, VoteRequest};

/// Whether the long form of the tests is wanted, which takes minutes.
pub(super) fn is_long() -> bool {
    std::env::var_os("CHAOS").is_some()
}

pub(super) fn height(number: u64) -> ConsumerHeight {
    ConsumerHeight(number)
}

/// A provider on a chain, who counts how often it signs.
pub(super) struct Provider {
    pub(super) key: SecretKey,
    pub(super) lane: Arc<Lane>,
    pub(super) signed: AtomicUsize,
}

impl Provider {
    pub(super) fn new(byte: u8, chain_id: &[u8]) -> Arc<Self> {
        let key = SecretKey::from_bytes(&[byte; 32]).unwrap();
        let lane = Lane { public_key: *key.public_key(), chain_id: chain_id.to_vec() };
        Arc::new(Self { key, lane: Arc::new(lane), signed: AtomicUsize::new(0) })
    }

    pub(super) fn request(self: &Arc<Self>, at: u64, message: &[u8]) -> VoteRequest {
        VoteRequest {
            lane: self.lane.clone(),
            height: height(at),
            message: message.to_vec(),
            signer: self.clone(),
        }
    }

    pub(super) fn signature(&self, at: u64, message: &[u8]) -> Signature {
        let randomness = SecretRandomness::derive(&self.key, &self.lane.chain_id, at);
        eots::sign(&self.key, randomness, message).unwrap()
    }

    pub(super) fn calls(&self) -> usize {
        self.signed.load(Ordering::SeqCst)
    }
}

impl SignVote for Provider {
    fn sign_vote(&self, at: ConsumerHeight, message: &[u8]) -> Result<Signature, SignError> {
        self.signed.fetch_add(1, Ordering::SeqCst);
        Ok(self.signature(at.to_u64(), message))
    }
}

/// Asks for one vote.
pub(super) fn ask(store: &dyn Store, provider: &Arc<Provider>, at: u64, message: &[u8]) -> Outcome {
    store.check_and_record(vec![provider.request(at, message)]).unwrap().remove(0)
}

#[track_caller]
pub(super) fn is_new(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Signed(verdict) => matches!(verdict, Verdict::New(_)),
        other => panic!("{other:?}"),
    }
}

pub(super) fn refusal(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}
