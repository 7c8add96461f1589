//! Chains on shared providers, in satoshis, and the questions that their people ask.

use std::collections::{BTreeMap, BTreeSet};

use super::concentration::{Concentration, Power};
use super::graph::{InvalidGraph, RestakingGraph, Service};
use super::number::{SlashableShare, Threshold, UNITS_PER_SAT};
use crate::power::Provider;

/// Chains and the providers that secure them. Stakes and values come from the caller alone, in satoshis.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SharedSecurity {
    /// The part of a stake that is slashed: 0.001 on mainnet.
    pub slashing_rate: SlashableShare,
    /// The providers.
    pub providers: Vec<RiskProvider>,
    /// The chains.
    pub chains: Vec<RiskChain>,
}

/// A finality provider, for its risk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RiskProvider {
    /// Its name, or its key.
    pub name: String,
    /// Who runs it; itself when absent.
    #[cfg_attr(feature = "serde", serde(default))]
    pub operator: Option<String>,
    /// The satoshis delegated to it.
    pub stake_sat: u64,
}

/// A provider of a power table, under its key.
impl From<&Provider> for RiskProvider {
    fn from(provider: &Provider) -> Self {
        Self {
            name: provider.public_key.to_string(),
            operator: provider.operator.clone(),
            stake_sat: if provider.slashed { 0 } else { provider.active_sat },
        }
    }
}

/// A chain, for its risk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RiskChain {
    /// Its name.
    pub name: String,
    /// What whoever corrupts it gains.
    pub value_sat: u64,
    /// The share of its power that corrupts it: a third, for a block that is final twice.
    #[cfg_attr(feature = "serde", serde(default = "third"))]
    pub threshold: Threshold,
    /// The names of the providers that secure it; all when absent.
    #[cfg_attr(feature = "serde", serde(default))]
    pub secured_by: Option<BTreeSet<String>>,
}

#[cfg(feature = "serde")]
const fn third() -> Threshold {
    Threshold::THIRD
}

/// A reason why an input is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRisk {
    /// Two providers have one name.
    #[error("the provider {0:?} is listed twice")]
    DuplicateName(String),
    /// Two chains have one name.
    #[error("the chain {0:?} is listed twice")]
    DuplicateChain(String),
    /// A chain names a provider that is not there.
    #[error("the chain {chain:?} is secured by {provider:?}, which is not among the providers")]
    UnknownName {
        /// The chain.
        chain: String,
        /// The provider that it names.
        provider: String,
    },
    /// The amounts are too large.
    #[error(transparent)]
    Graph(#[from] InvalidGraph),
}

/// A checked input, with its graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskModel {
    input: SharedSecurity,
    /// By chain, the places of its providers.
    members: Vec<BTreeSet<usize>>,
    graph: RestakingGraph,
    /// One unit of the graph is so many ten-thousandths of a satoshi.
    unit: u128,
}

impl RiskModel {
    /// Checks an input.
    ///
    /// # Errors
    /// [`InvalidRisk`] names what does not fit.
    pub fn new(input: SharedSecurity) -> Result<Self, InvalidRisk> {
        let mut places = BTreeMap::new();
        for (place, provider) in input.providers.iter().enumerate() {
            if places.insert(provider.name.as_str(), place).is_some() {
                return Err(InvalidRisk::DuplicateName(provider.name.clone()));
            }
        }
        let mut names = BTreeSet::new();
        let mut members = Vec::new();
        for chain in &input.chains {
            if !names.insert(chain.name.as_str()) {
                return Err(InvalidRisk::DuplicateChain(chain.name.clone()));
            }
            let Some(secured_by) = &chain.secured_by else {
                members.push((0..input.providers.len()).collect());
                continue;
            };
            let place = |name: &String| {
                places.get(name.as_str()).copied().ok_or_else(|| InvalidRisk::UnknownName {
                    chain: chain.name.clone(),
                    provider: name.clone(),
                })
            };
            members.push(secured_by.iter().map(place).collect::<Result<BTreeSet<usize>, _>>()?);
        }
        let stakes = input.providers.iter().map(|provider| input.slashing_rate.of(provider.stake_sat));
        let stakes: Vec<u128> = stakes.collect();
        let values = input.chains.iter();
        let values: Vec<u128> = values
            .map(|chain| u128::from(chain.value_sat).saturating_mul(u128::from(UNITS_PER_SAT)))
            .collect();
        // One common denominator, and no larger than it must be.
        let unit = stakes.iter().chain(&values).fold(0, |unit, amount| gcd(unit, *amount)).max(1);
        let scale = |amount: &u128| amount.checked_div(unit).unwrap_or_default();
        let services = input.chains.iter().zip(&values).zip(&members);
        let services = services.map(|((chain, value), members)| Service {
            profit: scale(value),
            threshold: chain.threshold,
            validators: members.clone(),
        });
        let graph = RestakingGraph::new(stakes.iter().map(scale).collect(), services.collect())?;
        Ok(Self { members, graph, unit, input })
    }

