//! Commitments, digests of commitments, randomness proofs, and proofs of possession.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use finality::{
    ConsumerHeight, PossessionMessage, RandomnessProof, RandomnessSchedule, RandomnessTree, SignedCommitment,
    Signer as _, SigningContext, VoteMessage,
};
use secp256k1::schnorr;

use super::lists::MOST_IN_LIST;
use super::votes::SignedVote;
use super::{Event, ServiceError, SignerService, blocking};
use crate::auth::{Client, Operation};
use crate::protection::Lane;
use crate::session::{ProtectedSigner, SessionError};

/// How many trees are kept: of 50 000 heights each has 3 MB.
const MOST_TREES: usize = 8;

/// A vote with the proof of its randomness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenVote {
    /// The vote.
    pub vote: SignedVote,
    /// The proof, where a commitment was named.
    pub proof: Option<RandomnessProof>,
}

/// The trees that were used last. They have nothing secret.
#[derive(Default)]
pub(super) struct Trees(Mutex<VecDeque<(Lane, RandomnessSchedule, Arc<RandomnessTree>)>>);

impl Trees {
    fn find(&self, lane: &Lane, range: RandomnessSchedule) -> Option<Arc<RandomnessTree>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(of, schedule, _)| of == lane && *schedule == range).map(|(.., tree)| tree.clone())
    }

    fn keep(&self, lane: Lane, range: RandomnessSchedule, tree: Arc<RandomnessTree>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((lane, range, tree));
        while kept.len() > MOST_TREES {
            kept.pop_front();
        }
    }
}

impl SignerService {
    /// Signs the commitment to a range of consecutive heights.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn commit(
        &self,
        client: &Arc<Client>,
        uid: &[u8],
        chain_id: &[u8],
        start: u64,
        count: u32,
    ) -> Result<SignedCommitment, ServiceError> {
        let session = self.session(client, Operation::Commit, uid, chain_id)?;
        let tree = self.tree(client, &session, start, count).await?;
        let (signing, commitment) = (session.clone(), tree.commitment());
        let signature = blocking(move || {
            let context = signing.chain().commitment_context;
            Ok(signing.sign_commitment(&commitment, &context)?)
        });
        let signature = signature.await?;
        let (first, count) = (commitment.start_height, commitment.count);
        self.observer.observe(&Event::Committed {
            client: client.name(),
            lane: session.lane(),
            first,
            count,
        });
        Ok(SignedCommitment { commitment, signature })
    }

    /// Signs the digest of a commitment whose list was just served.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn sign_digest(
        &self,
        client: &Client,
        uid: &[u8],
        digest: &[u8],
    ) -> Result<schnorr::Signature, ServiceError> {
        let key = self.key(client, Operation::Digest, uid)?;
        let length = |_| ServiceError::Length { what: "digest", found: digest.len(), expected: 32 };
        let digest: &[u8; 32] = digest.try_into().map_err(length)?;
        let Some(served) = self.digests.find(client, key.public_key, digest) else {
            let lane = Lane { public_key: key.public_key, chain_id: Vec::new() };
            let (client, refused) = (client.name(), ServiceError::UnknownDigest);
            let (rule, reason) = ("unknown_digest", refused.to_string());
            self.observer.observe(&Event::RuleRefused { client, lane: &lane, rule, reason: &reason });
            return Err(refused);
        };
        let session = self.session(client, Operation::Digest, uid, &served.chain_id)?;
        let (signing, commitment) = (session.clone(), served.commitment);
        let signature =
            blocking(move || Ok(signing.sign_commitment(&served.commitment, &served.context)?)).await?;
        let (first, count) = (commitment.start_height, commitment.count);
        self.observer.observe(&Event::Committed {
            client: client.name(),
            lane: session.lane(),
            first,
            count,
        });
        Ok(signature)
    }

    /// Signs a typed vote, and proves its randomness by a commitment that is named.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn proven_vote(
        &self,
        client: &Arc<Client>,
        uid: &[u8],
        chain_id: &[u8],
        message: VoteMessage,
        commitment: Option<(u64, u32)>,
    ) -> Result<ProvenVote, ServiceError> {
        let key = self.key(client, Operation::Vote, uid)?;
        let lane = Lane { public_key: key.public_key, chain_id: chain_id.to_vec() };
        self.ruled(client, &lane, "chain", self.chain(client, chain_id))?;
        let session = self.session(client, Operation::Vote, uid, chain_id)?;
        let checked = session.check_context(*message.context()).map_err(ServiceError::from);
        self.ruled(client, session.lane(), "context", checked)?;
        let tree = match commitment {
            Some((start, count)) => Some(self.tree(client, &session, start, count).await?),
            None => None,
        };
        let height = message.height();
        let vote = self.vote(client, uid, chain_id, height.to_u64(), message.to_bytes()).await?;
        let proof = tree.and_then(|tree| tree.prove(height));
        Ok(ProvenVote { vote, proof })
    }

    /// Signs a BIP-340 proof of possession.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn prove_possession(
        &self,
        client: &Client,
        uid: &[u8],
        message: &PossessionMessage,
    ) -> Result<schnorr::Signature, ServiceError> {
        let key = self.key(client, Operation::Possession, uid)?;
        let context = *message.context();
        let is_allowed = |chain: &super::ServedChain| {
            let chain_id = chain.chain.chain_id.as_bytes().to_vec();
            chain.chain.possession_context == context && client.permissions().chains.contains(&chain_id)
        };
        // A provider of a consumer chain registers on Babylon Genesis as well.
        if context != SigningContext::GENESIS && !self.chains.values().any(is_allowed) {
            return Err(ServiceError::OtherPossessionContext(context));
        }
        let session = key.sessions()?.any().ok_or(ServiceError::Stopped)?;
        let signature = session.prove_possession(message)?;
        self.observer.observe(&Event::Possession {
            client: client.name(),
            key: &key.name,
            public_key: &key.public_key,
        });
        Ok(signature)
    }

    /// Returns the tree over a range, which is kept.
    async fn tree(
        &self,
        client: &Arc<Client>,
        session: &Arc<ProtectedSigner>,
        start: u64,
        count: u32,
    ) -> Result<Arc<RandomnessTree>, ServiceError> {
        if count > MOST_IN_LIST {
            return Err(ServiceError::ListTooLong { found: count });
        }
        let range = RandomnessSchedule::new(ConsumerHeight(start), count, 1)
            .map_err(|_| ServiceError::ListOverflow { start, count })?;
        if let Some(tree) = self.trees.find(session.lane(), range) {
            return Ok(tree);
        }
        let turn = self.deriving.clone().acquire_owned().await.map_err(|_| ServiceError::Stopped)?;
        // Who was before may have wanted the same one.
        if let Some(tree) = self.trees.find(session.lane(), range) {
            return Ok(tree);
        }
        let outstanding = client
            .reserve(u64::from(count))
            .ok_or_else(|| ServiceError::Outstanding(client.name().to_owned()))?;
        let (threads, deriving) = (self.threads, session.clone());
        let tree = blocking(move || {
            let _held = (outstanding, turn);
            Ok(Arc::new(deriving.randomness_tree(threads, range)?))
        });
        let tree: Arc<RandomnessTree> = tree.await.map_err(|error| match error {
            ServiceError::Session(SessionError::Commitment(error)) => error.into(),
            error => error,
        })?;
        self.trees.keep(session.lane().clone(), range, tree.clone());
        Ok(tree)
    }
}
