//! The four questions, each answered by one function.

use super::concentration::Power;
use super::merged::Merged;
use super::model::RiskModel;
use super::number::UNITS_PER_SAT;
use super::search::{Budget, VERDICT, search};
use super::verdict::{Bounds, Security, TooManyServices};

/// What it takes to do something to one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CostOf {
    /// The chain.
    pub chain: String,
    /// What is done.
    pub power: Power,
    /// The least power that does it: no coalition with less can.
    pub needed_sat: u128,
    /// The power of the least coalition; it is above what is needed where stakes do not add up to it.
    pub power_sat: Bounds<u128>,
    /// A coalition that has the larger of the two.
    pub providers: Vec<String>,
    /// What that coalition is slashed for it, in satoshis, rounded down: stake × rate, for two votes at one
    /// height. A stall costs nothing but the rewards of the time, as silence is not slashed.
    pub slashed_sat: u128,
    /// The slashable amount of that coalition, whether it is slashed or not.
    pub slashable_sat: u128,
    /// How few operators can do it (the Nakamoto coefficient).
    pub operators: Option<usize>,
}

/// An attack that pays, with names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PayingAttack {
    /// The chains that are corrupted.
    pub chains: Vec<String>,
    /// The providers that do it.
    pub providers: Vec<String>,
    /// The chains' values together.
    pub value_sat: u128,
    /// What the providers are slashed, rounded up.
    pub slashed_sat: u128,
}

/// Whether an attack on a set of chains pays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Paying {
    /// None pays.
    None,
    /// This one does, and none pays more than `most_sat` above what it costs.
    Attack {
        /// The attack that pays most of those that were found.
        attack: PayingAttack,
        /// A bound of what any gains, rounded up.
        most_sat: u128,
    },
    /// None was found that does, and none gains more than `most_sat`.
    Undecided {
        /// The bound, rounded up.
        most_sat: u128,
    },
}

/// How much a chain may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Headroom {
    /// The chain.
    pub chain: String,
    /// The most value, with the other chains' as they are, before an attack on it pays: at least so much, at
    /// most so much, both rounded down.
    pub value_sat: Bounds<u128>,
    /// The providers that attack when it holds more than the larger.
    pub providers: Vec<String>,
    /// The chains that they attack with it.
    pub with_chains: Vec<String>,
}

/// What the fall of an operator takes along.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Fall {
    /// The operator, or the provider where it has none.
    pub operator: String,
    /// The chains that it secures.
    pub secures: Vec<String>,
    /// The chains that stall when it is silent, until their tables leave it out.
    pub stalls: Vec<String>,
    /// The chains on which it can make two blocks final.
    pub finalizes_twice: Vec<String>,
    /// The chains on which it makes blocks final alone.
    pub finalizes_alone: Vec<String>,
}

impl RiskModel {
    /// What does it cost to stall, or to finalize twice or alone, a chain? `None` for a chain that is not
    /// there.
    pub fn cost_of(&self, chain: usize, power: Power, budget: Budget) -> Option<CostOf> {
        let name = self.input().chains.get(chain)?.name.clone();
        let members: Vec<usize> = self.members(chain)?.iter().copied().collect();
        let stake = |place: &usize| {
            self.input().providers.get(*place).map_or(0, |provider| u128::from(provider.stake_sat))
        };
        let stakes: Vec<u128> = members.iter().map(stake).collect();
        let total = stakes.iter().fold(0_u128, |sum, stake| sum.saturating_add(*stake));
        let needed_sat = power.least(total);
        let merged = Merged::single(&stakes, needed_sat);
        let outcome = search(&merged, VERDICT, 1, budget);
        // Places among the members.
        let taken = merged.coalition(outcome.best.as_ref()?).validators;
        let places: Vec<usize> = taken.iter().filter_map(|index| members.get(*index).copied()).collect();
        let sum = |limit: Option<i128>| limit.map_or(0, |limit| limit.saturating_neg().max(0).unsigned_abs());
        let power_sat = Bounds { at_least: sum(outcome.limit).max(needed_sat), at_most: sum(outcome.score) };
        let slashable = self.graph().stake_of(&places);
        let slashable_sat = self.to_sat(slashable);
        let slashed_sat = if power == Power::Stall { 0 } else { slashable_sat };
        Some(CostOf {
            chain: name,
            power,
            needed_sat,
            power_sat,
            providers: self.provider_names(&places),
            slashed_sat,
            slashable_sat,
            operators: self.concentration(chain).nakamoto(power),
        })
    }

