//! The gadget that op-nodes ask (finality-gadget at 6b67aa5, `finalitygadget/finalitygadget.go`).

use super::FinalityRules;
use super::active::{ActiveSet, Candidate};
use super::answer::FinalityOrder;
use super::evidence::Canonical;
use super::liveness::Liveness;
use super::quorum::Quorum;
use super::voter::{CommitmentFacts, CommitmentRefusal, VoteFacts, VoteRefusal};
use crate::height::ConsumerHeight;
use crate::power::{RecordedCommitment, TimestampMark};

/// The rules of the gadget: it reads votes that a contract took, and counts each block by itself. Power is
/// that of the height of Bitcoin at the block's time, by
/// [`ActiveWhen::Gadget`](crate::power::ActiveWhen::Gadget).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GadgetRules {
    /// Whether the contract is enabled. While it is not, the gadget calls every block final, so that its node
    /// goes on.
    pub enabled: bool,
    /// The first height whose time is that of an active stake, or later.
    pub activation_height: ConsumerHeight,
}

impl FinalityRules for GadgetRules {
    fn name(&self) -> &'static str {
        "gadget"
    }

    fn activation_height(&self) -> ConsumerHeight {
        self.activation_height
    }

    fn quorum(&self) -> Option<Quorum> {
        Some(Quorum::TwoThirds)
    }

    fn order(&self) -> FinalityOrder {
        if self.enabled { FinalityOrder::Alone } else { FinalityOrder::Unchecked }
    }

    fn canonical(&self) -> Canonical {
        Canonical::NoEvidence
    }

    fn liveness(&self) -> Liveness {
        Liveness::None
    }

    /// Everyone that has power: neither randomness nor an allow-list is looked at. The implementation adds up
    /// stakes, of slashed providers too; here these have no power.
    fn select(&self, candidates: &[Candidate]) -> ActiveSet {
        ActiveSet::of(candidates.iter().filter(|candidate| candidate.power_sat > 0 && !candidate.slashed))
    }

    fn is_usable(&self, _recorded: &RecordedCommitment, _finalized: TimestampMark) -> bool {
        true
    }

    /// The contract has checked the vote; one without power does not count.
    fn check_vote(&self, facts: &VoteFacts) -> Result<(), VoteRefusal> {
        facts.check_activation(self.activation_height)?;
        facts.check_power()
    }

    fn check_commitment(&self, facts: &CommitmentFacts) -> Result<(), CommitmentRefusal> {
        facts.check_common(1)
    }
}
