//! Branch and bound over merged services and validators, best bound first, with a limit of nodes and no
//! clock.

use std::collections::BinaryHeap;

use super::bound::{Bound, Node, Weights};
use super::merged::{Merged, Taken, bit, size};

/// How much a search may do. It has no clock, so that the same input gives the same answer everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The most nodes of the search. Each costs about as much as looking at every validator of every service
    /// twenty times: a tenth of a millisecond or so for 100 validators of 15 services. A verdict that is open
    /// by then gets four times as many.
    pub nodes: u32,
    /// The search ends when what it found is within so many millionths of what is possible; 0 to find the
    /// best.
    pub gap_ppm: u32,
}

impl Budget {
    /// For many questions in a row: good enough for a report, and quick.
    pub const QUICK: Self = Self { nodes: 50, gap_ppm: 100 };
}

impl Default for Budget {
    fn default() -> Self {
        Self { nodes: 1500, gap_ppm: 0 }
    }
}

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The greatest p·π_A − q·σ_B.
    Gain(Weights),
    /// The least σ_B of a valid attack.
    Cheapest,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    /// The best that was found.
    pub(super) best: Option<Taken>,
    /// Its score: the gain, or the cost's negative.
    pub(super) score: Option<i128>,
    /// No coalition has a higher score. It is the best one's score when the search is complete.
    pub(super) limit: Option<i128>,
}

const ROOT_STEPS: u32 = 300;
const STEPS: u32 = 20;
/// How often an attack is made cheaper in one search, and how near to the best it must be: a thousandth.
const POLISHES: u32 = 40;
const NEARLY: i128 = 1000;
/// The most classes of validators for which that is done: it looks at all pairs of them, for each that
/// attacks.
const MAX_POLISHED: usize = 256;
const UNIT: Weights = Weights { profit: 1, stake: 1 };
/// The most that an attack gains.
pub(super) const VERDICT: Goal = Goal::Gain(UNIT);

/// A node that waits, by its score, then by its age.
#[derive(Debug)]
struct Open {
    score: i128,
    age: u32,
    node: Node,
    bound: Bound,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Open {}

impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Open {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.score.cmp(&other.score).then(self.age.cmp(&other.age))
    }
}

struct Search<'a> {
    merged: &'a Merged,
    goal: Goal,
    forced: u128,
    best: Option<(i128, Taken)>,
    open: BinaryHeap<Open>,
    age: u32,
    polishes: u32,
}

/// Searches for the best coalition that corrupts the `forced` services, and whatever else pays.
pub(super) fn search(merged: &Merged, goal: Goal, forced: u128, budget: Budget) -> Outcome {
    let mut search =
        Search { merged, goal, forced, best: None, open: BinaryHeap::new(), age: 0, polishes: 0 };
    search.start();
    search.run(budget.nodes, budget.gap_ppm);
    // Whether anything pays at all is worth more than how much.
    if goal == VERDICT && forced == 0 && search.best.as_ref().is_none_or(|(score, _)| *score <= 0) {
        search.run(budget.nodes.saturating_mul(3), budget.gap_ppm);
    }
    let best = search.best.as_ref().map(|(score, _)| *score);
    let waiting = search.open.iter().filter(|open| !search.is_hopeless(open.score, &open.bound));
    let limit = waiting.map(|open| open.score).max().max(best);
    Outcome { score: best, limit, best: search.best.map(|(_, taken)| taken) }
}

