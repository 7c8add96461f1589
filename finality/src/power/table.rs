//! The tables: who has how much at a height of Bitcoin, and on which chain.

use core::cmp::Ordering;
use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use secp256k1::XOnlyPublicKey;

use super::shaping::{PowerShaping, Shaped};
use crate::height::UnixTime;

/// A height of the Bitcoin chain, a type of its own beside [`ConsumerHeight`](crate::ConsumerHeight).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct BitcoinHeight(pub u32);

impl fmt::Display for BitcoinHeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl BitcoinHeight {
    /// Returns the height at a time, as the gadget finds it for a block of its chain: by halving the heights
    /// from 0 to `tip`, up to a block of just that time, or else the last one before it.
    ///
    /// `None` where Bitcoin's last block is older than the time, as the next one may still be; before the
    /// first block; and where `time_of` does not know a height. Times of blocks are not in order, so that
    /// among some near the time it depends on the tip which one is found; the gadget has that too.
    pub fn at_time(
        tip: Self,
        time: UnixTime,
        mut time_of: impl FnMut(Self) -> Option<UnixTime>,
    ) -> Option<Self> {
        // From `low` to before `end`.
        let (mut low, mut end) = (0_u64, u64::from(tip.0).saturating_add(1));
        let len = end;
        while low < end {
            // The middle of `low` and the last one, rounded down.
            let middle = low.saturating_add(end.saturating_sub(1)) / 2;
            let height = Self(u32::try_from(middle).ok()?);
            match time_of(height)?.cmp(&time) {
                Ordering::Equal => return Some(height),
                Ordering::Less => low = middle.saturating_add(1),
                Ordering::Greater => end = middle,
            }
        }
        let before = low.checked_sub(1).filter(|_| low < len)?;
        u32::try_from(before).ok().map(Self)
    }
}

/// What is known of a finality provider at one height of Bitcoin.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Provider {
    /// The provider's key.
    pub public_key: XOnlyPublicKey,
    /// The satoshis that are actively delegated to it.
    pub active_sat: u64,
    /// Whether it was slashed: then it has power nowhere, whatever is delegated to it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub slashed: bool,
    /// Who runs it. Several providers of one operator fall together.
    #[cfg_attr(feature = "serde", serde(default))]
    pub operator: Option<String>,
}

/// A provider and its power, in the order that a chain has them in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ProviderPower {
    /// The provider's key.
    pub public_key: XOnlyPublicKey,
    /// Its power, in satoshis unless the chain caps it.
    pub power_sat: u64,
}

/// The finality providers at one height of Bitcoin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct PowerTable(BTreeMap<XOnlyPublicKey, Provider>);

/// Two providers of a table have one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the finality provider {0} is in the power table twice; must be in it once")]
pub struct DuplicateProvider(pub XOnlyPublicKey);

impl PowerTable {
    /// Returns the table of these providers.
    ///
    /// # Errors
    /// [`DuplicateProvider`] when two have one key: which power it has would be a guess.
    pub fn new(providers: impl IntoIterator<Item = Provider>) -> Result<Self, DuplicateProvider> {
        let mut table = BTreeMap::new();
        for provider in providers {
            if let Some(other) = table.insert(provider.public_key, provider) {
                return Err(DuplicateProvider(other.public_key));
            }
        }
        Ok(Self(table))
    }

    /// Returns the table of sums that have one key each already.
    pub(super) const fn of_sums(sums: BTreeMap<XOnlyPublicKey, Provider>) -> Self {
        Self(sums)
    }

    /// Returns a provider.
    pub fn get(&self, public_key: &XOnlyPublicKey) -> Option<&Provider> {
        self.0.get(public_key)
    }

    /// Returns the power of a provider: 0 when it is slashed or not in the table.
    pub fn power_sat(&self, public_key: &XOnlyPublicKey) -> u64 {
        self.0.get(public_key).filter(|provider| !provider.slashed).map_or(0, |provider| provider.active_sat)
    }

    /// Returns the providers, by key.
    pub fn providers(&self) -> impl Iterator<Item = &Provider> {
        self.0.values()
    }

