//! A finality provider's signer over a store: it signs votes, commitments and proofs of possession, and
//! nothing else.
//!
//! Randomness that is known beforehand makes a signer of messages that others choose an oracle: enough votes
//! on hashes of the caller's choice combine into a signature over something else (ROS). So votes are signed
//! for committed heights alone, and not far above the highest one. That bounds what a caller can have at
//! once; it does not stop one who asks for 256 coming heights in their order. Whoever answers such a caller
//! must know the block's hash from a node, or give a height's randomness only with its vote.

mod ahead;
mod error;
mod prepared;
mod reach;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use eots::{PublicRandomness, SecretKey, XOnlyPublicKey};
use finality::{
    ConsumerHeight, FinalityVote, PossessionMessage, ProvenVotes, RandomnessCommitment, RandomnessProof,
    RandomnessSchedule, RandomnessTree, SignedCommitment, Signer, SignerChain, SigningContext, VoteMessage,
    VoteSignature,
};
use secp256k1::schnorr;

use self::ahead::LaneKey;
pub use self::ahead::RandomnessAhead;
pub use self::error::SessionError;
use self::prepared::OneVote;
pub use self::prepared::{PreparedVote, request_of_record};
use self::reach::Reach;
pub use self::reach::VoteRules;
use crate::protection::{ChangeKind, HeightRange, Lane, LaneChange, Outcome, Store, Verdict, VoteRequest};

/// A signer of one finality provider on one chain, over a store.
pub struct ProtectedSigner {
    lane: Arc<Lane>,
    chain: SignerChain,
    keys: Arc<LaneKey>,
    store: Arc<dyn Store>,
    rules: VoteRules,
    reach: Reach,
    ahead: Option<RandomnessAhead>,
    /// The tree of the last votes that were proven: it has nothing secret, and takes long to build.
    tree: Mutex<Option<(RandomnessSchedule, Arc<RandomnessTree>)>>,
}

impl std::fmt::Debug for ProtectedSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProtectedSigner({}, {:?})", self.lane, self.rules)
    }
}

impl ProtectedSigner {
    /// Returns a signer with this key on this chain, whose lane the store must know.
    pub fn new(key: SecretKey, chain: SignerChain, store: Arc<dyn Store>, rules: VoteRules) -> Self {
        let chain_id = chain.chain_id.clone().into_bytes();
        let lane = Arc::new(Lane { public_key: *key.public_key(), chain_id: chain_id.clone() });
        let keys = LaneKey::new(key, chain_id);
        Self { lane, chain, keys, store, rules, reach: Reach::default(), ahead: None, tree: Mutex::default() }
    }

    /// Returns the signer with the randomness of its next heights derived by this thread.
    #[must_use]
    pub fn with_randomness_ahead(self, ahead: RandomnessAhead) -> Self {
        Self { ahead: Some(ahead), ..self }
    }

    /// Returns the lane.
    pub fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Returns the chain.
    pub const fn chain(&self) -> &SignerChain {
        &self.chain
    }

    /// Signs any message with the randomness of a height, of which the store lets one pass. [`Signer::vote`]
    /// has the rules of votes beside it.
    ///
    /// # Errors
    /// [`SessionError::Refused`] with the record of another message, or for a watermark; and those of the
    /// store and of signing.
    pub fn sign_message(&self, height: ConsumerHeight, message: Vec<u8>) -> Result<Verdict, SessionError> {
        let (request, prepared) = self.prepare(height, message);
        let outcomes = self.store.check_and_record(vec![request])?;
        self.finish(&prepared, outcomes.into_iter().next())
    }

    /// Returns the request to the store that [`sign_message`](Self::sign_message) makes, for a caller that
    /// makes several at once or does not wait: [`Store::submit`], then [`finish`](Self::finish).
    pub fn prepare(&self, height: ConsumerHeight, message: Vec<u8>) -> (VoteRequest, PreparedVote) {
        let randomness = self.keys.randomness(height);
        let public_randomness = *randomness.public_randomness();
        let signer = Arc::new(OneVote { keys: self.keys.clone(), randomness: Mutex::new(Some(randomness)) });
        let request = VoteRequest { lane: self.lane.clone(), height, message: message.clone(), signer };
        (request, PreparedVote { lane: self.lane.clone(), message, height, public_randomness })
    }

