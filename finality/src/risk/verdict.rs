//! Verdicts on a graph: secure or not, with a witness; the slack; how much a service may hold.

use super::bound::Weights;
use super::graph::{Coalition, RestakingGraph};
use super::merged::Merged;
use super::number::Ratio;
use super::search::{Budget, Goal, Outcome, VERDICT, search};

/// An attack, as it is recomputed in integers from the graph itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Attack {
    /// Who attacks what.
    pub coalition: Coalition,
    /// The profit of its services.
    pub profit: u128,
    /// The stake of its validators.
    pub stake: u128,
}

/// Whether a graph is secure.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Security {
    /// No coalition gains by an attack. An attack that breaks even is none.
    Secure,
    /// This attack gains. None gains more than `most_gain`: when this one gains as much, it is the most
    /// profitable.
    Insecure {
        /// The most profitable attack that was found.
        attack: Attack,
        /// A bound of what any attack gains.
        most_gain: u128,
    },
    /// No attack that gains was found in the search's budget, and none gains more than `most_gain`.
    Undecided {
        /// A bound of what any attack gains.
        most_gain: u128,
    },
}

/// A number that is known exactly, or between bounds: they are equal when it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Bounds<T> {
    /// It is at least this.
    pub at_least: T,
    /// It is at most this.
    pub at_most: T,
}

impl<T: PartialEq> Bounds<T> {
    /// Returns whether the number is known exactly.
    pub fn is_exact(&self) -> bool {
        self.at_least == self.at_most
    }
}

/// A reason why the search refuses a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the graph has more than 128 services that differ; the search takes at most so many")]
#[non_exhaustive]
pub struct TooManyServices;

/// The stake of the cheapest coalition for its profit: σ_B / π_A, which is 1 + γ. A graph is secure when it
/// is at least 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slack {
    /// 1 + γ: `at_most` is that of the coalition below.
    pub stake_per_profit: Bounds<Ratio>,
    /// The coalition with the least stake for its profit that was found.
    pub coalition: Attack,
}

impl Slack {
    /// Returns a bound of what a shock of this share of the stake takes along, R_ψ < (1 + 1/γ)·ψ (Theorem 1),
    /// by the lower bound of the slack; `None` where that is not above 0, so that nothing is promised, or the
    /// numbers are too large.
    pub fn cascade_bound(&self, shock: Ratio) -> Option<Ratio> {
        // 1 + γ = s/p, so 1 + 1/γ = s/(s − p).
        let least = &self.stake_per_profit.at_least;
        let above = least.numerator().checked_sub(least.denominator()).filter(|above| *above > 0)?;
        let numerator = least.numerator().checked_mul(shock.numerator())?;
        Ratio::new(numerator, above.checked_mul(shock.denominator())?)
    }
}

fn unsigned(number: i128) -> u128 {
    number.max(0).unsigned_abs()
}

impl RestakingGraph {
    fn merged(&self, forced: Option<usize>) -> Result<Merged, TooManyServices> {
        Merged::new(self, forced).ok_or(TooManyServices)
    }

    /// Returns the attack of a coalition, recomputed; `None` when it cannot do what it says.
    pub fn attack(&self, coalition: Coalition) -> Option<Attack> {
        let (profit, stake) = (self.profit_of(&coalition.services), self.stake_of(&coalition.validators));
        self.is_attacking(&coalition).then_some(Attack { coalition, profit, stake })
    }

    fn found(&self, merged: &Merged, outcome: &Outcome) -> Option<Attack> {
        self.attack(merged.coalition(outcome.best.as_ref()?))
    }

    /// Returns whether the graph is secure, with the most profitable attack as a witness when it is not.
    ///
    /// # Errors
    /// [`TooManyServices`] after merging equal ones.
    pub fn security(&self, budget: Budget) -> Result<Security, TooManyServices> {
        let merged = self.merged(None)?;
        let outcome = search(&merged, VERDICT, 0, budget);
        let most_gain = unsigned(outcome.limit.unwrap_or_default());
        let witness = self.found(&merged, &outcome).filter(|attack| attack.profit > attack.stake);
        Ok(match witness {
            Some(attack) => Security::Insecure { attack, most_gain },
            None if most_gain == 0 => Security::Secure,
            None => Security::Undecided { most_gain },
        })
    }

