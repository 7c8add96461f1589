//! A vote on its way through the store.

use std::sync::{Arc, Mutex, PoisonError};

use eots::{
    BatchItem, PublicRandomness, SecretRandomness, SignError, Signature, sign_without_verifying, verify,
    verify_batch,
};
use finality::ConsumerHeight;

use super::ahead::LaneKey;
use super::error::SessionError;
use crate::protection::{Lane, Outcome, SignVote, Verdict, VoteRequest};

/// The signature of one vote, whose randomness is at hand: what the store waits for is a scalar operation.
pub(super) struct OneVote {
    pub(super) keys: Arc<LaneKey>,
    pub(super) randomness: Mutex<Option<SecretRandomness>>,
}

impl SignVote for OneVote {
    /// Signs without verifying: who asked verifies what the store returns before it leaves.
    fn sign_vote(&self, height: ConsumerHeight, message: &[u8]) -> Result<Signature, SignError> {
        let ready = self.randomness.lock().unwrap_or_else(PoisonError::into_inner).take();
        let randomness = ready.unwrap_or_else(|| self.keys.derive(height.to_u64()));
        sign_without_verifying(&self.keys.key, randomness, message)
    }
}

/// A vote whose key is locked: it is answered where it has a record, and signed nowhere.
struct WithoutKey;

impl SignVote for WithoutKey {
    fn sign_vote(&self, _: ConsumerHeight, _: &[u8]) -> Result<Signature, SignError> {
        // There is no signature, as there is no key.
        Err(SignError::Fault)
    }
}

/// Returns a request that the store answers by a record alone, for a key that is locked: nothing new is
/// signed ([`Outcome::Failed`]). Without the key the signature cannot be verified. One that a fault spoilt is
/// the only number that ever leaves for its height, and alone reveals nothing.
pub fn request_of_record(lane: Lane, height: ConsumerHeight, message: Vec<u8>) -> VoteRequest {
    VoteRequest { lane: Arc::new(lane), height, message, signer: Arc::new(WithoutKey) }
}

/// What is kept of a vote while the store decides: enough to verify the signature that it answers with.
#[derive(Debug, Clone)]
pub struct PreparedVote {
    pub(super) lane: Arc<Lane>,
    pub(super) message: Vec<u8>,
    pub(super) height: ConsumerHeight,
    pub(super) public_randomness: PublicRandomness,
}

impl PreparedVote {
    /// Returns the height.
    pub const fn height(&self) -> ConsumerHeight {
        self.height
    }

    /// Returns the message.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// Returns the public randomness of the height.
    pub const fn public_randomness(&self) -> &PublicRandomness {
        &self.public_randomness
    }

    /// Takes the store's answer, and verifies the signature in it: one with a fault could reveal the key.
    ///
    /// # Errors
    /// [`SessionError::Refused`] and [`SessionError::Sign`].
    pub fn finish(&self, outcome: Option<Outcome>) -> Result<Verdict, SessionError> {
        let verdict = answered(outcome)?;
        verify(&self.lane.public_key, &self.public_randomness, &self.message, verdict.signature())
            .map_err(|_| SignError::Fault)?;
        Ok(verdict)
    }

    /// Does so with several at once: their signatures are verified as one batch.
    pub fn finish_all(votes: Vec<(&Self, Option<Outcome>)>) -> Vec<Result<Verdict, SessionError>> {
        let (prepared, mut verdicts): (Vec<_>, Vec<_>) =
            votes.into_iter().map(|(prepared, outcome)| (prepared, answered(outcome))).unzip();
        let (places, items): (Vec<usize>, Vec<_>) = prepared
            .iter()
            .zip(&verdicts)
            .enumerate()
            .filter_map(|(place, (prepared, verdict))| {
                let item = BatchItem::Eots {
                    public_key: &prepared.lane.public_key,
                    public_randomness: &prepared.public_randomness,
                    message: &prepared.message,
                    signature: verdict.as_ref().ok()?.signature(),
                };
                Some((place, item))
            })
            .unzip();
        let invalid = verify_batch(&items).err().map(|error| error.invalid).unwrap_or_default();
        for fault in invalid.into_iter().filter_map(|at| places.get(at)) {
            if let Some(verdict) = verdicts.get_mut(*fault) {
                *verdict = Err(SignError::Fault.into());
            }
        }
        verdicts
    }
}

/// What the store answers, its signature not yet verified.
fn answered(outcome: Option<Outcome>) -> Result<Verdict, SessionError> {
    match outcome {
        Some(Outcome::Signed(verdict)) => Ok(verdict),
        Some(Outcome::Refused(refusal)) => Err(SessionError::Refused(refusal)),
        Some(Outcome::Failed(error)) => Err(SessionError::Sign(error)),
        None => Err(SessionError::NoAnswer),
    }
}
