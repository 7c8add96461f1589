//! The co-staking score of Babylon Genesis (babylon v4.3.1, `x/costaking`).

use core::num::NonZeroU64;

/// ubbn for one satoshi on mainnet: 20 000 BABY for 1 BTC.
const UBBN_PER_SAT: NonZeroU64 = match NonZeroU64::new(200) {
    Some(ratio) => ratio,
    None => NonZeroU64::MIN,
};

/// How many ubbn it takes for a satoshi to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct ScoreRatio(pub NonZeroU64);

impl ScoreRatio {
    /// Mainnet's, 200.
    pub const MAINNET: Self = Self(UBBN_PER_SAT);

    /// Returns the score: the satoshis that count, `min(active_sat, active_ubbn / ratio)`. BABY is divided
    /// first, and rounded down.
    pub fn score_sat(self, active_sat: u64, active_ubbn: u128) -> u64 {
        let covered = active_ubbn.checked_div(u128::from(self.0.get())).unwrap_or_default();
        u64::try_from(covered).unwrap_or(u64::MAX).min(active_sat)
    }

    /// Returns how many more ubbn make all satoshis count.
    pub fn missing_ubbn(self, active_sat: u64, active_ubbn: u128) -> u128 {
        u128::from(active_sat).saturating_mul(u128::from(self.0.get())).saturating_sub(active_ubbn)
    }
}