    /// Returns the input.
    pub const fn input(&self) -> &SharedSecurity {
        &self.input
    }

    /// Returns the graph: the slashable parts of the stakes against the values, in one unit.
    pub const fn graph(&self) -> &RestakingGraph {
        &self.graph
    }

    pub(super) const fn unit(&self) -> u128 {
        self.unit
    }

    /// Returns an amount of the graph in satoshis, rounded down.
    pub fn to_sat(&self, amount: u128) -> u128 {
        amount.saturating_mul(self.unit).checked_div(u128::from(UNITS_PER_SAT)).unwrap_or_default()
    }

    /// Returns the place of a chain.
    pub fn chain(&self, name: &str) -> Option<usize> {
        self.input.chains.iter().position(|chain| chain.name == name)
    }

    /// Returns the places of the providers that secure a chain.
    pub fn members(&self, chain: usize) -> Option<&BTreeSet<usize>> {
        self.members.get(chain)
    }

    /// Returns the names of providers.
    pub fn provider_names<'a>(&self, places: impl IntoIterator<Item = &'a usize>) -> Vec<String> {
        let providers = places.into_iter().filter_map(|place| self.input.providers.get(*place));
        providers.map(|provider| provider.name.clone()).collect()
    }

    /// Returns the names of chains.
    pub fn chain_names<'a>(&self, places: impl IntoIterator<Item = &'a usize>) -> Vec<String> {
        let chains = places.into_iter().filter_map(|place| self.input.chains.get(*place));
        chains.map(|chain| chain.name.clone()).collect()
    }

    /// Returns the power of a chain by operator, in satoshis.
    pub fn by_operator(&self, chain: usize) -> BTreeMap<String, u128> {
        let mut sums = BTreeMap::new();
        for place in self.members.get(chain).into_iter().flatten() {
            if let Some(provider) = self.input.providers.get(*place) {
                let sum: &mut u128 = sums.entry(operator(provider).to_owned()).or_default();
                *sum = sum.saturating_add(u128::from(provider.stake_sat));
            }
        }
        sums
    }

    /// Returns how concentrated a chain's power is, by operator.
    pub fn concentration(&self, chain: usize) -> Concentration {
        Concentration::new(self.by_operator(chain).into_values())
    }

    /// Returns the providers that an operator runs.
    pub fn providers_of(&self, name: &str) -> BTreeSet<usize> {
        let providers = self.input.providers.iter().enumerate();
        providers.filter(|(_, provider)| operator(provider) == name).map(|(place, _)| place).collect()
    }

    /// Returns the operators' names.
    pub fn operators(&self) -> BTreeSet<String> {
        self.input.providers.iter().map(|provider| operator(provider).to_owned()).collect()
    }

    /// Returns the satoshis behind a chain, and those of these providers among them.
    pub(super) fn power_on(&self, chain: usize, providers: &BTreeSet<usize>) -> (u128, u128) {
        let Some(members) = self.members.get(chain) else { return (0, 0) };
        let sum = |places: &mut dyn Iterator<Item = &usize>| {
            let stakes = places.filter_map(|place| self.input.providers.get(*place));
            stakes.fold(0_u128, |sum, provider| sum.saturating_add(u128::from(provider.stake_sat)))
        };
        (sum(&mut members.iter()), sum(&mut members.intersection(providers)))
    }

    /// Returns what these providers can do by themselves, to which chains.
    pub(super) fn chains_within_reach(&self, providers: &BTreeSet<usize>, power: Power) -> Vec<String> {
        let chains = self.input.chains.iter().enumerate();
        let within = chains.filter(|(place, _)| {
            let (total, part) = self.power_on(*place, providers);
            power.has(part, total)
        });
        within.map(|(_, chain)| chain.name.clone()).collect()
    }
}

fn operator(provider: &RiskProvider) -> &str {
    provider.operator.as_deref().unwrap_or(&provider.name)
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or_default());
    }
    a
}
