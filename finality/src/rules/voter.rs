//! Who may vote, and commit, at which height: what is known, and the reasons to refuse.

use core::num::NonZeroU64;

use secp256k1::XOnlyPublicKey;

use super::rollup::RateBucket;
use crate::commitment::{InvalidCommitment, RandomnessCommitment};
use crate::height::ConsumerHeight;
use crate::power::{RecordError, RecordedCommitment};

/// What is known when a vote comes in. A rule set looks at what its implementation looks at, and at no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteFacts {
    /// Who votes.
    pub provider: XOnlyPublicKey,
    /// The height voted at.
    pub height: ConsumerHeight,
    /// The height of the block that takes the vote: the chain's last.
    pub tip_height: ConsumerHeight,
    /// The provider's power in the active set of the height voted at.
    pub power_sat: u64,
    /// Whether it is registered for this chain.
    pub registered: bool,
    /// Whether it is slashed by now.
    pub slashed: bool,
    /// Whether it is jailed by now.
    pub jailed: bool,
    /// Whether it deleted itself.
    pub deleted: bool,
    /// Whether the height is final.
    pub is_final: bool,
    /// Whether the height's epoch is timestamped on Bitcoin.
    pub is_timestamped: bool,
    /// The usable commitment that covers the height.
    pub commitment: Option<RecordedCommitment>,
    /// The height of Babylon Genesis, by which the rollup contract limits rates.
    pub babylon_height: u64,
    /// How many messages it was let through, and when.
    pub bucket: Option<RateBucket>,
}

/// A reason why a vote is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoteRefusal {
    /// The height is not voted on yet.
    #[error("the vote is at height {height}; must be at {activation_height} or above, the activation height")]
    BeforeActivation {
        /// The vote's height.
        height: ConsumerHeight,
        /// The first height that is voted on.
        activation_height: ConsumerHeight,
    },
    /// The height is between those that are voted on.
    #[error(
        "the vote is at height {height}; must be a multiple of {interval} blocks after {activation_height}"
    )]
    BetweenIntervals {
        /// The vote's height.
        height: ConsumerHeight,
        /// The first height that is voted on.
        activation_height: ConsumerHeight,
        /// The distance of the heights that are.
        interval: NonZeroU64,
    },
    /// The chain has no such block yet.
    #[error("the vote is at height {height}; must be at {tip_height} or below, the chain's last block")]
    AheadOfChain {
        /// The vote's height.
        height: ConsumerHeight,
        /// The chain's last height.
        tip_height: ConsumerHeight,
    },
    /// The height is final, and its epoch is timestamped on Bitcoin.
    #[error("height {0} is final and timestamped on Bitcoin; votes are taken until then")]
    Settled(ConsumerHeight),
    /// The provider is not registered for this chain.
    #[error("the finality provider {0} is not registered for this chain")]
    NotRegistered(XOnlyPublicKey),
    /// The provider is not on the allow-list.
    #[error("the finality provider {0} is not on the allow-list")]
    NotAllowed(XOnlyPublicKey),
    /// The provider was slashed.
    #[error("the finality provider {0} is slashed; it votes no more")]
    Slashed(XOnlyPublicKey),
    /// The provider is jailed.
    #[error("the finality provider {0} is jailed; it must be unjailed first")]
    Jailed(XOnlyPublicKey),
    /// The provider deleted itself.
    #[error("the finality provider {0} is deleted; it votes no more")]
    Deleted(XOnlyPublicKey),
    /// The provider has no power at the height.
    #[error("the finality provider {provider} has voting power 0 at height {height}; must have some")]
    NoPower {
        /// Who votes.
        provider: XOnlyPublicKey,
        /// The vote's height.
        height: ConsumerHeight,
    },
    /// No commitment covers the height, or the one that does is not timestamped.
    #[error("the finality provider {provider} has no timestamped commitment for height {height}")]
    NotCommitted {
        /// Who votes.
        provider: XOnlyPublicKey,
        /// The vote's height.
        height: ConsumerHeight,
    },
    /// The provider sent too many messages.
    #[error(
        "the finality provider {provider} sent {limit} messages since Babylon height {since}; must wait for {until}"
    )]
    RateLimited {
        /// Who votes.
        provider: XOnlyPublicKey,
        /// The most messages.
        limit: u32,
        /// The first height of Babylon Genesis they are counted from.
        since: u64,
        /// The first height at which the count begins anew.
        until: u64,
    },
}

