//! Votes: for which blocks, signed, proven, sent.

use std::collections::BTreeMap;

use babylon::client::SendError;
use babylon::node::{BlockHeader, NodeError};
use babylon::{Message, query, with_causes};
use finality::{
    ConsumerHeight, RandomnessCommitment, RandomnessSchedule, Signer, SignerError as _, SigningContext,
    VoteMessage,
};

use super::alert::{Alert, Event};
use super::coverage::covering;
use super::daemon::{Daemon, Ended, Step};
use super::look::Look;
use super::refusals::{Verdict, culprit, is_too_large, verdict};

/// How many heights are looked at in one step.
const MOST_LOOKED_AT: usize = 1_000;

/// A vote that the chain is to have.
struct Ready {
    height: ConsumerHeight,
    message: Message,
}

/// What is known of blocks that are to be voted for, by the commitment that has their heights.
type ByCommitment = BTreeMap<u64, (RandomnessSchedule, RandomnessCommitment, Vec<VoteMessage>)>;

impl<S: Signer> Daemon<'_, S> {
    /// Votes for the next blocks.
    pub(super) fn vote(&mut self, look: &Look, tip: ConsumerHeight) -> Result<Step, Ended> {
        let Some(activated) = look.activated else { return Ok(Step::Wait) };
        let from = look.last_final.map_or(activated, |last| last.saturating_add(1).max(activated));
        self.settled.settle_below(from);
        let before = self.settled.count();
        let (found, is_more) = self.find(look, tip)?;
        let ready = self.sign(found)?;
        let all = ready.len();
        let sent = self.send(ready)?;
        // Where nothing got through, the next step would find the same.
        let is_further = self.settled.count() > before;
        Ok(if is_further && (is_more || sent < all) { Step::Again } else { Step::Wait })
    }

    /// Finds blocks to vote for, and whether there may be more of them.
    fn find(&mut self, look: &Look, tip: ConsumerHeight) -> Result<(ByCommitment, bool), Ended> {
        let open: Vec<_> = self.settled.open(tip).take(MOST_LOOKED_AT).collect();
        let is_all = open.len() < MOST_LOOKED_AT;
        let (mut found, mut count) = (ByCommitment::new(), 0);
        let mut disagreement = None;
        for height in open {
            if count >= self.parts.policy.most_votes {
                return Ok((found, true));
            }
            let public_key = self.parts.signer.public_key();
            let node = self.parts.node;
            self.facts.power = query::power_at(node, &public_key, height)?;
            // What a height's power is, is settled when its block begins.
            if self.facts.power == 0 {
                self.settled.settle(height);
                continue;
            }
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
            match self.agreed(height)? {
                Ok(header) => {
                    let vote = VoteMessage::new(SigningContext::GENESIS, height, header.app_hash);
                    let start = range.start_height().to_u64();
                    found.entry(start).or_insert((range, commitment, Vec::new())).2.push(vote);
                    count = count.saturating_add(1);
                }
                Err(reason) => {
                    disagreement.get_or_insert(reason);
                }
            }
        }
        let is_so = disagreement.is_some();
        self.alerts.set(self.parts.observer, Alert::Disagreement, is_so, || disagreement.unwrap_or_default());
        Ok((found, !is_all))
    }

    /// Returns the header of a block, when both nodes have the same.
    fn agreed(&mut self, height: ConsumerHeight) -> Result<Result<BlockHeader, String>, Ended> {
        // Of several nodes another one may have answered, which is not so far.
        let Some(own) = self.parts.node.header(height)? else {
            return Ok(Err(format!("the node has no block {height} yet")));
        };
        let chain_id = self.parts.account.chain_id();
        if own.chain_id != chain_id {
            return Err(NodeError::OtherChain { found: own.chain_id, expected: chain_id.to_owned() }.into());
        }
        let Some(second) = self.parts.second else { return Ok(Ok(own)) };
        let observer = self.parts.observer;
        match second.header(height) {
            // It has not come so far.
            Ok(None) => {
                self.alerts.clear(observer, Alert::SecondNode);
                Ok(Err(format!("the second node has no block {height} yet")))
            }
            Ok(Some(other)) => {
                self.alerts.clear(observer, Alert::SecondNode);
                let is_same = other.app_hash == own.app_hash && other.chain_id == own.chain_id;
                let said = |header: &BlockHeader| hex(&header.app_hash);
                Ok(is_same.then_some(own.clone()).ok_or_else(|| {
                    format!(
                        "the AppHash of block {height} is {} and {} by the second node",
                        said(&own),
                        said(&other)
                    )
                }))
            }
            Err(error) => {
                self.alerts.raise(observer, Alert::SecondNode, || with_causes(&error));
                // Nothing is voted for that it has not confirmed.
                Err(Ended::Alerted)
            }
        }
    }

    /// Has the votes signed, and verifies them: one that is wrong would be the provider's only one.
    fn sign(&mut self, found: ByCommitment) -> Result<Vec<Ready>, Ended> {
        let mut ready = Vec::new();
        let mut is_well = true;
        for (range, commitment, votes) in found.into_values() {
            let signed = match self.parts.signer.prove_votes(range, &votes) {
                Ok(signed) => signed,
                Err(error) => {
                    self.not_signed(&error);
                    return Err(Ended::Alerted);
                }
            };
            for (vote, signed) in votes.into_iter().zip(signed) {
                let height = vote.height();
                let verified = match signed {
                    Ok(signed) => signed.verify(&commitment).map(|()| signed),
                    Err(error) => {
                        is_well &= error.is_refusal();
                        self.not_signed(&error);
                        if error.is_refusal() {
                            self.leave_out(height, with_causes(&error));
                        }
                        continue;
                    }
                };
                let address = self.parts.account.address();
                let made = verified
                    .map_err(|error| with_causes(&error))
                    .and_then(|signed| Message::vote(address, &signed).map_err(|error| with_causes(&error)));
                match made {
                    Ok(message) => ready.push(Ready { height, message }),
                    Err(reason) => {
                        let reason = || format!("the vote at height {height}: {reason}");
                        self.alerts.raise(self.parts.observer, Alert::InvalidVote, reason);
                        return Err(Ended::Alerted);
                    }
                }
            }
        }
        if is_well {
            self.alerts.clear(self.parts.observer, Alert::Signer);
        }
        ready.sort_by_key(|ready| ready.height);
        Ok(ready)
    }

    /// Sends votes in one transaction; what makes it fail is cut out, and the rest sent again. Returns how
    /// many votes the chain has.
    fn send(&mut self, mut ready: Vec<Ready>) -> Result<usize, Ended> {
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
                        Verdict::Settled => self.leave_out(height, refusal.to_string()),
                        Verdict::NoneIsTaken => {
                            self.look_again();
                            return Err(Ended::Alerted);
                        }
                        Verdict::Later => self.not_sent(&error),
                    }
                }
                _ if is_too_large(&error) && ready.len() > 1 => ready.truncate(ready.len().div_ceil(2)),
                _ => {
                    self.not_sent(&error);
                    return Err(Ended::Alerted);
                }
            }
        }
        Ok(0)
    }

    /// Takes note of votes that were executed.
    fn voted(&mut self, ready: &[Ready]) -> Result<usize, Ended> {
        let observer = self.parts.observer;
        self.alerts.clear(observer, Alert::Sending);
        self.alerts.clear(observer, Alert::Refused);
        let (Some(first), Some(last)) = (ready.first(), ready.last()) else { return Ok(0) };
        let (first, last, count) = (first.height, last.height, ready.len());
        for ready in ready {
            self.settled.settle(ready.height);
        }
        self.facts.votes = self.facts.votes.saturating_add(u64::try_from(count).unwrap_or_default());
        self.facts.last_voted = self.facts.last_voted.max(Some(last));
        observer.observe(&Event::Voted { first, last, count });
        // The chain takes a vote for another block without a word.
        let voters = query::votes_at(self.parts.node, last)?;
        let is_counted = voters.contains(&self.parts.signer.public_key());
        self.alerts.set(observer, Alert::NotCounted, !is_counted, || {
            format!("the vote at height {last} was executed, and is not among those that the chain has")
        });
        Ok(count)
    }

    /// Leaves a height out for good.
    fn leave_out(&mut self, height: ConsumerHeight, reason: String) {
        self.settled.settle(height);
        self.facts.left_out = self.facts.left_out.saturating_add(1);
        self.parts.observer.observe(&Event::LeftOut { height, reason });
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