    /// Returns the attack with the least stake among those that gain, and the bounds of that least stake;
    /// `None` when none gains, or none was found.
    ///
    /// # Errors
    /// [`TooManyServices`] after merging equal ones.
    pub fn cheapest_attack(&self, budget: Budget) -> Result<Option<(Attack, Bounds<u128>)>, TooManyServices> {
        let merged = self.merged(None)?;
        let outcome = search(&merged, Goal::Cheapest, 0, budget);
        let attack = self.found(&merged, &outcome).filter(|attack| attack.profit > attack.stake);
        Ok(attack.map(|attack| {
            let least = outcome.limit.map_or(0, |limit| unsigned(limit.saturating_neg()));
            let bounds = Bounds { at_least: least.min(attack.stake), at_most: attack.stake };
            (attack, bounds)
        }))
    }

    /// Returns the largest slack γ for which (1 + γ)·π_A ≤ σ_B holds for all attacking coalitions (eq. 11);
    /// `None` when there is no profit to be had.
    ///
    /// # Errors
    /// [`TooManyServices`] after merging equal ones.
    pub fn slack(&self, budget: Budget) -> Result<Option<Slack>, TooManyServices> {
        let merged = self.merged(None)?;
        // Dinkelbach's method: the best ratio so far is the next weight, until nobody is better by it.
        let mut weights = Weights { profit: 1, stake: 1 };
        let mut best: Option<Attack> = None;
        loop {
            let outcome = search(&merged, Goal::Gain(weights), 0, budget);
            let better = self.found(&merged, &outcome).filter(|attack| attack.profit > 0);
            let ratio = |attack: &Attack| Ratio::new(attack.stake, attack.profit);
            match (better, &best) {
                (Some(better), None) => best = Some(better),
                (Some(better), Some(known)) if ratio(&better) < ratio(known) => best = Some(better),
                (None, None) => {
                    // Nothing was gained at this weight: all services by all validators are a coalition as
                    // well.
                    let all = Coalition {
                        services: (0..self.services().len()).collect(),
                        validators: (0..self.stakes().len()).collect(),
                    };
                    match self.attack(all).filter(|attack| attack.profit > 0) {
                        Some(attack) => best = Some(attack),
                        None => return Ok(None),
                    }
                }
                (_, Some(known)) => {
                    return Ok(slack_of(known.clone(), &outcome, weights, merged.least_need()));
                }
            }
            if let Some(attack) = &best {
                // Below 2^63 each.
                weights = Weights {
                    profit: i128::try_from(attack.stake).unwrap_or(i128::MAX),
                    stake: i128::try_from(attack.profit).unwrap_or(i128::MAX),
                };
            }
        }
    }

    /// Returns the most profit that a service may offer, with all others as they are, before an attack that
    /// corrupts it gains, and the coalition that then breaks even. An attack on others alone is another
    /// question.
    ///
    /// # Errors
    /// [`TooManyServices`] after merging equal ones.
    pub fn headroom(
        &self,
        service: usize,
        budget: Budget,
    ) -> Result<(Bounds<u128>, Option<Coalition>), TooManyServices> {
        let mut without = self.clone();
        without.set_profit(service, 0);
        let merged = without.merged(Some(service))?;
        let forced = merged.bits_of(service);
        let outcome = search(&merged, VERDICT, forced, budget);
        let most = |gain: Option<i128>| gain.map_or(u128::MAX, |gain| unsigned(gain.saturating_neg()));
        let coalition = outcome.best.as_ref().map(|taken| merged.coalition(taken));
        Ok((Bounds { at_least: most(outcome.limit), at_most: most(outcome.score) }, coalition))
    }
}

/// The slack by the best coalition, and the bound that the last search left.
///
/// With its ratio p/q, the search says p·π − q·σ ≤ L for all coalitions. One with a smaller ratio r = σ/π has
/// π ≥ σ·q/p, and σ is at least the least need n; so r ≥ p/q − L/(q·π) ≥ (p/q)·(1 − L/(q·n)).
fn slack_of(coalition: Attack, outcome: &Outcome, weights: Weights, least_need: i128) -> Option<Slack> {
    const FINE: u128 = 1 << 20;
    let at_most = Ratio::new(coalition.stake, coalition.profit)?;
    let limit = unsigned(outcome.limit.unwrap_or_default());
    let mut at_least = at_most;
    if limit > 0 {
        let (stake, profit) = (unsigned(weights.stake), unsigned(weights.profit));
        // Below 2^126. In parts of 2^30, the limit rounded up and the other down, to multiply them without
        // overflow.
        let whole = stake.saturating_mul(unsigned(least_need)) >> 30;
        let part = whole.saturating_sub((limit >> 30).saturating_add(1)).saturating_mul(FINE);
        let part = part.checked_div(whole).unwrap_or_default();
        at_least = Ratio::new(profit.saturating_mul(part), stake.saturating_mul(FINE))?.min(at_most);
    }
    Some(Slack { stake_per_profit: Bounds { at_least, at_most }, coalition })
}
