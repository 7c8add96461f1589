//! Opt-in subsets: top N, set cap, power cap, allow and deny lists, least stake, priority
//! (interchain-security at 1c995af33, `x/ccv/provider/keeper/{power_shaping,validator_set_update}.go`).

use std::collections::BTreeSet;

use secp256k1::XOnlyPublicKey;

use super::table::ProviderPower;

/// The limits of an opt-in chain.
///
/// They apply in this order: the providers by power; the first `consensus_set` of them, unless inactive ones
/// may opt in; those that opted in or are in the top N, are allowed, not denied and have the least stake;
/// those with priority first; the set cap, unless there is a top N; the power cap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, try_from = "Limits", into = "Limits"))]
pub struct PowerShaping(Limits);

/// The numbers and lists of a [`PowerShaping`], before they are checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default))]
pub struct Limits {
    /// The providers that have together this share of the power, in percent, are in and cannot leave: 0 for
    /// none, or 50 to 100.
    pub top_n_percent: u8,
    /// The most providers, where there is no top N; 0 for no limit.
    pub set_cap: u32,
    /// The most power of one provider, in percent of the sum, 1 to 100; 0 for no limit.
    pub power_cap_percent: u8,
    /// Who alone may be in; everyone when empty.
    pub allow: BTreeSet<XOnlyPublicKey>,
    /// Who may not be in.
    pub deny: BTreeSet<XOnlyPublicKey>,
    /// The least satoshis of a provider.
    pub min_stake_sat: u64,
    /// Who comes first when the set cap cuts.
    pub priority: BTreeSet<XOnlyPublicKey>,
    /// How many providers are active on the providing chain; 0 for all. Others may opt in only where
    /// `inactive` says so.
    pub consensus_set: u32,
    /// Whether a provider that is not in the providing chain's active set may opt in.
    pub inactive: bool,
}

/// A reason why limits are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidShaping {
    /// The top N is out of bounds.
    #[error("the top N is {0} percent; must be 0 or 50 to 100")]
    TopN(u8),
    /// The power cap is out of bounds.
    #[error("the power cap is {0} percent; must be 0 (none) or 1 to 100")]
    PowerCap(u8),
}

/// The result of a shaping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shaped {
    /// Who is in, with the power it has there, the most powerful first.
    pub providers: Vec<ProviderPower>,
    /// The least power in the top N, where there is one: whoever has it cannot leave.
    pub top_n_min_sat: Option<u64>,
}

impl TryFrom<Limits> for PowerShaping {
    type Error = InvalidShaping;

    fn try_from(limits: Limits) -> Result<Self, InvalidShaping> {
        if !matches!(limits.top_n_percent, 0 | 50..=100) {
            return Err(InvalidShaping::TopN(limits.top_n_percent));
        }
        if limits.power_cap_percent > 100 {
            return Err(InvalidShaping::PowerCap(limits.power_cap_percent));
        }
        Ok(Self(limits))
    }
}

impl From<PowerShaping> for Limits {
    fn from(shaping: PowerShaping) -> Self {
        shaping.0
    }
}

impl PowerShaping {
    /// Returns the limits.
    pub const fn limits(&self) -> &Limits {
        &self.0
    }

    /// Returns who is in, of providers by power descending, and with which power.
    pub fn shape(&self, ranked: &[ProviderPower], opted_in: &BTreeSet<XOnlyPublicKey>) -> Shaped {
        let limits = &self.0;
        let active = match usize::try_from(limits.consensus_set) {
            Ok(cut) if cut > 0 => ranked.get(..cut).unwrap_or(ranked),
            _ => ranked,
        };
        // The top N is one of the active, whoever else may opt in.
        let top_n_min_sat = self.top_n_min_sat(active);
        let candidates = if limits.inactive { ranked } else { active };
        let mut providers: Vec<_> = candidates
            .iter()
            .copied()
            .filter(|provider| {
                let key = &provider.public_key;
                let in_top = top_n_min_sat.is_some_and(|least| provider.power_sat >= least);
                (opted_in.contains(key) || in_top)
                    && (limits.allow.is_empty() || limits.allow.contains(key))
                    && !limits.deny.contains(key)
                    && provider.power_sat >= limits.min_stake_sat
            })
            .collect();
        // Stable: those with priority by power, then the others by power.
        providers.sort_by_key(|provider| !limits.priority.contains(&provider.public_key));
        if limits.top_n_percent == 0
            && let Ok(cap) = usize::try_from(limits.set_cap)
            && cap > 0
        {
            providers.truncate(cap);
        }
        if limits.power_cap_percent > 0 {
            cap_power(&mut providers, limits.power_cap_percent);
        } else {
            sort_by_power(&mut providers);
        }
        Shaped { providers, top_n_min_sat }
    }

    /// Returns the first power, from above, at which the sum has at least the top N's share.
    fn top_n_min_sat(&self, active: &[ProviderPower]) -> Option<u64> {
        let percent = u128::from(self.0.top_n_percent);
        if percent == 0 {
            return None;
        }
        let needed = total(active).saturating_mul(percent);
        let mut sum = 0_u128;
        active.iter().find_map(|provider| {
            sum = sum.saturating_add(u128::from(provider.power_sat));
            (sum.saturating_mul(100) >= needed).then_some(provider.power_sat)
        })
    }
}

fn total(providers: &[ProviderPower]) -> u128 {
    providers.iter().fold(0, |sum, provider| sum.saturating_add(u128::from(provider.power_sat)))
}

/// Sorts by power descending, equal ones by key ascending.
fn sort_by_power(providers: &mut [ProviderPower]) {
    providers
        .sort_by_key(|provider| (core::cmp::Reverse(provider.power_sat), provider.public_key.serialize()));
}

/// Caps each power at `percent` of the sum, rounded down but at least 1, and gives what is cut off to the
/// others in descending order, each time an equal share of what is left, rounded down. So the last one gets
/// what does not divide. Where everyone is above the cap, all have the cap, and the sum is less.
///
/// The implementation sorts equal powers in no fixed order; here the smaller key comes first.
fn cap_power(providers: &mut [ProviderPower], percent: u8) {
    sort_by_power(providers);
    let cap =
        total(providers).saturating_mul(u128::from(percent)).checked_div(100).unwrap_or_default().max(1);
    let power = |provider: &ProviderPower| u128::from(provider.power_sat);
    let mut left: u128 =
        providers.iter().map(|provider| power(provider).saturating_sub(cap)).fold(0, u128::saturating_add);
    let mut below = providers.iter().filter(|provider| power(provider) < cap).count();
    for provider in providers {
        let had = power(provider);
        let mut has = cap;
        if had < cap {
            // Nobody is below the cap any more only after the last of them, which takes no part in the
            // division.
            let share =
                u128::try_from(below).ok().and_then(|below| left.checked_div(below)).unwrap_or_default();
            has = had.saturating_add(share).min(cap);
            left = left.saturating_sub(has.saturating_sub(had));
            below = below.saturating_sub(1);
        }
        // At most the cap or the power it had: it fits.
        provider.power_sat = u64::try_from(has).unwrap_or(u64::MAX);
    }
}
