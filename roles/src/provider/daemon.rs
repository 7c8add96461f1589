//! The daemon: one step after another.

use std::time::Instant;

use babylon::client::SendError;
use babylon::node::{ChainNode, NodeError, NodeStatus};
use babylon::{Account, Message, with_causes};
use finality::{ConsumerHeight, Signer};

use super::alert::{ProviderAlert, ProviderEvent, ProviderObserver};
use super::coverage::{Due, committed_ahead, next_commitment, timestamped_ahead};
use super::facts::ProviderFacts;
use super::look::Look;
use super::policy::{InvalidPolicy, ProviderPolicy};
use super::settled::Settled;
use crate::alerts::Alerts;
use crate::refusals::refusal;

/// How far the last block may be above the next one that is told of, by a node that is behind: what is
/// further was invented.
const MOST_BACK: u64 = 100;

/// What a daemon works with.
#[derive(Debug)]
pub struct ProviderParts<'a, S> {
    /// A node of the chain.
    pub node: &'a dyn ChainNode,
    /// Another one, which must say the same of every block that is voted for.
    pub second: Option<&'a dyn ChainNode>,
    /// The account that pays; that of the provider, where it is to be unjailed.
    pub account: Account<'a>,
    /// Who signs. It must be protected: what was signed is known by it alone.
    pub signer: &'a S,
    /// Who is told.
    pub observer: &'a dyn ProviderObserver,
    /// What is kept to.
    pub policy: ProviderPolicy,
}

/// What the daemon does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderStep {
    /// It waits for a block, or for what is wrong to be mended.
    Wait,
    /// There is more to do at once.
    Again,
    /// The provider was slashed: nothing is left to do.
    Slashed,
}

/// A finality provider's daemon. It has nothing that must outlive it: what was voted for, the chain and the
/// signer know.
#[derive(Debug)]
pub struct ProviderDaemon<'a, S> {
    pub(super) parts: ProviderParts<'a, S>,
    pub(super) alerts: Alerts<ProviderAlert>,
    pub(super) facts: ProviderFacts,
    pub(super) settled: Settled,
    /// The highest height that may have been voted at without this daemon's knowledge.
    pub(super) unknown_to: Option<ConsumerHeight>,
    look: Option<(Look, Instant)>,
    /// The highest block, and when it was seen first.
    last_block: Option<(ConsumerHeight, Instant)>,
    unjailed_at: Option<Instant>,
    /// When a commitment failed: its tree takes long to derive, and is not derived in every step.
    failed_at: Option<Instant>,
    /// The votes that the chain counts as missed, and when more were found.
    missed: Option<u64>,
    missed_at: Option<Instant>,
    /// Up to which height the old ones were looked at, where there are more than one step takes.
    pub(super) looked_at: Option<ConsumerHeight>,
    /// What was wrong with the node in this step, though it went on.
    pub(super) node_trouble: Option<String>,
}

/// Why a step ended early: what went wrong is an alert already, or it is the node.
#[derive(Debug)]
pub(super) enum Ended {
    Node(NodeError),
    Alerted,
}

impl From<NodeError> for Ended {
    fn from(error: NodeError) -> Self {
        Self::Node(error)
    }
}

impl<'a, S: Signer> ProviderDaemon<'a, S> {
    /// Returns a daemon that has done nothing yet.
    ///
    /// # Errors
    /// [`InvalidPolicy`].
    pub fn new(parts: ProviderParts<'a, S>) -> Result<Self, InvalidPolicy> {
        parts.policy.check()?;
        Ok(Self {
            parts,
            alerts: Alerts::default(),
            facts: ProviderFacts::default(),
            settled: Settled::default(),
            unknown_to: None,
            look: None,
            last_block: None,
            unjailed_at: None,
            failed_at: None,
            missed: None,
            missed_at: None,
            looked_at: None,
            node_trouble: None,
        })
    }

