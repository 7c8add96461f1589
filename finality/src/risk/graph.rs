//! The restaking graph: who secures what, which coalitions attack, and conditions that are easy to check
//! (Durvasula and Roughgarden, "Robust Restaking Networks", sections 2 and 3).

use core::cmp::Ordering;
use std::collections::BTreeSet;

use super::number::{Ratio, Threshold, compare_sum_with_one};

/// The most that all stakes, or all profits, of a graph may be together: products of two stay below 2^127.
const MAX_TOTAL: u128 = 1 << 63;

/// A service: a chain that validators secure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Service {
    /// What whoever corrupts it gains.
    pub profit: u128,
    /// The share of the stake behind it that corrupts it.
    pub threshold: Threshold,
    /// The places of the validators that secure it.
    pub validators: BTreeSet<usize>,
}

/// A restaking graph. Stakes and profits are whole numbers of one unit.
///
/// A stake is what an attack costs a validator: the slashable part alone, and once, however many services it
/// secures. That is the leverage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestakingGraph {
    stakes: Vec<u128>,
    services: Vec<Service>,
}

/// A reason why a graph is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGraph {
    /// A service names a validator that is not there.
    #[error("service {service} is secured by validator {validator}; there are {validators}, from 0 on")]
    NoSuchValidator {
        /// The service.
        service: usize,
        /// The validator that it names.
        validator: usize,
        /// How many there are.
        validators: usize,
    },
    /// The stakes are too much to be added up exactly.
    #[error("the stakes are {0} together; must be at most 2^63")]
    TooMuchStake(u128),
    /// The profits are too much.
    #[error("the profits are {0} together; must be at most 2^63")]
    TooMuchProfit(u128),
}

/// A coalition: services to corrupt, and the validators that do it, by their places.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Coalition {
    /// The services, A.
    pub services: BTreeSet<usize>,
    /// The validators, B.
    pub validators: BTreeSet<usize>,
}

impl RestakingGraph {
    /// Returns the graph.
    ///
    /// # Errors
    /// [`InvalidGraph`] when a service names a validator that is not there, or the sums are too large to be
    /// exact.
    pub fn new(stakes: Vec<u128>, services: Vec<Service>) -> Result<Self, InvalidGraph> {
        for (index, service) in services.iter().enumerate() {
            if let Some(validator) = service.validators.iter().find(|validator| **validator >= stakes.len()) {
                return Err(InvalidGraph::NoSuchValidator {
                    service: index,
                    validator: *validator,
                    validators: stakes.len(),
                });
            }
        }
        let stake = stakes.iter().fold(0_u128, |sum, stake| sum.saturating_add(*stake));
        let profit = services.iter().fold(0_u128, |sum, service| sum.saturating_add(service.profit));
        if stake > MAX_TOTAL {
            return Err(InvalidGraph::TooMuchStake(stake));
        }
        if profit > MAX_TOTAL {
            return Err(InvalidGraph::TooMuchProfit(profit));
        }
        Ok(Self { stakes, services })
    }

    /// Returns the stakes, by validator.
    pub fn stakes(&self) -> &[u128] {
        &self.stakes
    }

