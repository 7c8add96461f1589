//! A finality provider's signer over a store: it signs votes, commitments and proofs of possession, and
//! nothing else.
//!
//! Randomness that is known beforehand makes a signer of messages that others choose an oracle: enough votes
//! on hashes of the caller's choice combine into a signature over something else (ROS). So votes are signed
//! for committed heights alone, and not far above the highest one. That bounds what a caller can have at
//! once; it does not stop one who asks for 256 coming heights in their order. Whoever answers such a caller
//! must know the block's hash from a node, or give a height's randomness only with its vote.

mod error;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use eots::{
    PublicRandomness, SecretKey, SecretRandomness, SignError, Signature, XOnlyPublicKey,
    sign_without_verifying, verify,
};
use finality::{
    ConsumerHeight, PossessionMessage, RandomnessSchedule, RandomnessTree, SignedCommitment, Signer,
    SignerChain, VoteMessage, VoteSignature,
};
use secp256k1::schnorr;

pub use self::error::SessionError;
use crate::protection::{
    ChangeKind, HeightRange, Lane, LaneChange, Outcome, SignVote, Store, Verdict, VoteRequest,
};

/// How far above the highest height votes are signed, unless the rules say otherwise: about two days of
/// blocks of ten seconds.
const MOST_ABOVE: u64 = 20_000;

/// The rules of votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteRules {
    /// Whether a height must be in a range that was committed to, here or elsewhere.
    pub committed_only: bool,
    /// How far a height may be above the highest one that was signed, or above the first committed one. Each
    /// vote raises the highest.
    pub most_above: u64,
}

impl Default for VoteRules {
    fn default() -> Self {
        Self { committed_only: true, most_above: MOST_ABOVE }
    }
}

/// A signer of one finality provider on one chain, over a store.
pub struct ProtectedSigner {
    lane: Arc<Lane>,
    chain: SignerChain,
    keys: Arc<LaneKey>,
    store: Arc<dyn Store>,
    rules: VoteRules,
}

impl std::fmt::Debug for ProtectedSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProtectedSigner({}, {:?})", self.lane, self.rules)
    }
}

/// The key of a lane.
struct LaneKey {
    key: SecretKey,
    chain_id: Vec<u8>,
}

impl LaneKey {
    fn randomness(&self, height: ConsumerHeight) -> SecretRandomness {
        SecretRandomness::derive(&self.key, &self.chain_id, height.to_u64())
    }
}

/// The signature of one vote, whose randomness is at hand: what the store waits for is a scalar operation.
struct OneVote {
    keys: Arc<LaneKey>,
    randomness: Mutex<Option<SecretRandomness>>,
}

impl SignVote for OneVote {
    /// Signs without verifying: who asked verifies what the store returns, new or recorded, before it leaves.
    fn sign_vote(&self, height: ConsumerHeight, message: &[u8]) -> Result<Signature, SignError> {
        let ready = self.randomness.lock().unwrap_or_else(PoisonError::into_inner).take();
        let randomness = ready.unwrap_or_else(|| self.keys.randomness(height));
        sign_without_verifying(&self.keys.key, randomness, message)
    }
}

impl ProtectedSigner {
    /// Returns a signer with this key on this chain, whose lane the store must know.
    pub fn new(key: SecretKey, chain: SignerChain, store: Arc<dyn Store>, rules: VoteRules) -> Self {
        let chain_id = chain.chain_id.clone().into_bytes();
        let lane = Arc::new(Lane { public_key: *key.public_key(), chain_id: chain_id.clone() });
        Self { lane, chain, keys: Arc::new(LaneKey { key, chain_id }), store, rules }
    }

