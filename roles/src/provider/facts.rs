//! What is known of a provider, for metrics.

use finality::ConsumerHeight;

/// What is known of a provider now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderFacts {
    /// The height of the chain's last block.
    pub tip: Option<ConsumerHeight>,
    /// The last block that is final.
    pub last_final: Option<ConsumerHeight>,
    /// The highest block that this daemon has had a vote executed for.
    pub last_voted: Option<ConsumerHeight>,
    /// How many votes were executed since the start.
    pub votes: u64,
    /// How many heights are left out for good since the start.
    pub left_out: u64,
    /// How many commitments were executed since the start.
    pub commitments: u64,
    /// How many heights after the last block are committed to.
    pub committed_ahead: u64,
    /// How many of them have a timestamp, so that they count.
    pub timestamped_ahead: u64,
    /// How many votes the chain counts as missed.
    pub missed: u64,
    /// Whether the provider is jailed.
    pub is_jailed: bool,
    /// Whether it was slashed.
    pub is_slashed: bool,
    /// The power of the last height that was asked for, in satoshis.
    pub power: u64,
    /// What the account has.
    pub balance: u128,
}