    /// Ends the daemon.
    pub fn into_parts(self) -> ProviderParts<'a, S> {
        self.parts
    }

    /// Returns what is known now.
    pub const fn facts(&self) -> &ProviderFacts {
        &self.facts
    }

    /// Returns the alerts that are raised.
    pub fn alerts(&self) -> impl Iterator<Item = ProviderAlert> {
        self.alerts.raised()
    }

    /// Does what there is to do now, and waits only for transactions.
    pub fn step(&mut self, now: Instant) -> ProviderStep {
        self.node_trouble = None;
        let ended = self.try_step(now);
        let observer = self.parts.observer;
        let (step, trouble) = match ended {
            Ok(step) => (step, self.node_trouble.take()),
            // It has answered.
            Err(Ended::Alerted) => (ProviderStep::Wait, self.node_trouble.take()),
            Err(Ended::Node(error)) => {
                // Whatever was known may be another chain's.
                self.look = None;
                (ProviderStep::Wait, Some(with_causes(&error)))
            }
        };
        self.alerts.set(observer, ProviderAlert::Node, trouble.is_some(), || trouble.unwrap_or_default());
        step
    }

    fn try_step(&mut self, now: Instant) -> Result<ProviderStep, Ended> {
        let status = self.parts.node.status()?;
        self.note_block(&status, now);
        if status.is_catching_up {
            return Err(Ended::Alerted);
        }
        let tip = status.height;
        let look = self.look(now)?;
        self.note(&look, tip);
        let Some(provider) = &look.provider else { return Err(Ended::Alerted) };
        if provider.is_slashed {
            return if self.is_slashed()? { Ok(ProviderStep::Slashed) } else { Err(Ended::Alerted) };
        }
        if provider.is_deleted {
            return Err(Ended::Alerted);
        }
        // A block waits for its vote, and no commitment is that urgent.
        let voted = if provider.is_jailed { self.unjail(now) } else { self.vote(&look, tip) };
        if matches!(voted, Err(Ended::Node(_))) {
            return voted;
        }
        let committed = self.commit(&look, tip, now);
        if committed { Ok(ProviderStep::Again) } else { voted }
    }

    /// Takes note of the chain's last block.
    fn note_block(&mut self, status: &NodeStatus, now: Instant) {
        let (observer, height) = (self.parts.observer, status.height);
        self.facts.tip = Some(height);
        self.alerts.set(observer, ProviderAlert::NodeBehind, status.is_catching_up, || {
            format!("the node is at height {height}, and still catching up")
        });
        match self.last_block {
            Some((last, since)) if last.blocks_after(height).is_some_and(|above| above <= MOST_BACK) => {
                let waited = now.saturating_duration_since(since);
                let is_halted = waited > self.parts.policy.halted_after;
                self.alerts.set(observer, ProviderAlert::Halted, is_halted, || {
                    format!("no block after {last} for {} seconds", waited.as_secs())
                });
            }
            _ => {
                self.last_block = Some((height, now));
                self.alerts.clear(observer, ProviderAlert::Halted);
            }
        }
        // Before the start, another process may have voted.
        self.unknown_to.get_or_insert(height);
    }

    /// Returns what changes slowly, which is asked for from time to time.
    fn look(&mut self, now: Instant) -> Result<Look, NodeError> {
        let is_old = |since: Instant| now.saturating_duration_since(since) >= self.parts.policy.look_every;
        if let Some((look, _)) = self.look.as_ref().filter(|(_, since)| !is_old(*since)) {
            return Ok(look.clone());
        }
        let ProviderParts { node, account, signer, .. } = &self.parts;
        let look = Look::at(*node, &signer.public_key(), account.address(), account.denom())?;
        let (missed, observer) = (look.missed, self.parts.observer);
        let before = self.missed.replace(missed).unwrap_or(missed);
        if missed > before {
            self.missed_at = Some(now);
        }
        let is_recent = |at: Instant| now.saturating_duration_since(at) < self.parts.policy.missed_for;
        self.alerts.set(observer, ProviderAlert::Missed, self.missed_at.is_some_and(is_recent), || {
            format!("{missed} votes are missed; there were {before}")
        });
        self.look = Some((look.clone(), now));
        Ok(look)
    }

    /// Has everything asked for again in the next step.
    pub(super) fn look_again(&mut self) {
        self.look = None;
    }

    /// Takes note of what was found, and raises what somebody should know.
    fn note(&mut self, look: &Look, tip: ConsumerHeight) {
        let ProviderParts { observer, policy, .. } = &self.parts;
        let (observer, alerts, facts) = (*observer, &mut self.alerts, &mut self.facts);
        facts.missed = look.missed;
        facts.balance = look.balance;
        facts.last_final = look.last_final;
        facts.committed_ahead = committed_ahead(tip, &look.committed);
        facts.timestamped_ahead = timestamped_ahead(tip, &look.committed, look.finalized_epoch);
        facts.is_jailed = look.provider.as_ref().is_some_and(|provider| provider.is_jailed);
        facts.is_slashed = look.provider.as_ref().is_some_and(|provider| provider.is_slashed);
        let is_deleted = look.provider.as_ref().is_some_and(|provider| provider.is_deleted);
        alerts.set(observer, ProviderAlert::NotRegistered, look.provider.is_none() || is_deleted, || {
            match is_deleted {
                true => "the chain has removed the finality provider".to_owned(),
                false => "the chain does not know the finality provider".to_owned(),
            }
        });
        alerts.set(observer, ProviderAlert::Jailed, facts.is_jailed, || {
            "it is jailed for missed votes: it has no power".to_owned()
        });
        alerts.set(observer, ProviderAlert::Slashed, facts.is_slashed, || {
            "it was slashed: it never has power again".to_owned()
        });
        let (ahead, least) = (facts.timestamped_ahead, policy.least_coverage);
        alerts.set(observer, ProviderAlert::Coverage, ahead < least && look.provider.is_some(), || {
            format!("{ahead} heights have timestamped randomness; must be at least {least}")
        });
        let (balance, least) = (look.balance, policy.least_balance);
        alerts.set(observer, ProviderAlert::Balance, balance < least, || {
            format!("the account has {balance}; must have at least {least}")
        });
    }

    /// Commits to randomness, where it is time. Returns whether it did.
    fn commit(&mut self, look: &Look, tip: ConsumerHeight, now: Instant) -> bool {
        let ProviderParts { policy, observer, .. } = &self.parts;
        let observer = *observer;
        let due = next_commitment(policy, tip, look.parameters.activation_height, &look.committed);
        let (heights, least) = (u64::from(policy.heights), look.parameters.min_pub_rand);
        self.alerts.set(observer, ProviderAlert::TooFewHeights, due.is_some() && heights < least, || {
            format!("a commitment has {heights} heights; must have at least {least}")
        });
        let Some(Due { range, leaves_gap }) = due.filter(|_| heights >= least) else {
            self.alerts.clear(observer, ProviderAlert::Commitment);
            return false;
        };
        let is_soon = |at: Instant| now.saturating_duration_since(at) < policy.look_every;
        if self.failed_at.is_some_and(is_soon) {
            return false;
        }
        self.failed_at = Some(now);
        if let Some(reason) = leaves_gap.then(|| self.not_so_far(tip)).flatten() {
            self.alerts.raise(observer, ProviderAlert::Commitment, || reason);
            return false;
        }
        let signed = match self.parts.signer.commit(range) {
            Ok(signed) => signed,
            Err(error) => {
                self.alerts.raise(observer, ProviderAlert::Commitment, || with_causes(&error));
                return false;
            }
        };
        let ProviderParts { account, signer, .. } = &self.parts;
        let message = Message::commit_randomness(account.address(), &signer.public_key(), &signed);
        // Whatever becomes of it, what the chain has is asked for again before the next one.
        let sent = account.send(&[message]);
        self.look_again();
        match sent {
            Ok(_) => {
                self.facts.commitments = self.facts.commitments.saturating_add(1);
                self.failed_at = None;
                self.alerts.clear(observer, ProviderAlert::Commitment);
                self.alerts.clear(observer, ProviderAlert::Sending);
                let (first, count) = (signed.commitment.start_height, signed.commitment.count);
                observer.observe(&ProviderEvent::Committed { first, count });
                true
            }
            Err(error) => {
                self.alerts.raise(observer, ProviderAlert::Commitment, || with_causes(&error));
                false
            }
        }
    }

    /// Unjails the provider, where that is wanted and the chain lets it.
    fn unjail(&mut self, now: Instant) -> Result<ProviderStep, Ended> {
        let policy = &self.parts.policy;
        let is_soon =
            self.unjailed_at.is_some_and(|at| now.saturating_duration_since(at) < policy.look_every);
        if !policy.unjail || is_soon {
            return Err(Ended::Alerted);
        }
        self.unjailed_at = Some(now);
        let ProviderParts { account, signer, observer, .. } = &self.parts;
        let message = Message::unjail_finality_provider(account.address(), &signer.public_key());
        let (observer, sent) = (*observer, account.send(&[message]));
        self.look_again();
        match sent {
            Ok(_) => {
                self.alerts.clear(observer, ProviderAlert::Sending);
                observer.observe(&ProviderEvent::Unjailed);
                Ok(ProviderStep::Again)
            }
            // Its time is not over yet.
            Err(error) if refusal(&error).is_some_and(|refusal| refusal.log.contains("jailing period")) => {
                Err(Ended::Alerted)
            }
            Err(error) => {
                self.not_sent(&error);
                Err(Ended::Alerted)
            }
        }
    }

    /// Raises that a transaction was not executed.
    pub(super) fn not_sent(&mut self, error: &SendError) {
        self.alerts.raise(self.parts.observer, ProviderAlert::Sending, || with_causes(error));
    }
}
