//! Elastic restaking: validators allot parts of their stakes, together more than they have (Bar-Zur and Eyal,
//! "Elastic Restaking Networks").

use std::collections::BTreeSet;

use super::number::{Ratio, Threshold};

/// The most validators and services for which every set is tried.
const MAX_VALIDATORS: usize = 18;
const MAX_SERVICES: usize = 12;

/// A network whose validators allot their stakes to services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElasticNetwork {
    stakes: Vec<u128>,
    services: Vec<ElasticService>,
}

/// A service of an [`ElasticNetwork`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ElasticService {
    /// What whoever corrupts it gains.
    pub profit: u128,
    /// The share of what is allotted to it that corrupts it.
    pub threshold: Threshold,
    /// What each validator allots to it, by the validator's place.
    pub allotted: Vec<u128>,
}

/// A reason why a network is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNetwork {
    /// A service has allotments of more or fewer validators than there are.
    #[error("service {service} has allotments of {found} validators; must be {validators}, one of each")]
    Allotments {
        /// The service.
        service: usize,
        /// How many it has.
        found: usize,
        /// How many validators there are.
        validators: usize,
    },
    /// A validator allots more than it has to one service.
    #[error(
        "validator {validator} allots {allotted} to service {service}; must be at most its stake, {stake}"
    )]
    AllotsTooMuch {
        /// The validator.
        validator: usize,
        /// The service.
        service: usize,
        /// What it allots.
        allotted: u128,
        /// What it has.
        stake: u128,
    },
    /// It is too large to try every set.
    #[error("the network has {validators} validators and {services} services; must have at most 18 and 12")]
    TooLarge {
        /// The validators.
        validators: usize,
        /// The services.
        services: usize,
    },
    /// The amounts are too large to be added up.
    #[error("the amounts are too large; must be below 2^96 together")]
    TooMuch,
}

/// The most profitable attack on an elastic network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ElasticAttack {
    /// The services that it corrupts.
    pub services: BTreeSet<usize>,
    /// The validators that lose all they have; the others lose no more than what they attack with.
    pub all_in: BTreeSet<usize>,
    /// The profit.
    pub profit: u128,
    /// What the attackers lose: Σ min(stake, what they attack with).
    pub cost: u128,
}

impl ElasticNetwork {
    /// Returns the network.
    ///
    /// # Errors
    /// [`InvalidNetwork`] when allotments do not fit, or there is too much of anything.
    pub fn new(stakes: Vec<u128>, services: Vec<ElasticService>) -> Result<Self, InvalidNetwork> {
        let validators = stakes.len();
        if validators > MAX_VALIDATORS || services.len() > MAX_SERVICES {
            return Err(InvalidNetwork::TooLarge { validators, services: services.len() });
        }
        for (index, service) in services.iter().enumerate() {
            if service.allotted.len() != validators {
                let found = service.allotted.len();
                return Err(InvalidNetwork::Allotments { service: index, found, validators });
            }
            let pairs = service.allotted.iter().zip(&stakes).enumerate();
            if let Some((validator, (allotted, stake))) = pairs.into_iter().find(|(_, (w, stake))| w > stake)
            {
                let (allotted, stake) = (*allotted, *stake);
                return Err(InvalidNetwork::AllotsTooMuch { validator, service: index, allotted, stake });
            }
        }
        let amounts = stakes.iter().chain(services.iter().map(|service| &service.profit));
        if amounts.fold(0_u128, |sum, amount| sum.saturating_add(*amount)) >> 96 != 0 {
            return Err(InvalidNetwork::TooMuch);
        }
        Ok(Self { stakes, services })
    }

    /// Returns the restaking degree of each validator, Σ_s w / σ: above 1, its stake stands for more than
    /// there is of it. `None` for one without stake.
    pub fn restaking_degrees(&self) -> Vec<Option<Ratio>> {
        let degree = |(validator, stake): (usize, &u128)| {
            let allotted = self.services.iter().filter_map(|service| service.allotted.get(validator));
            Ratio::new(allotted.fold(0, |sum, w| sum.saturating_add(*w)), *stake)
        };
        self.stakes.iter().enumerate().map(degree).collect()
    }

    /// Returns the attack that gains most, or loses least, of those that corrupt a service with a profit;
    /// `None` when there is none.
    ///
    /// A validator either loses all it has, and then attacks with all it allotted, or attacks with what costs
    /// it as much; so it is enough to try who loses all. Then each service is worth it or not by itself.
    pub fn best_attack(&self) -> Option<ElasticAttack> {
        let validators: Vec<usize> = (0..self.stakes.len()).collect();
        let validators: Vec<&usize> = validators.iter().collect();
        let sets = 1_u32.checked_shl(u32::try_from(validators.len()).ok()?)?;
        let attacks = (0..sets).filter_map(|bits| self.attack_of(super::graph::chosen(&validators, bits)));
        // The first of equals has the fewest validators that lose all.
        attacks.fold(None, |best: Option<ElasticAttack>, attack| match best {
            Some(best) if !is_better(&attack, &best) => Some(best),
            _ => Some(attack),
        })
    }

