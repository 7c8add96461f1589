//! The end of a halt: governance jails those that do not vote, and takes their power at the heights that wait
//! (babylon v4.3.1, `MsgResumeFinalityProposal`).

use std::collections::BTreeSet;

use secp256k1::XOnlyPublicKey;

use super::FinalityRules;
use super::answer::{FinalityOrder, Votes};
use super::state::{ChainState, Change, Moment};
use crate::height::ConsumerHeight;
use crate::power::ProviderPower;

/// A proposal to end a halt, which governance has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ResumeProposal {
    /// Who did not vote.
    #[cfg_attr(feature = "serde", serde(rename = "fp_pks_hex"))]
    pub providers: BTreeSet<XOnlyPublicKey>,
    /// The first height that does not become final.
    pub halting_height: ConsumerHeight,
}

/// A halt: the first height that does not become final, and whose votes it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Halt {
    /// The height, which holds up all after it.
    pub height: ConsumerHeight,
    /// How many blocks came after it.
    pub blocks_since: u64,
    /// Who did not vote there, with power, the most powerful first.
    pub silent: Vec<ProviderPower>,
    /// The power that voted.
    pub voted_sat: u128,
    /// The power that it takes.
    pub needed_sat: u128,
}

/// A reason why a proposal is refused. Nothing is changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeRefusal {
    /// The chain has no such proposal.
    #[error("the chain has no proposal that ends a halt")]
    NotSupported,
    /// The height is not voted on.
    #[error(
        "the halting height is {halting_height}; must be {activation_height} or above, the activation height"
    )]
    HaltBeforeActivation {
        /// The height of the proposal.
        halting_height: ConsumerHeight,
        /// The first height that is voted on.
        activation_height: ConsumerHeight,
    },
    /// The height is yet to come.
    #[error("the halting height is {halting_height}; must be at most {tip_height}, the chain's last")]
    HaltInFuture {
        /// The height of the proposal.
        halting_height: ConsumerHeight,
        /// The chain's last height.
        tip_height: ConsumerHeight,
    },
    /// A provider voted.
    #[error(
        "the finality provider {provider} voted at the halting height {halting_height}; must have missed it"
    )]
    HasVoted {
        /// Who.
        provider: XOnlyPublicKey,
        /// The height of the proposal.
        halting_height: ConsumerHeight,
    },
    /// A provider was never in the active set.
    #[error("the finality provider {0} was never in the active set")]
    NeverActive(XOnlyPublicKey),
}

impl ChainState {
    /// Returns the halt that a chain is in: where heights wait for each other, the first of those up to `tip`
    /// that is neither final nor passed over, though votes for it are due. Call it after
    /// [`tally`](Self::tally); whether it is a halt or only the newest blocks, whose votes are on their way,
    /// is a question of `blocks_since`.
    pub fn halt(&self, rules: &dyn FinalityRules, votes: &dyn Votes, tip: ConsumerHeight) -> Option<Halt> {
        let FinalityOrder::Sequential { .. } = rules.order() else { return None };
        let height = self.next_height(rules.activation_height());
        let blocks_since = tip.blocks_after(height)?;
        let set = votes.active_set(height)?;
        let voters = votes.voters(height);
        let mut silent: Vec<ProviderPower> = set
            .iter()
            .filter(|(provider, power)| *power > 0 && !voters.contains(provider))
            .map(|(public_key, power_sat)| ProviderPower { public_key: *public_key, power_sat })
            .collect();
        silent.sort_by_key(|provider| core::cmp::Reverse(provider.power_sat));
        let needed_sat = rules.quorum()?.least_sat(set.total_sat());
        Some(Halt { height, blocks_since, silent, voted_sat: set.voted_sat(&voters), needed_sat })
    }

    /// Carries out a proposal: each provider is jailed, unless it is already or is slashed, and has no power
    /// from the halting height to the last one, its vote or not. Then [`tally`](Self::tally) goes on.
    ///
    /// The others' power stays as it was at each height; nobody comes into the sets for those that lost
    /// theirs.
    ///
    /// # Errors
    /// [`ResumeRefusal`] names the rule.
    pub fn resume(
        &self,
        rules: &dyn FinalityRules,
        votes: &dyn Votes,
        proposal: &ResumeProposal,
        block: Moment,
    ) -> Result<Vec<Change>, ResumeRefusal> {
        let (halting_height, activation_height) = (proposal.halting_height, rules.activation_height());
        if !rules.can_resume() {
            return Err(ResumeRefusal::NotSupported);
        }
        if halting_height < activation_height {
            return Err(ResumeRefusal::HaltBeforeActivation { halting_height, activation_height });
        }
        if halting_height > block.height {
            return Err(ResumeRefusal::HaltInFuture { halting_height, tip_height: block.height });
        }
        let voters = votes.voters(halting_height);
        let until = block.time.after(rules.liveness().jail_seconds());
        let mut changes = Vec::new();
        for provider in &proposal.providers {
            if voters.contains(provider) {
                return Err(ResumeRefusal::HasVoted { provider: *provider, halting_height });
            }
            if self.is_slashed(provider) || self.is_jailed(provider) {
                continue;
            }
            if !self.signing.contains_key(provider) {
                return Err(ResumeRefusal::NeverActive(*provider));
            }
            changes.push(Change::Jailed { provider: *provider, until });
        }
        changes.push(Change::PowerTaken {
            providers: proposal.providers.clone(),
            first: halting_height,
            last: block.height,
        });
        let gone = proposal.providers.iter().filter(|provider| self.active.contains(provider));
        changes.extend(gone.map(|provider| Change::Left { provider: *provider }));
        Ok(changes)
    }
}
