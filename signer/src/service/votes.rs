//! Votes, one by one and in batches.

use std::collections::BTreeSet;
use std::sync::Arc;

use endpoint::with_causes;
use eots::{PublicRandomness, Signature};
use finality::{ConsumerHeight, VoteMessage};

use super::{Event, ServedChain, ServiceError, SignerService, blocking};
use crate::auth::{Client, Operation};
use crate::protection::{Lane, Outcome, Refusal, Verdict};
use crate::session::{PreparedVote, ProtectedSigner, SessionError, request_of_record};

/// The most votes in one batch.
pub const MOST_IN_BATCH: usize = 10_000;

/// A vote that is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedVote {
    /// The height.
    pub height: ConsumerHeight,
    /// The signature.
    pub signature: Signature,
    /// The public randomness of the height; `None` where the key is locked and the record was looked up.
    pub public_randomness: Option<PublicRandomness>,
    /// Whether it was signed before.
    pub again: bool,
}

impl SignerService {
    /// Signs a vote.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn vote(
        &self,
        client: &Client,
        uid: &[u8],
        chain_id: &[u8],
        height: u64,
        message: Vec<u8>,
    ) -> Result<SignedVote, ServiceError> {
        let key = self.key(client, Operation::Vote, uid)?;
        let height = ConsumerHeight(height);
        let lane = Lane { public_key: key.public_key, chain_id: chain_id.to_vec() };
        let chain = self.ruled(client, &lane, "chain", self.chain(client, chain_id))?;
        let voted = self.check_message(client, chain, &lane, height, &message)?;
        let session = match self.session(client, Operation::Vote, uid, chain_id) {
            Err(locked @ ServiceError::Locked(_)) => {
                return self.recorded(client, lane, height, message, locked).await;
            }
            session => session?,
        };
        self.check_height(client, &session, height).await?;
        self.check_voted(client, chain, &session, voted.into_iter().collect()).await?;
        // All clients of the key have one limit: what was asked in vain takes nothing of it.
        let taken = self.take_votes(client, key, &lane, 1);
        let is_taken = taken.is_ok();
        if let Err(limited) = taken {
            // What was signed is answered again, whoever has used up the limit.
            let asked = session.clone();
            if !blocking(move || Ok(asked.has_record(height)?)).await? {
                return Err(limited);
            }
        }
        // It may have been locked while the node was asked.
        let session = self.session(client, Operation::Vote, uid, chain_id)?;
        let (request, prepared) = session.prepare(height, message);
        let outcomes = self.submit(vec![request]).await?;
        // What was never taken would raise the limit.
        if is_taken {
            give_back(key, &lane, &outcomes);
        }
        self.finished(client, &session, &prepared, outcomes.into_iter().next())
    }

    /// Signs the votes of a batch, at most one for each height, and returns those that are signed: others
    /// were refused by the signing database.
    ///
    /// # Errors
    /// [`ServiceError`]: nothing is recorded, but where the store or a signature in its answer fails.
    pub async fn votes(
        &self,
        client: &Client,
        uid: &[u8],
        chain_id: &[u8],
        votes: Vec<(u64, Vec<u8>)>,
    ) -> Result<Vec<SignedVote>, ServiceError> {
        let key = self.key(client, Operation::Vote, uid)?;
        let lane = Lane { public_key: key.public_key, chain_id: chain_id.to_vec() };
        let chain = self.ruled(client, &lane, "chain", self.chain(client, chain_id))?;
        if votes.len() > MOST_IN_BATCH {
            return Err(ServiceError::BatchTooLong { found: votes.len() });
        }
        let mut heights = BTreeSet::new();
        if let Some((height, _)) = votes.iter().find(|(height, _)| !heights.insert(*height)) {
            return Err(ServiceError::DuplicateHeight(*height));
        }
        let mut voted = Vec::with_capacity(votes.len());
        for (height, message) in &votes {
            voted.extend(self.check_message(client, chain, &lane, ConsumerHeight(*height), message)?);
        }
        let session = self.session(client, Operation::Vote, uid, chain_id)?;
        for (height, _) in &votes {
            self.check_height(client, &session, ConsumerHeight(*height)).await?;
        }
        if votes.is_empty() {
            return Ok(Vec::new());
        }
        self.check_voted(client, chain, &session, voted).await?;
        self.take_votes(client, key, &lane, u32::try_from(votes.len()).unwrap_or(u32::MAX))?;
        // It may have been locked while the node was asked.
        let session = self.session(client, Operation::Vote, uid, chain_id)?;
        let preparing = session.clone();
        let prepare = move || {
            let prepare = |(height, message)| preparing.prepare(ConsumerHeight(height), message);
            Ok(votes.into_iter().map(prepare).unzip())
        };
        let (requests, prepared): (Vec<_>, Vec<_>) = blocking(prepare).await?;
        let outcomes = self.submit(requests).await?;
        give_back(key, &lane, &outcomes);
        let mut outcomes = outcomes.into_iter();
        let mut signed = Vec::with_capacity(prepared.len());
        for vote in &prepared {
            match self.finished(client, &session, vote, outcomes.next()) {
                Ok(vote) => signed.push(vote),
                // Left out of the answer, but for a lane that nobody has registered.
                Err(ServiceError::Session(SessionError::Refused(refusal)))
                    if !matches!(refusal, Refusal::UnknownLane(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(signed)
    }

    /// Checks that a message is a vote at this height, and returns it; none where any message is signed.
    fn check_message(
        &self,
        client: &Client,
        chain: &ServedChain,
        lane: &Lane,
        height: ConsumerHeight,
        message: &[u8],
    ) -> Result<Option<VoteMessage>, ServiceError> {
        if chain.sign_any_message {
            return Ok(None);
        }
        let checked = VoteMessage::from_bytes(chain.chain.vote_context, message)
            .map_err(ServiceError::NotAVote)
            .and_then(|vote| match vote.height() {
                found if found == height => Ok(Some(vote)),
                found => Err(ServiceError::OtherHeight { found: found.to_u64(), height: height.to_u64() }),
            });
        self.ruled(client, lane, "not_a_vote", checked)
    }

    /// Checks a height by what is known, and asks the signing database where that refuses.
    async fn check_height(
        &self,
        client: &Client,
        session: &Arc<ProtectedSigner>,
        height: ConsumerHeight,
    ) -> Result<(), ServiceError> {
        if session.check_known_height(height).is_ok() {
            return Ok(());
        }
        let asked = session.clone();
        let checked = blocking(move || Ok(asked.check_height(height)?)).await;
        let rule = match &checked {
            Err(ServiceError::Session(SessionError::TooFarAbove { .. })) => "too_far_above",
            Err(ServiceError::Session(SessionError::NotCommitted { .. })) => "not_committed",
            // It was refused by no rule.
            _ => return checked,
        };
        self.ruled(client, session.lane(), rule, checked)
    }

    /// Takes votes from the limit of a key on a chain.
    fn take_votes(
        &self,
        client: &Client,
        key: &super::Key,
        lane: &Lane,
        count: u32,
    ) -> Result<(), ServiceError> {
        let Some(rate) = key.rates.get(&lane.chain_id) else { return Ok(()) };
        let taken = rate.take(count, self.clock.monotonic()).map_err(ServiceError::VoteRate);
        self.ruled(client, lane, "vote_rate", taken)
    }

    /// Tells who observes of a rule that refuses.
    pub(super) fn ruled<T>(
        &self,
        client: &Client,
        lane: &Lane,
        rule: &'static str,
        checked: Result<T, ServiceError>,
    ) -> Result<T, ServiceError> {
        if let Err(error) = &checked {
            let reason = with_causes(error);
            let client = client.name();
            self.observer.observe(&Event::RuleRefused { client, lane, rule, reason: &reason });
        }
        checked
    }

    fn finished(
        &self,
        client: &Client,
        session: &ProtectedSigner,
        prepared: &PreparedVote,
        outcome: Option<Outcome>,
    ) -> Result<SignedVote, ServiceError> {
        let (lane, height) = (session.lane(), prepared.height());
        match session.finish(prepared, outcome) {
            Ok(verdict) => {
                let again = matches!(verdict, Verdict::Again(_));
                self.observer.observe(&Event::Signed { lane, height, verdict: &verdict });
                let public_randomness = Some(*prepared.public_randomness());
                Ok(SignedVote { height, signature: *verdict.signature(), public_randomness, again })
            }
            Err(error) => {
                if let SessionError::Refused(refusal) = &error {
                    let (client, message) = (client.name(), prepared.message());
                    self.observer.observe(&Event::Refused { client, lane, height, message, refusal });
                }
                Err(error.into())
            }
        }
    }

    /// Answers for a key that is locked: what was signed is in the record, which leaves as every signature
    /// does, by the store's verdict.
    async fn recorded(
        &self,
        client: &Client,
        lane: Lane,
        height: ConsumerHeight,
        message: Vec<u8>,
        locked: ServiceError,
    ) -> Result<SignedVote, ServiceError> {
        let request = request_of_record(lane.clone(), height, message.clone());
        match self.submit(vec![request]).await?.into_iter().next() {
            Some(Outcome::Signed(verdict)) => {
                let signature = *verdict.signature();
                self.observer.observe(&Event::Signed { lane: &lane, height, verdict: &verdict });
                Ok(SignedVote { height, signature, public_randomness: None, again: true })
            }
            Some(Outcome::Refused(refusal @ Refusal::DoubleSign { .. })) => {
                let (client, lane) = (client.name(), &lane);
                let refused = Event::Refused { client, lane, height, message: &message, refusal: &refusal };
                self.observer.observe(&refused);
                Err(SessionError::Refused(refusal).into())
            }
            // It may be signed when the key is unlocked.
            _ => Err(locked),
        }
    }
}

/// Gives back to the limit of a key what was signed for nobody: answers of records, and refusals.
fn give_back(key: &super::Key, lane: &Lane, outcomes: &[Outcome]) {
    let Some(rate) = key.rates.get(&lane.chain_id) else { return };
    let is_new = |outcome: &&Outcome| matches!(outcome, Outcome::Signed(Verdict::New(_)));
    let new = outcomes.iter().filter(is_new).count();
    rate.give_back(u32::try_from(outcomes.len().saturating_sub(new)).unwrap_or(u32::MAX));
}
