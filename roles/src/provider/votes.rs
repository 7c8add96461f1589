//! Votes: for which blocks, signed, proven, sent.

use std::collections::BTreeMap;

use babylon::client::SendError;
use babylon::node::{BlockHeader, ChainNode, NodeError};
use babylon::{Message, query, with_causes};
use finality::{
    ConsumerHeight, RandomnessCommitment, RandomnessSchedule, Signer, SignerError as _, SigningContext,
    VoteMessage,
};

use super::alert::{ProviderAlert, ProviderEvent};
use super::coverage::covering;
use super::daemon::{Ended, ProviderDaemon, ProviderStep};
use super::look::Look;
use super::verdict::{Verdict, verdict};
use crate::refusals::{culprit, is_too_large};

/// How many heights are looked at in one step.
const MOST_LOOKED_AT: usize = 200;

/// A vote that the chain is to have.
struct Ready {
    height: ConsumerHeight,
    message: Message,
}

/// How far the second node may be behind before somebody should know.
const MOST_BEHIND: u64 = 5;

/// What two nodes say of a block.
enum Agreed {
    /// The same.
    Yes(BlockHeader),
    /// One has not come so far.
    NotYet,
    /// Different things.
    No(String),
    /// The second one does not answer.
    Away,
}

/// What is known of blocks that are to be voted for, by the commitment that has their heights.
type ByCommitment = BTreeMap<u64, (RandomnessSchedule, RandomnessCommitment, Vec<VoteMessage>)>;