/// What is known when a commitment comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitmentFacts {
    /// The commitment.
    pub commitment: RandomnessCommitment,
    /// The height of the block that takes it.
    pub tip_height: ConsumerHeight,
    /// The last height that the provider has committed to.
    pub last_height: Option<ConsumerHeight>,
}

/// A reason why a commitment is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitmentRefusal {
    /// It covers no height, or goes past the last one there is.
    #[error(transparent)]
    Invalid(#[from] InvalidCommitment),
    /// It covers too few heights.
    #[error("the commitment covers {count} heights; must cover at least {least}")]
    TooFew {
        /// How many it covers.
        count: u64,
        /// How many it must.
        least: u64,
    },
    /// It starts too far ahead.
    #[error("the commitment starts at height {start_height}; must start below {limit_height}")]
    TooFar {
        /// Its first height.
        start_height: ConsumerHeight,
        /// The first height that is too far.
        limit_height: ConsumerHeight,
    },
    /// It starts before the chain is voted on.
    #[error(
        "the commitment starts at height {start_height}; must start at {activation_height} or above, the activation height"
    )]
    StartsBeforeActivation {
        /// Its first height.
        start_height: ConsumerHeight,
        /// The first height that is voted on.
        activation_height: ConsumerHeight,
    },
    /// It overlaps what the provider has committed.
    #[error(transparent)]
    Overlaps(#[from] RecordError),
}

/// When a vote came, for what that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum VoteTiming {
    /// In time for everything.
    InTime,
    /// After the block in which its height was looked at for liveness: it counts as missed there.
    MissedLiveness,
    /// After its height became final, which it no longer changes.
    AfterFinality,
}

impl CommitmentFacts {
    /// Checks what all chains check: the commitment itself, its least count, and that it begins after the
    /// others.
    pub(super) fn check_common(&self, least: u64) -> Result<(), CommitmentRefusal> {
        self.commitment.check()?;
        let (start_height, count) = (self.commitment.start_height, self.commitment.count);
        if count < least {
            return Err(CommitmentRefusal::TooFew { count, least });
        }
        match self.last_height {
            Some(last_height) if start_height <= last_height => {
                Err(RecordError { start_height, last_height }.into())
            }
            _ => Ok(()),
        }
    }

    /// Checks that the commitment starts less than `offset` blocks ahead.
    pub(super) fn check_offset(&self, offset: u64) -> Result<(), CommitmentRefusal> {
        let start_height = self.commitment.start_height;
        let limit_height = self.tip_height.saturating_add(offset);
        if start_height < limit_height {
            Ok(())
        } else {
            Err(CommitmentRefusal::TooFar { start_height, limit_height })
        }
    }
}

impl VoteFacts {
    pub(super) fn check_activation(&self, activation_height: ConsumerHeight) -> Result<(), VoteRefusal> {
        let height = self.height;
        if height >= activation_height {
            Ok(())
        } else {
            Err(VoteRefusal::BeforeActivation { height, activation_height })
        }
    }

    pub(super) fn check_block(&self) -> Result<(), VoteRefusal> {
        let Self { height, tip_height, .. } = *self;
        if height <= tip_height { Ok(()) } else { Err(VoteRefusal::AheadOfChain { height, tip_height }) }
    }

    pub(super) const fn check_slashed(&self) -> Result<(), VoteRefusal> {
        if self.slashed { Err(VoteRefusal::Slashed(self.provider)) } else { Ok(()) }
    }

    pub(super) const fn check_power(&self) -> Result<(), VoteRefusal> {
        let Self { provider, height, .. } = *self;
        if self.power_sat > 0 { Ok(()) } else { Err(VoteRefusal::NoPower { provider, height }) }
    }

    pub(super) const fn check_commitment(&self) -> Result<(), VoteRefusal> {
        let Self { provider, height, .. } = *self;
        if self.commitment.is_some() { Ok(()) } else { Err(VoteRefusal::NotCommitted { provider, height }) }
    }
}
