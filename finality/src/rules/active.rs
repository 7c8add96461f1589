//! Who votes at a height.

use std::collections::{BTreeMap, BTreeSet};

use secp256k1::XOnlyPublicKey;

/// A finality provider that may come into the active set of a height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Candidate {
    /// The provider's key.
    pub public_key: XOnlyPublicKey,
    /// Its power on this chain.
    pub power_sat: u64,
    /// Whether the chain has jailed it.
    pub jailed: bool,
    /// Whether it was slashed.
    pub slashed: bool,
    /// Whether a commitment of it covers the height and may be used.
    pub timestamped: bool,
}

impl Candidate {
    /// Returns whether nothing but its rank keeps it from voting.
    pub(super) const fn can_vote(&self) -> bool {
        self.power_sat > 0 && !self.jailed && !self.slashed && self.timestamped
    }
}

/// The providers that vote at one height, with their power. It is written once: that a provider is slashed or
/// jailed later does not change it. Only the proposal that ends a halt does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct ActiveSet(BTreeMap<XOnlyPublicKey, u64>);

impl ActiveSet {
    /// Returns the set of these providers.
    pub(super) fn of<'a>(candidates: impl IntoIterator<Item = &'a Candidate>) -> Self {
        Self(candidates.into_iter().map(|candidate| (candidate.public_key, candidate.power_sat)).collect())
    }

    /// Returns whether nobody votes at the height, so that it can never be final.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many providers vote.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether a provider is in the set.
    pub fn contains(&self, public_key: &XOnlyPublicKey) -> bool {
        self.0.contains_key(public_key)
    }

    /// Returns the power of a provider: 0 when it is not in the set.
    pub fn power_sat(&self, public_key: &XOnlyPublicKey) -> u64 {
        self.0.get(public_key).copied().unwrap_or_default()
    }

    /// Returns the power of all.
    pub fn total_sat(&self) -> u128 {
        self.0.values().fold(0, |sum, power| sum.saturating_add(u128::from(*power)))
    }

    /// Returns the power of those among `voters`, each counted once.
    pub fn voted_sat<'a>(&self, voters: impl IntoIterator<Item = &'a XOnlyPublicKey>) -> u128 {
        let voters: BTreeSet<_> = voters.into_iter().collect();
        voters.into_iter().fold(0, |sum, voter| sum.saturating_add(u128::from(self.power_sat(voter))))
    }

    /// Returns the providers and their power, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&XOnlyPublicKey, u64)> {
        self.0.iter().map(|(public_key, power)| (public_key, *power))
    }

    /// Returns the set in which these providers have no power. They stay in it, so that a height where nobody
    /// else votes is not passed over.
    #[must_use]
    pub fn without_power_of(&self, providers: &BTreeSet<XOnlyPublicKey>) -> Self {
        let mut set = self.clone();
        for (public_key, power) in &mut set.0 {
            if providers.contains(public_key) {
                *power = 0;
            }
        }
        set
    }
}
