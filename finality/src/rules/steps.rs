//! The steps of a chain: a block begins, votes come, it ends; a provider is unjailed; the chain is
//! reorganized.

use secp256k1::XOnlyPublicKey;

use super::active::{ActiveSet, Candidate};
use super::answer::{Finality, FinalityOrder, Votes};
use super::liveness::{Liveness, SigningRecord, UnjailRefusal, Unjailer};
use super::state::{ChainState, Change, Moment};
use super::voter::{VoteFacts, VoteRefusal, VoteTiming};
use super::{FinalityRules, Quorum};
use crate::height::{ConsumerHeight, UnixTime};
use crate::power::{CommitmentRecords, ProviderPower, TimestampMark};

/// The most heights that one step counts where heights do not wait for each other; older ones are counted by
/// [`ChainState::count`], when a vote comes for them.
const HEIGHTS_PER_STEP: u64 = 10_000;

impl ChainState {
    /// Returns the candidates of a height: the chain's power, and what the chain holds against each.
    pub fn candidates(
        &self,
        rules: &dyn FinalityRules,
        height: ConsumerHeight,
        power: &[ProviderPower],
        commitments: &CommitmentRecords,
        finalized: TimestampMark,
    ) -> Vec<Candidate> {
        let candidate = |provider: &ProviderPower| {
            let ProviderPower { public_key, power_sat } = *provider;
            let covering = commitments.covering(&public_key, height);
            Candidate {
                public_key,
                power_sat,
                jailed: self.is_jailed(&public_key),
                slashed: self.is_slashed(&public_key),
                timestamped: covering.is_some_and(|recorded| rules.is_usable(recorded, finalized)),
            }
        };
        power.iter().map(candidate).collect()
    }

    /// Begins a block: returns its active set, for the caller to store, and who came and left.
    pub fn begin_block(
        &self,
        rules: &dyn FinalityRules,
        height: ConsumerHeight,
        candidates: &[Candidate],
    ) -> (ActiveSet, Vec<Change>) {
        let set = rules.select(candidates);
        let mut changes = Vec::new();
        for (provider, _) in set.iter().filter(|(provider, _)| !self.active.contains(provider)) {
            let known = self.signing.get(provider).and_then(|record| record.start_height);
            let start_height = match rules.liveness() {
                // Each time anew, and what it missed before stays.
                Liveness::Window(_) => Some(height),
                // Once, and after a jail again.
                Liveness::Silence { .. } => known.is_none().then(|| height.saturating_add(1)),
                Liveness::None => None,
            };
            changes.push(Change::Entered { provider: *provider, start_height });
        }
        let left = self.active.iter().filter(|provider| !set.contains(provider));
        changes.extend(left.map(|provider| Change::Left { provider: *provider }));
        (set, changes)
    }

    /// Takes a vote whose signature verifies, and says when it came. `for_the_chain` is whether it is for the
    /// chain's own block; one for a fork is evidence, and no sign of life.
    ///
    /// # Errors
    /// [`VoteRefusal`] names the rule that is broken.
    pub fn take_vote(
        &self,
        rules: &dyn FinalityRules,
        facts: &VoteFacts,
        for_the_chain: bool,
    ) -> Result<(VoteTiming, Vec<Change>), VoteRefusal> {
        rules.check_vote(facts)?;
        let VoteFacts { provider, height, tip_height, .. } = *facts;
        let mut changes = Vec::new();
        if let Some(bucket) =
            rules.rate_limit().and_then(|limit| limit.count(facts.bucket, facts.babylon_height))
        {
            changes.push(Change::Counted { provider, bucket });
        }
        if for_the_chain && matches!(rules.liveness(), Liveness::Silence { .. }) {
            changes.push(Change::Voted { provider, height });
        }
        let timing = match rules.liveness() {
            _ if facts.is_final => VoteTiming::AfterFinality,
            Liveness::Window(window) if tip_height > height.saturating_add(window.timeout_blocks) => {
                VoteTiming::MissedLiveness
            }
            _ => VoteTiming::InTime,
        };
        Ok((timing, changes))
    }

