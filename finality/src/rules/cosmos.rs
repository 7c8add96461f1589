//! The contracts for Cosmos chains (cosmos-bsn-contracts at 5b93a161, `contracts/btc-finality/src`).

use core::cmp::Reverse;

use super::FinalityRules;
use super::active::{ActiveSet, Candidate};
use super::answer::FinalityOrder;
use super::evidence::Canonical;
use super::liveness::Liveness;
use super::quorum::Quorum;
use super::voter::{CommitmentFacts, CommitmentRefusal, VoteFacts, VoteRefusal};
use crate::height::ConsumerHeight;
use crate::power::{RecordedCommitment, TimestampMark};

/// How many candidates the contract asks for at a time.
const PAGE: usize = 30;
/// The most heights looked at in one block.
const HEIGHTS_PER_BLOCK: u64 = 200;

/// The rules of the Cosmos contract, by its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct CosmosRules {
    /// No further page of candidates is asked for once there are so many: up to 29 more can be active.
    pub max_active: u32,
    /// The least heights of a commitment.
    pub min_pub_rand: u64,
    /// A provider is jailed when it has not voted for so many blocks.
    pub missed_window_blocks: u64,
    /// How long it is jailed at least.
    pub jail_seconds: u64,
    /// The first height that is voted on.
    pub activation_height: ConsumerHeight,
    /// A commitment must start less than so many blocks ahead.
    pub max_offset_blocks: u64,
}

/// The contract's defaults.
impl Default for CosmosRules {
    fn default() -> Self {
        Self {
            max_active: 100,
            min_pub_rand: 1,
            missed_window_blocks: 250,
            jail_seconds: 86_400,
            activation_height: ConsumerHeight(1),
            max_offset_blocks: 1_600_000,
        }
    }
}

impl FinalityRules for CosmosRules {
    fn name(&self) -> &'static str {
        "cosmos_contract"
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
        Liveness::Silence { window_blocks: self.missed_window_blocks, jail_seconds: self.jail_seconds }
    }

    /// Pages of 30 candidates by power and key, both descending, so that of equal ones the larger key comes
    /// first. Who cannot vote takes a place in its page, and a page is never cut.
    fn select(&self, candidates: &[Candidate]) -> ActiveSet {
        let most = usize::try_from(self.max_active).unwrap_or(usize::MAX);
        let mut ranked: Vec<_> = candidates.iter().collect();
        ranked.sort_by_key(|candidate| Reverse((candidate.power_sat, candidate.public_key.serialize())));
        let mut active: Vec<&Candidate> = Vec::new();
        for page in ranked.chunks(PAGE) {
            if active.len() >= most {
                break;
            }
            active.extend(page.iter().filter(|candidate| candidate.can_vote()));
        }
        ActiveSet::of(active)
    }

    /// Nothing may be used before the first timestamp.
    fn is_usable(&self, recorded: &RecordedCommitment, finalized: TimestampMark) -> bool {
        finalized > TimestampMark(0) && recorded.is_timestamped(finalized)
    }

    /// A jailed provider may still vote at heights where it has power.
    fn check_vote(&self, facts: &VoteFacts) -> Result<(), VoteRefusal> {
        facts.check_activation(self.activation_height)?;
        if !facts.registered {
            return Err(VoteRefusal::NotRegistered(facts.provider));
        }
        facts.check_slashed()?;
        facts.check_power()?;
        facts.check_block()?;
        facts.check_commitment()
    }

    fn check_commitment(&self, facts: &CommitmentFacts) -> Result<(), CommitmentRefusal> {
        facts.check_offset(self.max_offset_blocks)?;
        facts.check_common(self.min_pub_rand)
    }
}