    /// Returns the services.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Returns the stake of these validators, σ.
    pub fn stake_of<'a>(&self, validators: impl IntoIterator<Item = &'a usize>) -> u128 {
        let stakes = validators.into_iter().filter_map(|validator| self.stakes.get(*validator));
        stakes.fold(0, |sum, stake| sum.saturating_add(*stake))
    }

    /// Returns the profit of these services, π.
    pub fn profit_of<'a>(&self, services: impl IntoIterator<Item = &'a usize>) -> u128 {
        let profits = services.into_iter().filter_map(|service| self.services.get(*service));
        profits.fold(0, |sum, service| sum.saturating_add(service.profit))
    }

    /// Returns the stake of all.
    pub fn total_stake(&self) -> u128 {
        self.stakes.iter().fold(0, |sum, stake| sum.saturating_add(*stake))
    }

    /// Returns the least stake that corrupts a service: its threshold of what secures it, rounded up. A
    /// service that nobody secures takes none.
    pub fn needed(&self, service: &Service) -> u128 {
        service.threshold.of(self.stake_of(&service.validators))
    }

    /// Returns whether these validators can corrupt a service (eq. 1, with ≥).
    pub fn corrupts(&self, validators: &BTreeSet<usize>, service: &Service) -> bool {
        self.stake_of(service.validators.intersection(validators)) >= self.needed(service)
    }

    /// Returns all services that these validators can corrupt.
    pub fn corrupted_by(&self, validators: &BTreeSet<usize>) -> BTreeSet<usize> {
        let corrupted =
            self.services.iter().enumerate().filter(|(_, service)| self.corrupts(validators, service));
        corrupted.map(|(index, _)| index).collect()
    }

    /// Returns whether a coalition can do what it says: its validators corrupt each of its services.
    pub fn is_attacking(&self, coalition: &Coalition) -> bool {
        let validators = &coalition.validators;
        validators.iter().all(|validator| *validator < self.stakes.len())
            && coalition.services.iter().all(|index| {
                self.services.get(*index).is_some_and(|service| self.corrupts(validators, service))
            })
    }

    /// Returns whether a coalition is a valid attack: it can, and its profit is above its stake (eq. 2, with
    /// >).
    pub fn is_valid_attack(&self, coalition: &Coalition) -> bool {
        self.is_attacking(coalition)
            && self.profit_of(&coalition.services) > self.stake_of(&coalition.validators)
    }

    /// Returns whether an attack is stable: no part of it that is dropped pays for itself, so that each part
    /// is needed. Exact for coalitions of at most 16 services and validators together, `None` for larger
    /// ones.
    pub fn is_stable(&self, coalition: &Coalition) -> Option<bool> {
        let (services, validators): (Vec<_>, Vec<_>) =
            (coalition.services.iter().collect(), coalition.validators.iter().collect());
        let size = services.len().saturating_add(validators.len());
        if size > 16 {
            return None;
        }
        if !self.is_attacking(coalition) {
            return Some(false);
        }
        let subsets = |count: usize| 0..1_u32 << count;
        for kept_validators in subsets(validators.len()) {
            let kept: BTreeSet<usize> = chosen(&validators, kept_validators);
            let dropped = self.stake_of(coalition.validators.difference(&kept));
            for kept_services in subsets(services.len()) {
                let kept_services: BTreeSet<usize> = chosen(&services, kept_services);
                let part = Coalition { services: kept_services, validators: kept.clone() };
                if part == *coalition || !self.is_attacking(&part) {
                    continue;
                }
                // What is dropped must have been worth it.
                if dropped >= self.profit_of(coalition.services.difference(&part.services)) {
                    return Some(false);
                }
            }
        }
        Some(true)
    }

    /// Checks the condition that no validator is asked for more than it has (eq. 3): for each,
    /// Σ (σ_v / σ_N(s)) · (π_s / α_s) ≤ σ_v. It is enough for security, and failing it proves nothing.
    pub fn is_overcollateralized(&self) -> bool {
        self.is_overcollateralized_by(Ratio::ZERO)
    }

    /// Checks the condition for a slack of γ (eq. 17): eq. 3 with (1 + γ) times the profits. It is enough for
    /// that slack, and failing it proves nothing. A service with a profit and no stake behind it fails it.
    pub fn is_overcollateralized_by(&self, slack: Ratio) -> bool {
        let unsecured =
            self.services.iter().any(|service| service.profit > 0 && self.stake_of(&service.validators) == 0);
        !unsecured
            && (0..self.stakes.len()).all(|validator| {
                let load = self.load(validator);
                compare_sum_with_one(&load, &slack) != Ordering::Greater
            })
    }

    /// Returns the fractions of a validator's load, π_s / (α_s · σ_N(s)): one of each service that it
    /// secures. One without stake is asked for nothing.
    fn load(&self, validator: usize) -> Vec<(u128, u128)> {
        if self.stakes.get(validator).is_none_or(|stake| *stake == 0) {
            return Vec::new();
        }
        let secured = self.services.iter().filter(|service| service.validators.contains(&validator));
        let fraction = |service: &Service| {
            let (numerator, denominator) = (service.threshold.numerator(), service.threshold.denominator());
            let behind = self.stake_of(&service.validators);
            // 2^63 · 2^32 at most.
            (
                service.profit.saturating_mul(u128::from(denominator)),
                behind.saturating_mul(u128::from(numerator)),
            )
        };
        secured.map(fraction).collect()
    }

    /// Returns how many services each validator secures: with how much leverage its stake stands for all of
    /// them.
    pub fn leverage(&self) -> Vec<usize> {
        let count = |validator: &usize| {
            self.services.iter().filter(|service| service.validators.contains(validator)).count()
        };
        (0..self.stakes.len()).map(|validator| count(&validator)).collect()
    }

    /// Returns the graph without these validators, G↓D: they keep their places, with no stake and no service.
    #[must_use]
    pub fn without(&self, validators: &BTreeSet<usize>) -> Self {
        let stakes = self.stakes.iter().enumerate();
        let stakes = stakes.map(|(index, stake)| if validators.contains(&index) { 0 } else { *stake });
        let services = self.services.iter().cloned().map(|mut service| {
            service.validators.retain(|validator| !validators.contains(validator));
            service
        });
        Self { stakes: stakes.collect(), services: services.collect() }
    }
}

/// Returns the items whose bits are set.
pub(super) fn chosen(items: &[&usize], bits: u32) -> BTreeSet<usize> {
    let items = items.iter().enumerate();
    items.filter(|(index, _)| bits >> index & 1 == 1).map(|(_, item)| **item).collect()
}

impl RestakingGraph {
    /// Sets the profit of a service, for a question of what if.
    pub(super) fn set_profit(&mut self, service: usize, profit: u128) {
        if let Some(service) = self.services.get_mut(service) {
            service.profit = profit;
        }
    }
}