    /// Which set of chains pays an attacker?
    ///
    /// # Errors
    /// [`TooManyServices`] when more than 128 chains differ.
    pub fn paying_attack(&self, budget: Budget) -> Result<Paying, TooManyServices> {
        Ok(match self.graph().security(budget)? {
            Security::Secure => Paying::None,
            Security::Insecure { attack, most_gain } => Paying::Attack {
                attack: PayingAttack {
                    chains: self.chain_names(&attack.coalition.services),
                    providers: self.provider_names(&attack.coalition.validators),
                    value_sat: self.to_sat(attack.profit),
                    slashed_sat: self.to_sat_up(attack.stake),
                },
                most_sat: self.to_sat_up(most_gain),
            },
            Security::Undecided { most_gain } => Paying::Undecided { most_sat: self.to_sat_up(most_gain) },
        })
    }

    /// How much value may a chain hold before an attack on it pays? `None` for a chain that is not there.
    ///
    /// # Errors
    /// [`TooManyServices`] when more than 128 chains differ.
    pub fn headroom(&self, chain: usize, budget: Budget) -> Result<Option<Headroom>, TooManyServices> {
        let Some(named) = self.input().chains.get(chain) else { return Ok(None) };
        let (bounds, coalition) = self.graph().headroom(chain, budget)?;
        let coalition = coalition.unwrap_or_default();
        let others = coalition.services.iter().filter(|service| **service != chain);
        Ok(Some(Headroom {
            chain: named.name.clone(),
            value_sat: Bounds {
                at_least: self.to_sat(bounds.at_least),
                at_most: self.to_sat(bounds.at_most),
            },
            providers: self.provider_names(&coalition.validators),
            with_chains: self.chain_names(others),
        }))
    }

    /// Which operator's fall takes how many chains along? The one that stalls most first, then by the chains
    /// on which it can make two blocks final, then by name.
    pub fn falls(&self) -> Vec<Fall> {
        let mut falls: Vec<Fall> = self.operators().into_iter().map(|operator| self.fall(operator)).collect();
        falls.sort_by_key(|fall| {
            (core::cmp::Reverse(fall.stalls.len()), core::cmp::Reverse(fall.finalizes_twice.len()))
        });
        falls
    }

    fn fall(&self, operator: String) -> Fall {
        let providers = self.providers_of(&operator);
        let secures = (0..self.input().chains.len())
            .filter(|chain| self.power_on(*chain, &providers).1 > 0)
            .collect::<Vec<_>>();
        Fall {
            secures: self.chain_names(&secures),
            stalls: self.chains_within_reach(&providers, Power::Stall),
            finalizes_twice: self.chains_within_reach(&providers, Power::FinalizeTwice),
            finalizes_alone: self.chains_within_reach(&providers, Power::FinalizeAlone),
            operator,
        }
    }

    /// Does an attack pay once an operator is slashed for good? The same question of the graph that is left.
    ///
    /// # Errors
    /// [`TooManyServices`] when more than 128 chains differ.
    pub fn security_without(&self, operator: &str, budget: Budget) -> Result<Security, TooManyServices> {
        self.graph().without(&self.providers_of(operator)).security(budget)
    }

    /// Returns an amount of the graph in satoshis, rounded up.
    pub fn to_sat_up(&self, amount: u128) -> u128 {
        let units = amount.saturating_mul(self.unit());
        units.div_ceil(u128::from(UNITS_PER_SAT))
    }
}
