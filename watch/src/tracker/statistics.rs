//! How much is staked, at any height.

use bitcoin::XOnlyPublicKey;
use staking_scripts::StakeStatus;

use super::Tracker;

/// What is staked at a height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// The height of the tip that it is of.
    pub height: u32,
    /// How many stakes are active.
    pub active_stakes: u64,
    /// The satoshis of the active stakes.
    pub active_sat: u64,
    /// The active stakes of each provider, in the order of the keys. A stake to several providers counts for
    /// each.
    pub providers: Vec<ProviderStatistics>,
}

/// What is staked to a provider at a height.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStatistics {
    /// The provider.
    pub provider: XOnlyPublicKey,
    /// How many stakes are active.
    pub active_stakes: u64,
    /// Their satoshis.
    pub active_sat: u64,
}

impl Tracker {
    /// Returns what was staked when the chain's tip had this height, by the blocks that are in the chain now;
    /// of a height above the last block, what would be staked then if nothing else happened.
    pub fn statistics(&self, height: u32, depth: u32) -> Statistics {
        let mut by_provider = vec![(0_u64, 0_u64); self.providers.len()];
        let (mut active_stakes, mut active_sat) = (0_u64, 0_u64);
        for stake in &self.stakes {
            if stake.state(height, depth).status != StakeStatus::Active {
                continue;
            }
            active_stakes = active_stakes.saturating_add(1);
            active_sat = active_sat.saturating_add(stake.amount_sat);
            for provider in &stake.providers {
                let place = usize::try_from(provider.0).ok().and_then(|number| by_provider.get_mut(number));
                if let Some((stakes, satoshis)) = place {
                    *stakes = stakes.saturating_add(1);
                    *satoshis = satoshis.saturating_add(stake.amount_sat);
                }
            }
        }
        let mut providers: Vec<_> = self
            .providers
            .iter()
            .zip(by_provider)
            .map(|(provider, (active_stakes, active_sat))| ProviderStatistics {
                provider: *provider,
                active_stakes,
                active_sat,
            })
            .collect();
        providers.sort_by_key(|found| found.provider);
        Statistics { height, active_stakes, active_sat, providers }
    }
}