impl<S: Signer> ProviderDaemon<'_, S> {
    /// Votes for the next blocks.
    pub(super) fn vote(&mut self, look: &Look, tip: ConsumerHeight) -> Result<ProviderStep, Ended> {
        let Some(activated) = look.activated else { return Ok(ProviderStep::Wait) };
        // Votes count as long as the chain waits for them, also for a block that others have made final.
        let timeout = look.parameters.finality_sig_timeout;
        let recent = ConsumerHeight(tip.to_u64().saturating_add(1).saturating_sub(timeout));
        let from = look.last_final.map_or(activated, |last| last.saturating_add(1).min(recent));
        // By one node's word alone, so that nothing is settled by it: the next one may say otherwise.
        let from = from.max(activated);
        self.settled.forget_below(from.min(tip));
        let before = self.settled.count();
        let (found, is_more) = self.find(look, tip, (from, recent))?;
        let ready = self.sign(found)?;
        let all = ready.len();
        let sent = self.send(ready)?;
        // Where nothing got through, the next step would find the same.
        let is_further = self.settled.count() > before;
        Ok(if is_further && (is_more || sent < all) { ProviderStep::Again } else { ProviderStep::Wait })
    }

    /// Finds blocks to vote for, and whether there may be more of them.
    /// Those that the chain still waits for come first, and then the oldest.
    fn find(
        &mut self,
        look: &Look,
        tip: ConsumerHeight,
        (from, recent): (ConsumerHeight, ConsumerHeight),
    ) -> Result<(ByCommitment, bool), Ended> {
        // However far apart these are by the node's word, a step looks at a bounded number.
        let new = self.settled.open(from.max(recent), tip).take(MOST_LOOKED_AT);
        let first_old = self.looked_at.map_or(from, |after| from.max(after.saturating_add(1)));
        let old: Vec<_> = match recent.to_u64().checked_sub(1) {
            Some(last_old) => {
                self.settled.open(first_old, ConsumerHeight(last_old)).take(MOST_LOOKED_AT).collect()
            }
            None => Vec::new(),
        };
        // Where these cannot be voted for, those above have their turn, and then these again.
        let is_all = old.len() < MOST_LOOKED_AT;
        self.looked_at = old.last().copied().filter(|_| !is_all);
        let open: Vec<_> = new.chain(old).collect();
        let (mut found, mut count) = (ByCommitment::new(), 0);
        let mut disagreement = None;
        for height in open {
            if count >= self.parts.policy.most_votes {
                self.looked_at = None;
                return Ok((found, true));
            }
            let public_key = self.parts.signer.public_key();
            let node = self.parts.node;
            let power = query::power_at(node, &public_key, height)?;
            if power == 0 {
                if height < tip && self.is_powerless(height)? {
                    self.facts.power = 0;
                    self.settled.settle(height);
                }
                continue;
            }
            self.facts.power = power;
            let may_be_voted = self.unknown_to >= Some(height);
            if may_be_voted && query::votes_at(node, height)?.contains(&public_key) {
                self.settled.settle(height);
                continue;
            }
            let Some((range, commitment)) = covering(&look.committed, height) else {
                // Power without a commitment that is known here: what is known is old.
                self.look_again();
                continue;
            };
            let agreed = match self.agreed(height, tip) {
                // What was found so far is voted for.
                Err(Ended::Node(error)) if count > 0 => {
                    self.node_trouble = Some(with_causes(&error));
                    break;
                }
                agreed => agreed?,
            };
            match agreed {
                Agreed::Away => break,
                Agreed::Yes(header) => {
                    let vote = VoteMessage::new(SigningContext::GENESIS, height, header.app_hash);
                    let start = range.start_height().to_u64();
                    found.entry(start).or_insert((range, commitment, Vec::new())).2.push(vote);
                    count = count.saturating_add(1);
                }
                Agreed::NotYet => {}
                Agreed::No(reason) => {
                    disagreement.get_or_insert(reason);
                }
            }
        }
        let is_so = disagreement.is_some();
        self.alerts.set(self.parts.observer, ProviderAlert::Disagreement, is_so, || {
            disagreement.unwrap_or_default()
        });
        Ok((found, !is_all))
    }

    /// Returns whether the provider has no power at a height of which a node has said so once. What a
    /// height's power is, is settled when its block begins; a node may show a block before it has executed
    /// it, and says of its power the same as of one where nobody has any; and the next question may go to
    /// another node.
    fn is_powerless(&self, height: ConsumerHeight) -> Result<bool, NodeError> {
        let public_key = self.parts.signer.public_key();
        let is_so = |node: &dyn ChainNode| -> Result<bool, NodeError> {
            let is_executed = query::finality_block(node, height)?.is_some();
            Ok(is_executed && query::power_at(node, &public_key, height)? == 0)
        };
        // One that lies would have a vote missed for good: the second one must say the same.
        Ok(is_so(self.parts.node)? && self.parts.second.map_or(Ok(true), is_so)?)
    }

    /// Asks both nodes for the header of a block.
    fn agreed(&mut self, height: ConsumerHeight, tip: ConsumerHeight) -> Result<Agreed, Ended> {
        let Some(own) = self.parts.node.header(height)? else {
            // Of several nodes another one may have answered, which is not so far.
            if tip.blocks_after(height).is_some_and(|behind| behind > MOST_BEHIND) {
                self.node_trouble =
                    Some(format!("the node has no block {height}, and the last one is {tip}"));
            }
            return Ok(Agreed::NotYet);
        };
        let chain_id = self.parts.account.chain_id();
        if own.chain_id != chain_id {
            return Err(NodeError::other_chain(&own.chain_id, chain_id).into());
        }
        let Some(second) = self.parts.second else { return Ok(Agreed::Yes(own)) };
        let observer = self.parts.observer;
        match second.header(height) {
            // It has not come so far.
            Ok(None) => {
                let behind = tip.blocks_after(height).unwrap_or_default();
                self.alerts.set(observer, ProviderAlert::SecondNode, behind > MOST_BEHIND, || {
                    format!("the second node has no block {height}, and the last one is {tip}")
                });
                Ok(Agreed::NotYet)
            }
            Ok(Some(other)) => {
                self.alerts.clear(observer, ProviderAlert::SecondNode);
                if other.chain_id != own.chain_id {
                    let error = NodeError::other_chain(&other.chain_id, &own.chain_id);
                    return Ok(Agreed::No(format!("the second one: {error}")));
                }
                if other.app_hash == own.app_hash {
                    return Ok(Agreed::Yes(own));
                }
                let (own, other) = (hex(&own.app_hash), hex(&other.app_hash));
                Ok(Agreed::No(format!(
                    "the AppHash of block {height} is {own} by the node and {other} by the second one"
                )))
            }
            Err(error) => {
                // Nothing is voted for that it has not confirmed.
                self.alerts.raise(observer, ProviderAlert::SecondNode, || with_causes(&error));
                Ok(Agreed::Away)
            }
        }
    }

    /// Has the votes signed, and verifies them: one that is wrong would be the provider's only one.
    fn sign(&mut self, found: ByCommitment) -> Result<Vec<Ready>, Ended> {
        let observer = self.parts.observer;
        let mut ready = Vec::new();
        let (mut failed, mut invalid) = (None, None);
        let is_asked = !found.is_empty();
        for (range, commitment, votes) in found.into_values() {
            let signed = match self.parts.signer.prove_votes(range, &votes) {
                Ok(signed) => signed,
                Err(error) => {
                    failed.get_or_insert_with(|| with_causes(&error));
                    continue;
                }
            };
            for (vote, signed) in votes.into_iter().zip(signed) {
                let height = vote.height();
                let signed = match signed {
                    Ok(signed) => signed,
                    Err(error) if error.is_refusal() => {
                        // It stays: another signer may have the key.
                        self.alerts.raise(observer, ProviderAlert::Refused, || with_causes(&error));
                        self.leave_out(height, with_causes(&error));
                        continue;
                    }
                    Err(error) => {
                        failed.get_or_insert_with(|| with_causes(&error));
                        continue;
                    }
                };
                let address = self.parts.account.address();
                let verified = signed.verify(&commitment).map_err(|error| with_causes(&error));
                let made = verified
                    .and_then(|()| Message::vote(address, &signed).map_err(|error| with_causes(&error)));
                match made {
                    Ok(message) => ready.push(Ready { height, message }),
                    Err(reason) => {
                        invalid.get_or_insert_with(|| format!("the vote at height {height}: {reason}"));
                    }
                }
            }
        }
        if is_asked {
            let (is_failed, is_invalid) = (failed.is_some(), invalid.is_some());
            self.alerts.set(observer, ProviderAlert::Signer, is_failed, || failed.unwrap_or_default());
            self.alerts.set(observer, ProviderAlert::InvalidVote, is_invalid, || invalid.unwrap_or_default());
        }
        ready.sort_by_key(|ready| ready.height);
        Ok(ready)
    }

    /// Sends votes in one transaction; what makes it fail is cut out, and the rest sent again. Returns how
    /// many votes the chain has.
    fn send(&mut self, mut ready: Vec<Ready>) -> Result<usize, Ended> {
        let is_asked = !ready.is_empty();
        let mut is_well = true;
        while !ready.is_empty() {
            let messages: Vec<_> = ready.iter().map(|ready| ready.message.clone()).collect();
            let error = match self.parts.account.send(&messages) {
                Ok(_) => return self.voted(&ready),
                Err(error) => error,
            };
            // Nobody knows whether it is executed after all.
            if matches!(error, SendError::Unknown { .. }) {
                self.unknown_to = self.unknown_to.max(ready.last().map(|ready| ready.height));
            }
            match culprit(&error) {
                Some((place, refusal)) if place < ready.len() => {
                    let height = ready.remove(place).height;
                    match verdict(refusal) {
                        Verdict::Voted => self.settled.settle(height),
                        Verdict::Settled => self.leave_out(height, refusal.to_string()),
                        Verdict::NoneIsTaken => {
                            self.look_again();
                            return Err(Ended::Alerted);
                        }
                        Verdict::Later => {
                            is_well = false;
                            self.not_sent(&error);
                        }
                    }
                }
                _ if is_too_large(&error) && ready.len() > 1 => ready.truncate(ready.len().div_ceil(2)),
                _ => {
                    self.not_sent(&error);
                    return Err(Ended::Alerted);
                }
            }
        }
        // Somebody else was first with all of them.
        if is_asked && is_well {
            self.alerts.clear(self.parts.observer, ProviderAlert::Sending);
        }
        Ok(0)
    }

    /// Takes note of votes that were executed.
    fn voted(&mut self, ready: &[Ready]) -> Result<usize, Ended> {
        let observer = self.parts.observer;
        self.alerts.clear(observer, ProviderAlert::Sending);
        let (Some(first), Some(last)) = (ready.first(), ready.last()) else { return Ok(0) };
        let (first, last, count) = (first.height, last.height, ready.len());
        for ready in ready {
            self.settled.settle(ready.height);
        }
        self.facts.votes = self.facts.votes.saturating_add(u64::try_from(count).unwrap_or_default());
        self.facts.last_voted = self.facts.last_voted.max(Some(last));
        observer.observe(&ProviderEvent::Voted { first, last, count });
        // The chain takes a vote for another block without a word. It stays: the right one would reveal the
        // key.
        let public_key = self.parts.signer.public_key();
        for height in ready.iter().map(|ready| ready.height) {
            if !query::votes_at(self.parts.node, height)?.contains(&public_key) {
                self.alerts.raise(observer, ProviderAlert::NotCounted, || {
                    format!(
                        "the vote at height {height} was executed, and is not among those that the chain has"
                    )
                });
            }
        }
        Ok(count)
    }

    /// Leaves a height out for good.
    fn leave_out(&mut self, height: ConsumerHeight, reason: String) {
        self.settled.settle(height);
        self.facts.left_out = self.facts.left_out.saturating_add(1);
        self.parts.observer.observe(&ProviderEvent::LeftOut { height, reason });
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
