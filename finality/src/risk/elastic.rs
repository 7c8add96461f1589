//! Elastic restaking: validators allot parts of their stakes, together more than they have (Bar-Zur and Eyal,
//! "Elastic Restaking Networks").

use std::collections::BTreeSet;

use super::number::{Ratio, Threshold};

/// The most validators and services for which every set is tried.
const MAX_VALIDATORS: usize = 16;
const MAX_SERVICES: usize = 10;

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
    #[error("the network has {validators} validators and {services} services; must have at most 16 and 10")]
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
        // What each service with a profit takes when nobody is all in.
        let paying = self.services.iter().enumerate().filter(|(_, service)| service.profit > 0);
        let services: Vec<(usize, &ElasticService, u128)> = paying
            .map(|(index, service)| {
                let total = service.allotted.iter().fold(0_u128, |sum, w| sum.saturating_add(*w));
                (index, service, service.threshold.of(total))
            })
            .collect();
        let mut trial = Trial { network: self, services: &services, all_in: Vec::new(), best: None };
        let rests = services.iter().map(|(_, _, needed)| *needed).collect();
        trial.try_all(0, 0, rests);
        let (all_in, ..) = trial.best?;
        Some(attack_of(&services, all_in, &self.stakes))
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
        let mut found: Option<(u128, BTreeSet<usize>)> = None;
        for set in (0..sets).map(|bits| super::graph::chosen(&indexes, bits)) {
            let weight = weight(&set);
            if found.as_ref().is_some_and(|(least, _)| weight >= *least) {
                continue;
            }
            // Those that turned have no profit left, so an attack is on others.
            if !self.after_byzantine(&set).is_secure(0) {
                found = Some((weight, set));
            }
        }
        let (weight, least) = found?;
        let share = Ratio::new(weight, total.max(1))?;
        Some((least, share))
    }
}

/// Every choice of who loses all, one validator after the other.
struct Trial<'a> {
    network: &'a ElasticNetwork,
    services: &'a [(usize, &'a ElasticService, u128)],
    all_in: Vec<usize>,
    /// Who loses all, the profit and the cost.
    best: Option<(BTreeSet<usize>, u128, u128)>,
}

impl Trial<'_> {
    /// `rests` is what each service still takes from those that are not all in, satoshi for satoshi.
    fn try_all(&mut self, validator: usize, lost: u128, rests: Vec<u128>) {
        let Some(stake) = self.network.stakes.get(validator) else { return self.weigh(lost, &rests) };
        // Those that are not all in first: of equals the fewest lose all.
        self.try_all(validator.saturating_add(1), lost, rests.clone());
        let given = |(rest, (_, service, _)): (&u128, &(usize, &ElasticService, u128))| {
            rest.saturating_sub(service.allotted.get(validator).copied().unwrap_or_default())
        };
        let less = rests.iter().zip(self.services).map(given).collect();
        self.all_in.push(validator);
        self.try_all(validator.saturating_add(1), lost.saturating_add(*stake), less);
        self.all_in.pop();
    }

    fn weigh(&mut self, lost: u128, rests: &[u128]) {
        let (mut profit, mut cost) = (0_u128, lost);
        // Where none is worth it, the one that loses least.
        let mut least: Option<(u128, u128, u128)> = None;
        for ((_, service, _), rest) in self.services.iter().zip(rests) {
            match rest.checked_sub(service.profit) {
                Some(loss) if least.is_none_or(|(least, ..)| loss < least) => {
                    least = Some((loss, service.profit, *rest));
                }
                Some(_) => {}
                None => {
                    profit = profit.saturating_add(service.profit);
                    cost = cost.saturating_add(*rest);
                }
            }
        }
        if profit == 0 {
            let Some((_, only, rest)) = least else { return };
            (profit, cost) = (only, cost.saturating_add(rest));
        }
        // profit − cost, without going below 0.
        let better = self.best.as_ref().is_none_or(|(_, best_profit, best_cost)| {
            profit.saturating_add(*best_cost) > best_profit.saturating_add(cost)
        });
        if better {
            self.best = Some((self.all_in.iter().copied().collect(), profit, cost));
        }
    }
}

/// The places of the services that gain more than they still take; when none does, the one that loses least.
fn worth_it(services: &[(usize, &ElasticService, u128)], rests: &[u128]) -> Vec<usize> {
    let pairs = || services.iter().zip(rests).enumerate();
    let mut worth: Vec<usize> = pairs()
        .filter(|(_, ((_, service, _), rest))| service.profit > **rest)
        .map(|(place, _)| place)
        .collect();
    if worth.is_empty() {
        let least = pairs().min_by_key(|(_, ((_, service, _), rest))| rest.saturating_sub(service.profit));
        worth.extend(least.map(|(place, _)| place));
    }
    worth
}

/// The best attack in which these lose all.
fn attack_of(
    services: &[(usize, &ElasticService, u128)],
    all_in: BTreeSet<usize>,
    stakes: &[u128],
) -> ElasticAttack {
    let sum = |amounts: &mut dyn Iterator<Item = u128>| amounts.fold(0_u128, |sum, a| sum.saturating_add(a));
    let rests: Vec<u128> = services
        .iter()
        .map(|(_, service, needed)| {
            let given = all_in.iter().filter_map(|validator| service.allotted.get(*validator)).copied();
            needed.saturating_sub(sum(&mut given.into_iter()))
        })
        .collect();
    let worth = worth_it(services, &rests);
    let lost = sum(&mut all_in.iter().filter_map(|validator| stakes.get(*validator)).copied());
    let taken = sum(&mut worth.iter().filter_map(|place| rests.get(*place)).copied());
    let picked = || worth.iter().filter_map(|place| services.get(*place));
    ElasticAttack {
        services: picked().map(|(index, ..)| *index).collect(),
        profit: sum(&mut picked().map(|(_, service, _)| service.profit)),
        cost: lost.saturating_add(taken),
        all_in,
    }
}

/// π / θ, in whole units.
fn weight_of(service: &ElasticService) -> u128 {
    let (numerator, denominator) = (service.threshold.numerator(), service.threshold.denominator());
    let above = service.profit.saturating_mul(u128::from(denominator));
    above.checked_div(u128::from(numerator)).unwrap_or_default()
}