    /// Ends a block: returns what became final, and who is jailed, in the implementations' order.
    pub fn end_block(&self, rules: &dyn FinalityRules, votes: &dyn Votes, block: Moment) -> Vec<Change> {
        let mut changes = self.tally(rules, votes, block.height);
        match rules.liveness() {
            Liveness::Window(window) => {
                let looked_at = block.height.to_u64().checked_sub(window.timeout_blocks);
                let looked_at = looked_at.filter(|height| *height > 0).map(ConsumerHeight);
                let Some((height, set)) = looked_at.and_then(|at| Some((at, votes.active_set(at)?))) else {
                    return changes;
                };
                let voters = votes.voters(height);
                for (provider, record) in self.free(set) {
                    let voted = voters.contains(provider);
                    let Some(look) = window.look(record, height, voted) else { continue };
                    if look.changes {
                        changes.push(Change::Missed {
                            provider: *provider,
                            index: look.index,
                            missed: !voted,
                        });
                    }
                    if look.jails {
                        let until = block.time.after(window.jail_seconds);
                        changes.push(Change::Jailed { provider: *provider, until });
                    }
                }
            }
            Liveness::Silence { window_blocks, jail_seconds } => {
                let Some(set) = votes.active_set(block.height) else { return changes };
                let until = block.time.after(jail_seconds);
                let silent = self
                    .free(set)
                    .filter(|(_, record)| record.is_silent(block.height, window_blocks))
                    .map(|(provider, _)| Change::Jailed { provider: *provider, until });
                changes.extend(silent);
            }
            Liveness::None => {}
        }
        changes
    }