impl Search<'_> {
    fn weights(&self) -> Weights {
        match self.goal {
            Goal::Gain(weights) => weights,
            Goal::Cheapest => UNIT,
        }
    }

    /// Whether nothing below a node is better than what is found.
    fn is_hopeless(&self, score: i128, bound: &Bound) -> bool {
        let known = self.best.as_ref().is_some_and(|(best, _)| score <= *best);
        known || (self.goal == Goal::Cheapest && bound.value <= 0)
    }

    fn run(&mut self, nodes: u32, gap_ppm: u32) {
        for _ in 0..nodes {
            let Some(open) = self.open.pop() else { return };
            if self.is_hopeless(open.score, &open.bound) {
                continue;
            }
            // None that waits has a higher score than this one.
            let near = self.best.as_ref().is_some_and(|(best, _)| {
                let part = best.saturating_abs().checked_div(1_000_000).unwrap_or_default();
                open.score.saturating_sub(*best) <= part.saturating_mul(i128::from(gap_ppm))
            });
            if near {
                self.open.push(open);
                return;
            }
            self.branch(&open);
        }
    }

    fn start(&mut self) {
        let merged = self.merged;
        let none = vec![0; merged.classes.len()];
        let all: Taken = merged.classes.iter().map(size).collect();
        // Each service by itself, and all together, are the first attacks that are tried.
        self.offer(none.clone());
        let services: Vec<u128> = (0..merged.services.len()).map(bit).collect();
        let every = services.iter().fold(0, |bits, service| bits | service);
        for wanted in services.iter().copied().chain([every]) {
            if let Some(taken) = merged.cover(wanted | self.forced, &none, &all) {
                self.offer(taken);
            }
        }
        let multipliers = vec![0.5; merged.services.len()];
        self.push(Node { yes: self.forced, no: 0, lo: none, hi: all, multipliers }, ROOT_STEPS);
        self.descend();
    }

    /// Drops services of the best attack one by one, as long as that is better.
    fn descend(&mut self) {
        let none = vec![0; self.merged.classes.len()];
        let all: Taken = self.merged.classes.iter().map(size).collect();
        for _ in 0..self.merged.services.len() {
            let Some((score, taken)) = self.best.clone() else { return };
            let corrupted = self.merged.corrupted(&taken);
            for index in 0..self.merged.services.len() {
                let fewer = corrupted & !bit(index) | self.forced;
                if let Some(taken) = self.merged.cover(fewer, &none, &all) {
                    self.offer(taken);
                }
            }
            if self.best.as_ref().is_none_or(|(better, _)| *better <= score) {
                return;
            }
        }
    }

    /// Takes an attack if it is better than the best, and makes it cheaper when it is, or nearly.
    fn offer(&mut self, taken: Taken) {
        let Some(score) = self.score(&taken) else { return };
        let nearly = self.best.as_ref().is_none_or(|(best, _)| {
            score >= best.saturating_sub(best.checked_div(NEARLY).unwrap_or_default().saturating_abs())
        });
        if !nearly {
            return;
        }
        let merged = self.merged;
        self.take(score, &taken);
        if self.polishes < POLISHES && merged.classes.len() <= MAX_POLISHED {
            self.polishes = self.polishes.saturating_add(1);
            let none = vec![0; merged.classes.len()];
            let all: Taken = merged.classes.iter().map(size).collect();
            let mut polished = taken;
            merged.polish(merged.corrupted(&polished), &none, &all, &mut polished);
            if let Some(score) = self.score(&polished) {
                self.take(score, &polished);
            }
        }
    }

    fn take(&mut self, score: i128, taken: &Taken) {
        if self.best.as_ref().is_none_or(|(best, _)| score > *best) {
            self.best = Some((score, taken.clone()));
        }
    }

    /// The score of an attack; `None` of one that does not corrupt what it must, or pays nothing where it
    /// must.
    fn score(&self, taken: &Taken) -> Option<i128> {
        let corrupted = self.merged.corrupted(taken);
        if corrupted & self.forced != self.forced {
            return None;
        }
        let (profit, cost) = (self.merged.profit(corrupted), self.merged.cost(taken));
        match self.goal {
            Goal::Gain(weights) => {
                let stake = weights.stake.saturating_mul(cost);
                Some(weights.profit.saturating_mul(profit).saturating_sub(stake))
            }
            Goal::Cheapest => (profit > cost).then(|| cost.saturating_neg()),
        }
    }

    /// Bounds a node, tries the attacks that it hints at, and keeps it if it may hold something better.
    fn push(&mut self, mut node: Node, steps: u32) {
        let merged = self.merged;
        let target = match self.goal {
            Goal::Gain(_) => self.best.as_ref().map_or(0, |(best, _)| *best),
            Goal::Cheapest => 0,
        };
        let Some(bound) = merged.bound(&mut node, self.weights(), target, steps) else { return };
        for wanted in [node.yes, bound.hinted] {
            if let Some(taken) = merged.cover(wanted, &node.lo, &node.hi) {
                self.offer(taken);
            }
        }
        let score = match self.goal {
            Goal::Gain(_) => bound.value,
            Goal::Cheapest => bound.least_cost.saturating_neg(),
        };
        if !self.is_hopeless(score, &bound) {
            self.age = self.age.saturating_add(1);
            self.open.push(Open { score, age: self.age, node, bound });
        }
    }

    /// Splits a node in two: by a service that is not decided, or, when all are, by a validator.
    fn branch(&mut self, open: &Open) {
        let (merged, node) = (self.merged, &open.node);
        let weights = self.weights();
        let unmet = merged.unmet(&node.lo);
        let undecided = merged.services.iter().zip(&unmet).zip(&node.multipliers).enumerate();
        let undecided = undecided.filter(|(index, _)| (node.yes | node.no) & bit(*index) == 0);
        // The one for which most speaks on both sides.
        let service = undecided.max_by(|(_, a), (_, b)| {
            let weigh = |((service, need), lambda): &((&super::merged::MergedService, &i128), &f64)| {
                let both = |profit: i128, price: f64| price.min(super::number::to_f64(profit.unsigned_abs()));
                let price = **lambda * super::number::to_f64(need.unsigned_abs());
                both(
                    service
                        .profit
                        .saturating_mul(weights.profit)
                        .checked_div(weights.stake.max(1))
                        .unwrap_or(0),
                    price,
                )
            };
            weigh(a).total_cmp(&weigh(b))
        });
        let (mut first, mut second) = (node.clone(), node.clone());
        if let Some((index, _)) = service {
            first.yes |= bit(index);
            second.no |= bit(index);
        } else {
            let wanted = |class: &super::merged::Class| {
                let open = |index: &usize| {
                    node.yes & bit(*index) != 0 && unmet.get(*index).is_some_and(|unmet| *unmet > 0)
                };
                class.on.iter().filter(|index| open(index)).count()
            };
            let classes = merged.classes.iter().zip(&node.lo).zip(&node.hi).enumerate();
            let free = classes.filter(|(_, ((class, lo), hi))| lo < hi && wanted(class) > 0);
            let Some((place, _)) = free.max_by_key(|(_, ((class, _), _))| {
                i128::try_from(wanted(class)).unwrap_or(1).saturating_mul(class.stake)
            }) else {
                // All that is to be corrupted is: this is an attack, and was offered.
                return;
            };
            if let (Some(lo), Some(hi), Some(least)) =
                (first.lo.get_mut(place), second.hi.get_mut(place), node.lo.get(place))
            {
                *lo = lo.saturating_add(1);
                *hi = *least;
            }
        }
        self.push(first, STEPS);
        self.push(second, STEPS);
    }
}
