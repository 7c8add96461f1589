//! The end of a halt: governance jails those that do not vote, and takes their power at the heights that wait
//! (babylon v4.3.1, `MsgResumeFinalityProposal`).

use std::collections::BTreeSet;

use secp256k1::XOnlyPublicKey;

use super::FinalityRules;
use super::answer::Votes;
use super::state::{ChainState, Change, Moment};
use crate::height::ConsumerHeight;

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