    /// Returns the providers of a set that are neither slashed nor jailed, with their records.
    fn free<'a>(
        &'a self,
        set: &'a ActiveSet,
    ) -> impl Iterator<Item = (&'a XOnlyPublicKey, &'a SigningRecord)> + 'a {
        set.iter()
            .filter(|(provider, _)| !self.is_slashed(provider))
            .filter_map(|(provider, _)| Some((provider, self.signing.get(provider)?)))
            .filter(|(_, record)| record.jailed_until.is_none())
    }

    /// Counts the heights that are due, up to the chain's last one.
    pub fn tally(&self, rules: &dyn FinalityRules, votes: &dyn Votes, tip: ConsumerHeight) -> Vec<Change> {
        let Some(quorum) = rules.quorum() else { return Vec::new() };
        let activation = rules.activation_height();
        match rules.order() {
            FinalityOrder::Sequential { heights_per_block } => {
                let first = self.next_height(activation);
                let end = first.saturating_add(heights_per_block).min(tip.saturating_add(1));
                sequential(quorum, votes, first, end)
            }
            FinalityOrder::Alone => {
                let first = lowest(activation, tip);
                let heights = (first.to_u64()..=tip.to_u64()).map(ConsumerHeight);
                heights.flat_map(|height| self.count(rules, votes, height)).collect()
            }
            FinalityOrder::WithAncestors => {
                let first = lowest(activation.max(self.next_height(activation)), tip);
                let heights = (first.to_u64()..=tip.to_u64()).rev().map(ConsumerHeight);
                let last =
                    heights.map(|height| self.count(rules, votes, height)).find(|made| !made.is_empty());
                last.unwrap_or_default()
            }
            FinalityOrder::Unchecked => Vec::new(),
        }
    }

    /// Counts one height by itself, where heights do not wait for each other: returns that it became final,
    /// and with
    /// [`FinalityOrder::WithAncestors`] all before it.
    pub fn count(&self, rules: &dyn FinalityRules, votes: &dyn Votes, height: ConsumerHeight) -> Vec<Change> {
        let first = match rules.order() {
            FinalityOrder::Alone => height,
            FinalityOrder::WithAncestors => rules.activation_height(),
            FinalityOrder::Sequential { .. } | FinalityOrder::Unchecked => return Vec::new(),
        };
        let is_new = rules.is_voted_on(height) && !self.final_heights.contains(height);
        let reached = rules.quorum().is_some_and(|quorum| {
            votes.active_set(height).is_some_and(|set| is_reached(quorum, votes, height, set))
        });
        if is_new && reached { vec![Change::Final { first, last: height }] } else { Vec::new() }
    }

    /// Returns the first height that is neither final nor passed over.
    pub(super) fn next_height(&self, activation: ConsumerHeight) -> ConsumerHeight {
        let after = |last: Option<ConsumerHeight>| last.map(|last| last.saturating_add(1));
        let next = after(self.final_heights.last()).max(after(self.passed_over.last()));
        next.map_or(activation, |next| next.max(activation))
    }

    /// Returns the answer for a height.
    pub fn finality(&self, rules: &dyn FinalityRules, height: ConsumerHeight) -> Finality {
        if rules.order() == FinalityOrder::Unchecked {
            Finality::NotEnabled
        } else if rules.quorum().is_none() {
            Finality::NotCounted
        } else if height < rules.activation_height() {
            Finality::BeforeActivation
        } else if self.final_heights.contains(height) {
            Finality::Final
        } else if self.passed_over.contains(height) {
            Finality::NeverFinal
        } else {
            Finality::NotYet
        }
    }

    /// Returns the last height of the run of final ones that begins at `first`, up to `last`; `None` when
    /// `first` is not final.
    pub fn last_final_in(
        &self,
        rules: &dyn FinalityRules,
        first: ConsumerHeight,
        last: ConsumerHeight,
    ) -> Option<ConsumerHeight> {
        if last < first {
            return None;
        }
        match self.finality(rules, first) {
            Finality::NotEnabled => Some(last),
            Finality::Final => self.final_heights.end_of(first).map(|end| end.min(last)),
            _ => None,
        }
    }

    /// Unjails a provider.
    ///
    /// # Errors
    /// [`UnjailRefusal`] names the rule.
    pub fn unjail(
        &self,
        rules: &dyn FinalityRules,
        provider: &XOnlyPublicKey,
        now: UnixTime,
        by: Unjailer,
    ) -> Result<Change, UnjailRefusal> {
        let liveness = rules.liveness();
        let record = self.signing.get(provider).ok_or(UnjailRefusal::NotJailed)?;
        liveness.check_unjail(record, now, by)?;
        Ok(Change::Unjailed { provider: *provider, forgets: matches!(liveness, Liveness::Silence { .. }) })
    }

    /// Takes back what is above a height, as the small chain was reorganized, and returns the heights among
    /// it that were final: with any, more than a third of the power has voted twice, or the chain left a
    /// final block without votes.
    pub fn disconnect(&self, to: ConsumerHeight) -> (Change, Vec<(ConsumerHeight, ConsumerHeight)>) {
        let lost = self.final_heights.clone().remove_above(to);
        (Change::Disconnected { to }, lost)
    }
}

/// Returns the first height of a step that has at most so many.
fn lowest(first: ConsumerHeight, tip: ConsumerHeight) -> ConsumerHeight {
    first.max(ConsumerHeight(tip.to_u64().saturating_sub(HEIGHTS_PER_STEP.saturating_sub(1))))
}

fn is_reached(quorum: Quorum, votes: &dyn Votes, height: ConsumerHeight, set: &ActiveSet) -> bool {
    quorum.is_reached(set.voted_sat(&votes.voters(height)), set.total_sat())
}

/// Counts heights in order, from `first` to before `end`, up to one that is not final.
fn sequential(quorum: Quorum, votes: &dyn Votes, first: ConsumerHeight, end: ConsumerHeight) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for height in (first.to_u64()..end.to_u64()).map(ConsumerHeight) {
        let set = votes.active_set(height).filter(|set| !set.is_empty());
        let is_final = match set {
            None => false,
            Some(set) if is_reached(quorum, votes, height, set) => true,
            Some(_) => break,
        };
        // One change for a run.
        match (changes.last_mut(), is_final) {
            (Some(Change::Final { last, .. }), true) | (Some(Change::PassedOver { last, .. }), false) => {
                *last = height;
            }
            (_, true) => changes.push(Change::Final { first: height, last: height }),
            (_, false) => changes.push(Change::PassedOver { first: height, last: height }),
        }
    }
    changes
}