    /// Returns the providers that are not slashed and have power, the most powerful first, equal ones by key
    /// ascending.
    pub fn ranked(&self) -> Vec<ProviderPower> {
        let powers = self.0.values().filter(|provider| !provider.slashed && provider.active_sat > 0);
        let mut ranked: Vec<_> = powers
            .map(|provider| ProviderPower { public_key: provider.public_key, power_sat: provider.active_sat })
            .collect();
        // The keys are in ascending order already, and the sort keeps it among equals.
        ranked.sort_by_key(|provider| core::cmp::Reverse(provider.power_sat));
        ranked
    }

    /// Returns the power of all providers that are not slashed, in satoshis.
    pub fn total_sat(&self) -> u128 {
        let powers = self.0.values().filter(|provider| !provider.slashed);
        powers.fold(0, |sum, provider| sum.saturating_add(u128::from(provider.active_sat)))
    }

    /// Returns the power by operator, in satoshis; a provider whose operator is not known stands for itself,
    /// under its key.
    pub fn by_operator(&self) -> BTreeMap<String, u128> {
        let mut sums = BTreeMap::new();
        for provider in self.0.values().filter(|provider| !provider.slashed) {
            let name = provider.operator.clone().unwrap_or_else(|| provider.public_key.to_string());
            let sum: &mut u128 = sums.entry(name).or_default();
            *sum = sum.saturating_add(u128::from(provider.active_sat));
        }
        sums
    }
}

/// Reads a list of providers, and refuses one that is there twice.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for PowerTable {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let providers = Vec::<Provider>::deserialize(deserializer)?;
        Self::new(providers).map_err(serde::de::Error::custom)
    }
}

/// Power tables by Bitcoin height, one for each height at which the power changed: the source of power of
/// every chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PowerTables(BTreeMap<BitcoinHeight, PowerTable>);

impl PowerTables {
    /// Returns no tables.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Sets the table from a height on, and returns the one that stood there.
    pub fn insert(&mut self, height: BitcoinHeight, table: PowerTable) -> Option<PowerTable> {
        self.0.insert(height, table)
    }

    /// Returns the table in force at a height: the last one set at or below it; `None` below the first.
    pub fn at(&self, height: BitcoinHeight) -> Option<&PowerTable> {
        self.0.range(..=height).next_back().map(|(_, table)| table)
    }

    /// Removes the tables above a height, as Bitcoin's chain was reorganized down to it, and returns how many
    /// they were.
    pub fn disconnect_above(&mut self, height: BitcoinHeight) -> usize {
        let above: Vec<_> = self.0.keys().copied().filter(|at| *at > height).collect();
        for at in &above {
            self.0.remove(at);
        }
        above.len()
    }

    /// Returns the heights at which the power changed, ascending.
    pub fn heights(&self) -> impl Iterator<Item = BitcoinHeight> {
        self.0.keys().copied()
    }
}

/// How a chain is secured by the providers of a power table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum ChainSecurity {
    /// By all of them, each with all its power.
    Replicated,
    /// By those that opted in, within the chain's own limits.
    OptIn {
        /// The limits.
        shaping: PowerShaping,
        /// Who opted in.
        opted_in: BTreeSet<XOnlyPublicKey>,
    },
    /// By those that registered for the chain, each with all its power: a stake names one provider for each
    /// chain that it secures.
    Registered(BTreeSet<XOnlyPublicKey>),
}

impl ChainSecurity {
    /// Returns the chain's own power: who is in, with which power, the most powerful first.
    pub fn power(&self, table: &PowerTable) -> Vec<ProviderPower> {
        match self {
            Self::Replicated => table.ranked(),
            Self::OptIn { shaping, opted_in } => {
                let Shaped { providers, .. } = shaping.shape(&table.ranked(), opted_in);
                providers
            }
            Self::Registered(registered) => {
                let mut ranked = table.ranked();
                ranked.retain(|provider| registered.contains(&provider.public_key));
                ranked
            }
        }
    }
}