    /// The best attack in which these lose all.
    fn attack_of(&self, all_in: BTreeSet<usize>) -> Option<ElasticAttack> {
        let lost = all_in.iter().filter_map(|validator| self.stakes.get(*validator));
        let lost = lost.fold(0_u128, |sum, stake| sum.saturating_add(*stake));
        // What each service still takes from the others, satoshi for satoshi.
        let rest = |service: &ElasticService| {
            let total = service.allotted.iter().fold(0_u128, |sum, w| sum.saturating_add(*w));
            let given = all_in.iter().filter_map(|validator| service.allotted.get(*validator));
            let given = given.fold(0_u128, |sum, w| sum.saturating_add(*w));
            service.threshold.of(total).saturating_sub(given)
        };
        let costs: Vec<(usize, u128, u128)> = self
            .services
            .iter()
            .enumerate()
            .filter(|(_, service)| service.profit > 0)
            .map(|(index, service)| (index, service.profit, rest(service)))
            .collect();
        let mut worth: Vec<_> = costs.iter().filter(|(_, profit, rest)| profit > rest).collect();
        if worth.is_empty() {
            // None is: the one that loses least, if one must be.
            worth.extend(costs.iter().min_by_key(|(_, profit, rest)| rest.saturating_sub(*profit)));
        }
        let add = |pick: &dyn Fn(&(usize, u128, u128)) -> u128| {
            worth.iter().fold(0_u128, |sum, item| sum.saturating_add(pick(item)))
        };
        (!worth.is_empty()).then(|| ElasticAttack {
            services: worth.iter().map(|(index, _, _)| *index).collect(),
            profit: add(&|(_, profit, _)| *profit),
            cost: lost.saturating_add(add(&|(_, _, rest)| *rest)),
            all_in,
        })
    }

    /// Returns whether no attack gains; with a budget, none loses less than the budget either.
    pub fn is_secure(&self, budget: u128) -> bool {
        self.best_attack().is_none_or(|attack| attack.profit.saturating_add(budget) <= attack.cost)
    }

    /// Returns the network after these services turned on their validators: each has lost what it allotted to
    /// them, and allots to the others what it still has. The services are gone; they keep their places,
    /// without profit or allotment.
    #[must_use]
    pub fn after_byzantine(&self, services: &BTreeSet<usize>) -> Self {
        let lost = |validator: usize| {
            let turned = services.iter().filter_map(|index| self.services.get(*index));
            let allotted = turned.filter_map(|service| service.allotted.get(validator));
            allotted.fold(0_u128, |sum, w| sum.saturating_add(*w))
        };
        let stakes: Vec<u128> = self
            .stakes
            .iter()
            .enumerate()
            .map(|(validator, stake)| stake.saturating_sub(lost(validator)))
            .collect();
        let rest = self.services.iter().enumerate().map(|(index, service)| {
            let gone = services.contains(&index);
            let allotted = service.allotted.iter().zip(&stakes);
            ElasticService {
                profit: if gone { 0 } else { service.profit },
                threshold: service.threshold,
                allotted: allotted.map(|(w, stake)| if gone { 0 } else { (*w).min(*stake) }).collect(),
            }
        });
        Self { services: rest.collect(), stakes }
    }

    /// Returns the robustness: the services whose turning makes an attack on the rest gain, with the least
    /// weight π / θ of all such sets, and that weight, rounded down, as a part of all weights. `None` when no
    /// set does.
    pub fn robustness(&self) -> Option<(BTreeSet<usize>, Ratio)> {
        let indexes: Vec<usize> = (0..self.services.len()).collect();
        let indexes: Vec<&usize> = indexes.iter().collect();
        let weight = |set: &BTreeSet<usize>| {
            let services = set.iter().filter_map(|index| self.services.get(*index));
            services.fold(0_u128, |sum, service| sum.saturating_add(weight_of(service)))
        };
        let total = self.services.iter().fold(0_u128, |sum, s| sum.saturating_add(weight_of(s)));
        let sets = 1_u32.checked_shl(u32::try_from(indexes.len()).ok()?)?;
        let sets = (0..sets).map(|bits| super::graph::chosen(&indexes, bits));
        // Those that turned have no profit left, so an attack is on others.
        let failing = sets.filter(|set| !self.after_byzantine(set).is_secure(0));
        let least = failing.min_by_key(|set| weight(set))?;
        let share = Ratio::new(weight(&least), total.max(1))?;
        Some((least, share))
    }
}

/// π / θ, in whole units.
fn weight_of(service: &ElasticService) -> u128 {
    let (numerator, denominator) = (service.threshold.numerator(), service.threshold.denominator());
    let above = service.profit.saturating_mul(u128::from(denominator));
    above.checked_div(u128::from(numerator)).unwrap_or_default()
}

/// Whether an attack gains more, or loses less.
fn is_better(attack: &ElasticAttack, than: &ElasticAttack) -> bool {
    // profit − cost, without going below 0.
    attack.profit.saturating_add(than.cost) > than.profit.saturating_add(attack.cost)
}