    /// Takes the store's answer to a request that was [prepared](Self::prepare), and verifies the signature
    /// in it.
    ///
    /// # Errors
    /// As [`PreparedVote::finish`].
    pub fn finish(&self, prepared: &PreparedVote, outcome: Option<Outcome>) -> Result<Verdict, SessionError> {
        let verdict = prepared.finish(outcome)?;
        self.signed(prepared.height);
        Ok(verdict)
    }

    /// Takes note of a height that is signed.
    fn signed(&self, height: ConsumerHeight) {
        self.reach.signed(height);
        if let Some(ahead) = &self.ahead {
            ahead.fill(&self.keys);
        }
    }

    /// Returns the public randomness of a height.
    pub fn public_randomness_at(&self, height: ConsumerHeight) -> PublicRandomness {
        *self.keys.derive(height.to_u64()).public_randomness()
    }

    /// Returns the public randomness of every height of the range, in order, on at most `threads` threads.
    pub fn public_randomness_on(
        &self,
        threads: NonZeroUsize,
        range: RandomnessSchedule,
    ) -> Vec<PublicRandomness> {
        range.public_randomness_on(threads, &self.keys.key, &self.keys.chain_id, |_| {})
    }

    /// Checks that votes of this height are signed at all, by what is known without asking the store.
    ///
    /// # Errors
    /// [`SessionError::NotCommitted`], [`SessionError::TooFarAbove`]: [`check_height`](Self::check_height)
    /// asks the store.
    pub fn check_known_height(&self, height: ConsumerHeight) -> Result<(), SessionError> {
        self.reach.check(self.rules, height)
    }

    /// Checks that votes of this height are signed at all: it is committed, and not far above the highest
    /// one; or it has a record, which decides.
    ///
    /// # Errors
    /// [`SessionError::NotCommitted`], [`SessionError::TooFarAbove`], [`SessionError::Store`].
    pub fn check_height(&self, height: ConsumerHeight) -> Result<(), SessionError> {
        if self.check_known_height(height).is_ok() {
            return Ok(());
        }
        self.reach.update(self.store.state(&self.lane)?);
        let Err(refused) = self.check_known_height(height) else { return Ok(()) };
        // What was signed is answered again, or contradicted, whatever the rules are by now.
        if self.has_record(height)? { Ok(()) } else { Err(refused) }
    }

    /// Returns whether something was signed at this height.
    ///
    /// # Errors
    /// [`SessionError::Store`].
    pub fn has_record(&self, height: ConsumerHeight) -> Result<bool, SessionError> {
        let records = self.store.records(&self.lane, height, 1)?;
        Ok(records.first().is_some_and(|record| record.height == height))
    }

    /// Checks that a vote is for this signer's chain.
    ///
    /// # Errors
    /// [`SessionError::OtherContext`].
    pub fn check_context(&self, found: SigningContext) -> Result<(), SessionError> {
        let expected = self.chain.vote_context;
        if found == expected { Ok(()) } else { Err(SessionError::OtherContext { found, expected }) }
    }

    /// Signs a commitment, which the caller has made of this signer's randomness with one of its chain's
    /// contexts or none, and notes its heights as committed first.
    ///
    /// # Errors
    /// As [`Signer::commit`].
    pub fn sign_commitment(
        &self,
        commitment: &RandomnessCommitment,
        context: &SigningContext,
    ) -> Result<schnorr::Signature, SessionError> {
        let first = commitment.start_height;
        let last =
            first.checked_add(commitment.count.saturating_sub(1)).ok_or(SessionError::PastTheLastHeight)?;
        let kind = ChangeKind::Committed(HeightRange { first, last });
        // Recorded before it is signed, as everything.
        self.store.change(vec![LaneChange { lane: (*self.lane).clone(), kind }])?;
        Ok(self.keys.key.sign_bip340(commitment.digest(context))?)
    }

    /// Returns the commitment to a range, on at most `threads` threads, with the tree that proves its
    /// randomness.
    ///
    /// # Errors
    /// As [`RandomnessTree::derive`].
    pub fn randomness_tree(
        &self,
        threads: NonZeroUsize,
        range: RandomnessSchedule,
    ) -> Result<RandomnessTree, SessionError> {
        let LaneKey { key, chain_id, .. } = &*self.keys;
        Ok(RandomnessTree::derive(key, chain_id, range, threads, |_| {})?)
    }

