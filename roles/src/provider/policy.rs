//! What a finality provider's daemon keeps to.

use std::time::Duration;

/// How far above the last block a commitment may begin: the chain's own bound.
const MOST_AHEAD: u64 = 160_000;
/// The most heights of a commitment.
const MOST_HEIGHTS: u32 = 10_000_000;

/// What a finality provider's daemon keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProviderPolicy {
    /// How many heights one commitment has.
    pub heights: u32,
    /// How many blocks it takes until a commitment counts: its epoch must be final in Bitcoin. On mainnet
    /// that is 300 Bitcoin blocks or about 18 000 of the chain's, more where blocks come slowly.
    pub timestamping_delay: u64,
    /// The most votes of one transaction, while catching up.
    pub most_votes: usize,
    /// Whether a jailed provider is unjailed as soon as the chain lets it.
    pub unjail: bool,
    /// Below how many heights of timestamped randomness ahead an alert is raised.
    pub least_coverage: u64,
    /// Below which balance of the paying account an alert is raised.
    pub least_balance: u128,
    /// After how long without a block the chain is said to be halted.
    pub halted_after: Duration,
    /// How often what changes slowly is asked for: commitments, balance, jail.
    pub look_every: Duration,
    /// How long the alert of missed votes stays after the last one.
    pub missed_for: Duration,
}

impl Default for ProviderPolicy {
    fn default() -> Self {
        Self {
            heights: 50_000,
            timestamping_delay: 24_000,
            most_votes: 100,
            unjail: false,
            least_coverage: 2_000,
            least_balance: 1_000_000,
            halted_after: Duration::from_secs(120),
            look_every: Duration::from_secs(10),
            missed_for: Duration::from_secs(600),
        }
    }
}

/// A policy that cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPolicy {
    /// A commitment has no heights.
    #[error("a commitment has 0 heights; must have at least 1")]
    NoHeights,
    /// A commitment has more heights than can be derived.
    #[error("a commitment has {found} heights; must have at most {MOST_HEIGHTS}")]
    TooManyHeights {
        /// How many.
        found: u32,
    },
    /// A commitment would begin where the chain does not take it.
    #[error(
        "the timestamping delay is {found} blocks; must be below {MOST_AHEAD}, above which the chain takes no commitment"
    )]
    Delay {
        /// The delay.
        found: u64,
    },
    /// No vote may be sent.
    #[error("at most 0 votes are in a transaction; must be at least 1")]
    NoVotes,
}

impl ProviderPolicy {
    /// Checks that the policy can be kept.
    ///
    /// # Errors
    /// [`InvalidPolicy`].
    pub const fn check(&self) -> Result<(), InvalidPolicy> {
        if self.heights == 0 {
            return Err(InvalidPolicy::NoHeights);
        }
        if self.heights > MOST_HEIGHTS {
            return Err(InvalidPolicy::TooManyHeights { found: self.heights });
        }
        if self.timestamping_delay >= MOST_AHEAD {
            return Err(InvalidPolicy::Delay { found: self.timestamping_delay });
        }
        if self.most_votes == 0 {
            return Err(InvalidPolicy::NoVotes);
        }
        Ok(())
    }
}
