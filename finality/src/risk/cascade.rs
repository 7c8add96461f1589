//! What a shock brings down: R_ψ, exact on small graphs (Durvasula and Roughgarden, section 2).

use std::collections::{BTreeSet, HashMap};

use super::graph::{RestakingGraph, chosen};
use super::number::Ratio;

/// The most validators and services, together, for which cascades are searched: each step tries all of both.
const MAX_SIZE: usize = 14;

/// The error of a graph that is too large to try every cascade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the graph has {0} validators and services; must have at most 14 to try every cascade")]
#[non_exhaustive]
pub struct TooLargeForCascades(pub usize);

impl RestakingGraph {
    /// Returns R_ψ: the share ψ of the stake, and the most of it that attacks can take, one after another,
    /// when any validators with at most that share are gone before. The attacks of a cascade have no
    /// validator and no service in common.
    ///
    /// `None` when there is no stake.
    ///
    /// # Errors
    /// [`TooLargeForCascades`] when it would take too long.
    pub fn cascade_risk(&self, shock: Ratio) -> Result<Option<Ratio>, TooLargeForCascades> {
        let (validators, services) = (self.stakes().len(), self.services().len());
        let size = validators.saturating_add(services);
        if size > MAX_SIZE {
            return Err(TooLargeForCascades(size));
        }
        let total = self.total_stake();
        let table = |count: usize, sum: &dyn Fn(&BTreeSet<usize>) -> u128| -> Vec<u128> {
            (0..=full(count)).map(|bits| sum(&places(bits))).collect()
        };
        let mut losses = Losses {
            graph: self,
            stakes: table(validators, &|set| self.stake_of(set)),
            profits: table(services, &|set| self.profit_of(set)),
            known: HashMap::new(),
        };
        let (all_validators, all_services) = (full(validators), full(services));
        let mut most = 0;
        for gone in 0..=all_validators {
            let lost = self.stake_of(&places(gone));
            // σ_D / σ_V ≤ ψ.
            if Ratio::new(lost, total).is_some_and(|share| share <= shock) {
                most = most.max(losses.most(all_validators & !gone, all_services));
            }
        }
        // ψ + most / total, over one denominator.
        let numerator = shock
            .numerator()
            .checked_mul(total)
            .and_then(|shock_part| shock_part.checked_add(most.checked_mul(shock.denominator())?));
        let sum = numerator.and_then(|sum| Ratio::new(sum, shock.denominator().checked_mul(total)?));
        Ok(sum)
    }
}

fn full(count: usize) -> u32 {
    (0..count).fold(0, |bits, index| bits | place(index))
}

fn place(index: usize) -> u32 {
    u32::try_from(index).ok().and_then(|index| 1_u32.checked_shl(index)).unwrap_or_default()
}

fn places(bits: u32) -> BTreeSet<usize> {
    let all: Vec<usize> = (0..MAX_SIZE).collect();
    chosen(&all.iter().collect::<Vec<_>>(), bits)
}

/// The most stake that cascades take, by the validators and services that are left.
struct Losses<'a> {
    graph: &'a RestakingGraph,
    /// Stakes and profits of sets, by bits.
    stakes: Vec<u128>,
    profits: Vec<u128>,
    known: HashMap<(u32, u32), u128>,
}

impl Losses<'_> {
    fn most(&mut self, validators: u32, services: u32) -> u128 {
        if let Some(known) = self.known.get(&(validators, services)) {
            return *known;
        }
        let left = self.graph.without(&places(!validators & full(self.graph.stakes().len())));
        let mut most = 0;
        for attackers in subsets(validators).filter(|attackers| *attackers != 0) {
            let attackers_set = places(attackers);
            let stake = of(&self.stakes, attackers);
            let corrupted = left.corrupted_by(&attackers_set);
            let corrupted = corrupted.into_iter().fold(0, |bits, index| bits | place(index)) & services;
            // Which services pay matters, as the others are left for the next attack.
            for paying in subsets(corrupted) {
                if of(&self.profits, paying) > stake {
                    let next = self.most(validators & !attackers, services & !paying);
                    most = most.max(stake.saturating_add(next));
                }
            }
        }
        self.known.insert((validators, services), most);
        most
    }
}

fn of(table: &[u128], bits: u32) -> u128 {
    usize::try_from(bits).ok().and_then(|bits| table.get(bits)).copied().unwrap_or_default()
}

/// The subsets of a set, each once, the empty one last.
fn subsets(set: u32) -> impl Iterator<Item = u32> {
    let mut next = Some(set);
    core::iter::from_fn(move || {
        let subset = next?;
        next = subset.checked_sub(1).map(|below| below & set);
        Some(subset)
    })
}
