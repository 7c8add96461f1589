//! Babylon Genesis (babylon v4.3.1, `x/finality/keeper/{power_dist_change,tallying,liveness,msg_server}.go`,
//! `x/finality/types/power_table.go`).

use core::cmp::Reverse;

use super::FinalityRules;
use super::active::{ActiveSet, Candidate};
use super::answer::FinalityOrder;
use super::evidence::Canonical;
use super::liveness::{Liveness, SignedShare, SigningWindow};
use super::quorum::Quorum;
use super::voter::{CommitmentFacts, CommitmentRefusal, VoteFacts, VoteRefusal};
use crate::height::ConsumerHeight;
use crate::power::{RecordedCommitment, TimestampMark};

/// A commitment must start less than so many blocks ahead.
const MAX_OFFSET: u64 = 160_000;
/// The most heights looked at in one block.
const HEIGHTS_PER_BLOCK: u64 = 10_000;

/// The rules of Babylon Genesis, by its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GenesisRules {
    /// The most providers that vote.
    pub max_active: u32,
    /// The least heights of a commitment.
    pub min_pub_rand: u64,
    /// The window, the share and the time-out of liveness, and how long a jail lasts.
    pub signing: SigningWindow,
    /// The first height that is voted on.
    pub activation_height: ConsumerHeight,
}

impl GenesisRules {
    /// Returns the rules of mainnet (bbn-1), since its upgrade v1.
    pub const fn mainnet() -> Self {
        Self {
            max_active: 60,
            min_pub_rand: 8192,
            signing: SigningWindow {
                window_blocks: 10_000,
                min_signed: SignedShare::from_tenths(2),
                timeout_blocks: 3,
                jail_seconds: 600,
            },
            activation_height: ConsumerHeight(27_600),
        }
    }
}

impl FinalityRules for GenesisRules {
    fn name(&self) -> &'static str {
        "babylon_genesis"
    }

    fn activation_height(&self) -> ConsumerHeight {
        self.activation_height
    }

    fn quorum(&self) -> Option<Quorum> {
        Some(Quorum::MoreThanTwoThirds)
    }

    fn order(&self) -> FinalityOrder {
        FinalityOrder::Sequential { heights_per_block: HEIGHTS_PER_BLOCK }
    }

    fn canonical(&self) -> Canonical {
        Canonical::OfTheChain
    }

    fn liveness(&self) -> Liveness {
        Liveness::Window(self.signing)
    }

    fn can_resume(&self) -> bool {
        true
    }

    /// Those that can vote, by power descending, equal ones by key ascending, up to the most there may be.
    fn select(&self, candidates: &[Candidate]) -> ActiveSet {
        let mut ranked: Vec<_> = candidates.iter().filter(|candidate| candidate.can_vote()).collect();
        // The order of the bytes is that of the lower-case digits.
        ranked.sort_by_key(|candidate| (Reverse(candidate.power_sat), candidate.public_key.serialize()));
        ActiveSet::of(ranked.into_iter().take(usize::try_from(self.max_active).unwrap_or(usize::MAX)))
    }

    fn is_usable(&self, recorded: &RecordedCommitment, finalized: TimestampMark) -> bool {
        recorded.is_timestamped(finalized)
    }

    fn check_vote(&self, facts: &VoteFacts) -> Result<(), VoteRefusal> {
        facts.check_activation(self.activation_height)?;
        facts.check_block()?;
        if facts.is_final && facts.is_timestamped {
            return Err(VoteRefusal::Settled(facts.height));
        }
        if !facts.registered {
            return Err(VoteRefusal::NotRegistered(facts.provider));
        }
        facts.check_slashed()?;
        if facts.jailed {
            return Err(VoteRefusal::Jailed(facts.provider));
        }
        if facts.deleted {
            return Err(VoteRefusal::Deleted(facts.provider));
        }
        facts.check_power()?;
        facts.check_commitment()
    }

    fn check_commitment(&self, facts: &CommitmentFacts) -> Result<(), CommitmentRefusal> {
        let (start_height, activation_height) = (facts.commitment.start_height, self.activation_height);
        facts.check_offset(MAX_OFFSET)?;
        if start_height < activation_height {
            return Err(CommitmentRefusal::StartsBeforeActivation { start_height, activation_height });
        }
        facts.check_common(self.min_pub_rand)
    }
}