    /// Returns the lane.
    pub fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Signs any message with the randomness of a height, of which the store lets one pass. [`Signer::vote`]
    /// has the rules of votes beside it.
    ///
    /// # Errors
    /// [`SessionError::Refused`] with the record of another message, or for a watermark; and those of the
    /// store and of signing.
    pub fn sign_message(&self, height: ConsumerHeight, message: Vec<u8>) -> Result<Verdict, SessionError> {
        let randomness = self.keys.randomness(height);
        let public_randomness = *randomness.public_randomness();
        let signer = Arc::new(OneVote { keys: self.keys.clone(), randomness: Mutex::new(Some(randomness)) });
        let request = VoteRequest { lane: self.lane.clone(), height, message: message.clone(), signer };
        let outcomes = self.store.check_and_record(vec![request])?;
        match outcomes.into_iter().next() {
            Some(Outcome::Signed(verdict)) => {
                let signature = verdict.signature();
                // One with a fault in it could reveal the key.
                verify(&self.lane.public_key, &public_randomness, &message, signature)
                    .map_err(|_| SignError::Fault)?;
                Ok(verdict)
            }
            Some(Outcome::Refused(refusal)) => Err(SessionError::Refused(refusal)),
            Some(Outcome::Failed(error)) => Err(SessionError::Sign(error)),
            None => Err(SessionError::NoAnswer),
        }
    }

    /// Returns the public randomness of a height.
    pub fn public_randomness_at(&self, height: ConsumerHeight) -> PublicRandomness {
        *self.keys.randomness(height).public_randomness()
    }

    /// Checks that votes of this height are signed at all.
    fn check_height(&self, height: ConsumerHeight) -> Result<(), SessionError> {
        let state = self.store.state(&self.lane)?;
        let VoteRules { committed_only, most_above } = self.rules;
        if committed_only && !state.committed.iter().any(|range| range.contains(height)) {
            return Err(SessionError::NotCommitted { height });
        }
        // What is signed first, in a lane where nothing was, is a committed height.
        let highest = state.highest.or(state.committed.first().map(|range| range.first));
        if let Some(highest) = highest
            && height.blocks_after(highest).is_some_and(|above| above > most_above)
        {
            return Err(SessionError::TooFarAbove { height, highest, most_above });
        }
        Ok(())
    }
}

impl Signer for ProtectedSigner {
    type Error = SessionError;

    fn public_key(&self) -> XOnlyPublicKey {
        self.lane.public_key
    }

    fn public_randomness(&self, range: RandomnessSchedule) -> Result<Vec<PublicRandomness>, SessionError> {
        Ok(range.public_randomness(&self.keys.key, &self.keys.chain_id))
    }

    fn commit(&self, range: RandomnessSchedule) -> Result<SignedCommitment, SessionError> {
        let LaneKey { key, chain_id } = &*self.keys;
        let tree = RandomnessTree::derive(key, chain_id, range, NonZeroUsize::MIN, |_| {})?;
        let commitment = tree.commitment();
        let first = range.start_height();
        let blocks = u64::from(range.count()).saturating_sub(1);
        let last = first.checked_add(blocks).ok_or(SessionError::PastTheLastHeight)?;
        let kind = ChangeKind::Committed(HeightRange { first, last });
        // Recorded before it is signed, as everything.
        self.store.change(vec![LaneChange { lane: (*self.lane).clone(), kind }])?;
        let signature = key.sign_bip340(commitment.digest(&self.chain.commitment_context))?;
        Ok(SignedCommitment { commitment, signature })
    }

    fn vote(&self, message: &VoteMessage) -> Result<VoteSignature, SessionError> {
        let (found, expected) = (*message.context(), self.chain.vote_context);
        if found != expected {
            return Err(SessionError::OtherContext { found, expected });
        }
        let height = message.height();
        self.check_height(height)?;
        let verdict = self.sign_message(height, message.to_bytes())?;
        let public_randomness = self.public_randomness_at(height);
        Ok(VoteSignature { public_randomness, signature: *verdict.signature() })
    }

    fn prove_possession(&self, message: &PossessionMessage) -> Result<schnorr::Signature, SessionError> {
        Ok(message.sign_bip340(&self.keys.key)?)
    }
}