    /// Returns the tree of a commitment, which is kept until that of another is asked for. What is `known` of
    /// its public randomness is not derived again.
    fn kept_tree(
        &self,
        range: RandomnessSchedule,
        known: &BTreeMap<ConsumerHeight, PublicRandomness>,
    ) -> Result<Arc<RandomnessTree>, SessionError> {
        let mut kept = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, tree)) = kept.as_ref().filter(|(of, _)| *of == range) {
            return Ok(tree.clone());
        }
        let leaves: Option<Vec<_>> = range.heights().map(|height| known.get(&height).copied()).collect();
        let tree = match leaves {
            Some(leaves) => RandomnessTree::new(range.start_height(), &leaves)?,
            None => self.randomness_tree(NonZeroUsize::MIN, range)?,
        };
        let tree = Arc::new(tree);
        *kept = Some((range, tree.clone()));
        Ok(tree)
    }
}

impl Signer for ProtectedSigner {
    type Error = SessionError;

    fn public_key(&self) -> XOnlyPublicKey {
        self.lane.public_key
    }

    fn public_randomness(&self, range: RandomnessSchedule) -> Result<Vec<PublicRandomness>, SessionError> {
        Ok(self.public_randomness_on(NonZeroUsize::MIN, range))
    }

    fn commit(&self, range: RandomnessSchedule) -> Result<SignedCommitment, SessionError> {
        let commitment = self.randomness_tree(NonZeroUsize::MIN, range)?.commitment();
        let signature = self.sign_commitment(&commitment, &self.chain.commitment_context)?;
        Ok(SignedCommitment { commitment, signature })
    }

    fn vote(&self, message: &VoteMessage) -> Result<VoteSignature, SessionError> {
        self.check_context(*message.context())?;
        let height = message.height();
        self.check_height(height)?;
        let (request, prepared) = self.prepare(height, message.to_bytes());
        let outcomes = self.store.check_and_record(vec![request])?;
        let verdict = self.finish(&prepared, outcomes.into_iter().next())?;
        Ok(VoteSignature { public_randomness: prepared.public_randomness, signature: *verdict.signature() })
    }

    /// All are one batch of the store, and of the verification.
    fn prove_votes(
        &self,
        range: RandomnessSchedule,
        messages: &[VoteMessage],
    ) -> Result<ProvenVotes<SessionError>, SessionError> {
        let (mut requests, mut begun) = (Vec::new(), Vec::new());
        for message in messages {
            let height = message.height();
            let checked = self.check_context(*message.context()).and_then(|()| self.check_height(height));
            begun.push(checked.map(|()| self.prepare(height, message.to_bytes())));
        }
        let of = |begun: &Result<(VoteRequest, PreparedVote), _>| {
            begun.as_ref().ok().map(|(_, prepared)| (prepared.height, prepared.public_randomness))
        };
        let tree = self.kept_tree(range, &begun.iter().filter_map(of).collect())?;
        let begun: Vec<Result<(PreparedVote, RandomnessProof), SessionError>> = begun
            .into_iter()
            .map(|begun| {
                let (request, prepared) = begun?;
                let height = prepared.height;
                let proof = tree.prove(height).ok_or(SessionError::NotInCommitment { height })?;
                requests.push(request);
                Ok((prepared, proof))
            })
            .collect();
        let outcomes = self.store.check_and_record(requests)?;
        let prepared = begun.iter().flatten().map(|(prepared, _)| prepared);
        let outcomes = outcomes.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
        let mut verdicts = PreparedVote::finish_all(prepared.zip(outcomes).collect()).into_iter();
        let finish = |(message, begun): (&VoteMessage, Result<(PreparedVote, _), _>)| {
            let (prepared, proof) = begun?;
            let verdict = verdicts.next().ok_or(SessionError::NoAnswer)??;
            self.signed(prepared.height);
            Ok(FinalityVote {
                public_key: self.lane.public_key,
                message: *message,
                public_randomness: prepared.public_randomness,
                proof,
                signature: *verdict.signature(),
            })
        };
        Ok(messages.iter().zip(begun).map(finish).collect())
    }

    fn prove_possession(&self, message: &PossessionMessage) -> Result<schnorr::Signature, SessionError> {
        Ok(message.sign_bip340(&self.keys.key)?)
    }
}
