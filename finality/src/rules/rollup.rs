//! The contract for rollups (rollup-bsn-contracts at e8eb40a, `contracts/finality/src`).

use core::num::{NonZeroU32, NonZeroU64};
use std::collections::BTreeSet;

use secp256k1::XOnlyPublicKey;

use super::FinalityRules;
use super::active::{ActiveSet, Candidate};
use super::answer::FinalityOrder;
use super::evidence::Canonical;
use super::liveness::Liveness;
use super::quorum::Quorum;
use super::voter::{CommitmentFacts, CommitmentRefusal, VoteFacts, VoteRefusal};
use crate::height::ConsumerHeight;
use crate::power::{RecordedCommitment, TimestampMark};

/// The rules of the rollup contract, by what it was made with. It lives on Babylon Genesis, takes the votes
/// and sends the evidence, and counts nothing: what is final is up to those who read it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RollupRules {
    /// The least heights of a commitment.
    pub min_pub_rand: NonZeroU64,
    /// How many messages a provider may send.
    pub rate_limit: RateLimit,
    /// The first height that is voted on. It never changes.
    pub activation_height: ConsumerHeight,
    /// The distance of the heights that are voted on. It never changes.
    pub interval: NonZeroU64,
    /// Who may vote; everyone when absent.
    pub allowed: Option<BTreeSet<XOnlyPublicKey>>,
    /// How whoever reads the contract counts; nobody does when absent, and no height is called final.
    pub reader_quorum: Option<Quorum>,
}

/// How many messages a provider may send in an interval of Babylon Genesis' blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RateLimit {
    /// The length of an interval, in blocks of Babylon Genesis.
    pub interval_blocks: NonZeroU64,
    /// The most messages in one.
    pub max_messages: NonZeroU32,
}

/// How many of a provider's messages were let through in the interval it last sent one in. A refused message
/// does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RateBucket {
    /// The interval: the height of Babylon Genesis, divided by the interval's length.
    pub interval: u64,
    /// The messages.
    pub count: u32,
}

impl RateLimit {
    /// Returns the interval that a height of Babylon Genesis is in.
    pub fn interval(&self, babylon_height: u64) -> u64 {
        babylon_height.checked_div(self.interval_blocks.get()).unwrap_or_default()
    }

    /// Returns the bucket with one more message; `None` when it would be too many.
    pub fn count(&self, bucket: Option<RateBucket>, babylon_height: u64) -> Option<RateBucket> {
        let interval = self.interval(babylon_height);
        let before = bucket.filter(|bucket| bucket.interval == interval).map_or(0, |bucket| bucket.count);
        let count = before.checked_add(1).filter(|count| *count <= self.max_messages.get())?;
        Some(RateBucket { interval, count })
    }
}

impl RollupRules {
    fn is_allowed(&self, provider: &XOnlyPublicKey) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.contains(provider))
    }
}

impl FinalityRules for RollupRules {
    fn name(&self) -> &'static str {
        "rollup_contract"
    }

    fn activation_height(&self) -> ConsumerHeight {
        self.activation_height
    }

    fn quorum(&self) -> Option<Quorum> {
        self.reader_quorum
    }

    /// Of the heights between two that are voted on, the later one decides.
    fn order(&self) -> FinalityOrder {
        FinalityOrder::WithAncestors
    }

    fn is_voted_on(&self, height: ConsumerHeight) -> bool {
        let distance = height.blocks_after(self.activation_height);
        distance.and_then(|distance| distance.checked_rem(self.interval.get())) == Some(0)
    }

    fn canonical(&self) -> Canonical {
        Canonical::FirstSeen
    }

    fn liveness(&self) -> Liveness {
        Liveness::None
    }

    fn rate_limit(&self) -> Option<RateLimit> {
        Some(self.rate_limit)
    }

    /// Whoever could vote: nothing is cut, and nobody is jailed.
    fn select(&self, candidates: &[Candidate]) -> ActiveSet {
        let may_vote = |candidate: &&Candidate| {
            candidate.power_sat > 0
                && !candidate.slashed
                && candidate.timestamped
                && self.is_allowed(&candidate.public_key)
        };
        ActiveSet::of(candidates.iter().filter(may_vote))
    }

    /// Nothing may be used before the first epoch is finalized.
    fn is_usable(&self, recorded: &RecordedCommitment, finalized: TimestampMark) -> bool {
        finalized > TimestampMark(0) && recorded.is_timestamped(finalized)
    }

    /// The contract knows neither the rollup's blocks nor anybody's power.
    fn check_vote(&self, facts: &VoteFacts) -> Result<(), VoteRefusal> {
        facts.check_activation(self.activation_height)?;
        if !self.is_voted_on(facts.height) {
            let Self { activation_height, interval, .. } = *self;
            return Err(VoteRefusal::BetweenIntervals { height: facts.height, activation_height, interval });
        }
        if !self.is_allowed(&facts.provider) {
            return Err(VoteRefusal::NotAllowed(facts.provider));
        }
        if !facts.registered {
            return Err(VoteRefusal::NotRegistered(facts.provider));
        }
        facts.check_slashed()?;
        if self.rate_limit.count(facts.bucket, facts.babylon_height).is_none() {
            let (interval, length) =
                (self.rate_limit.interval(facts.babylon_height), self.rate_limit.interval_blocks.get());
            return Err(VoteRefusal::RateLimited {
                provider: facts.provider,
                limit: self.rate_limit.max_messages.get(),
                since: interval.saturating_mul(length),
                until: interval.saturating_add(1).saturating_mul(length),
            });
        }
        facts.check_commitment()
    }

    /// A commitment may start before the activation, and as far ahead as one likes.
    fn check_commitment(&self, facts: &CommitmentFacts) -> Result<(), CommitmentRefusal> {
        facts.check_common(self.min_pub_rand.get())
    }
}
