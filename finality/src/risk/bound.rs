//! An upper bound of what a node of the search can still gain: the Lagrangian dual of its needs.
//!
//! With any multipliers λ_s ≥ 0, whoever corrupts A with B has met each need n_s by the stakes of B, of which
//! no validator gives a service more than the service needs. So
//!
//! p·π_A − q·σ_B ≤ Σ_s max(0, p·π_s − λ_s·n_s) + Σ_v max(0, Σ_s λ_s·min(σ_v, n_s) − q·σ_v).
//!
//! Good multipliers are guessed in floats, by the subgradient method. The bound that they give is then
//! computed in integers, and holds however bad the guess is.

use super::merged::{Merged, Taken, bit};
use super::number::to_f64;

/// The weights of the objective p·π_A − q·σ_B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weights {
    pub(super) profit: i128,
    pub(super) stake: i128,
}

/// What is decided so far: services that are, and are not, corrupted; how many of each class attack at least,
/// and at most.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) yes: u128,
    pub(super) no: u128,
    pub(super) lo: Taken,
    pub(super) hi: Taken,
    /// The multipliers, as parts of the stake's weight.
    pub(super) multipliers: Vec<f64>,
}

/// What a bound says, and what it hints at.
#[derive(Debug, Clone)]
pub(super) struct Bound {
    /// No way to go on gains more.
    pub(super) value: i128,
    /// No way to go on costs less.
    pub(super) least_cost: i128,
    /// The services that the multipliers would corrupt.
    pub(super) hinted: u128,
}

/// The multipliers are whole numbers over the stake's weight times this, so that small weights are fine
/// enough.
const FINENESS: i128 = 1 << 20;

#[allow(clippy::as_conversions, reason = "a guess, from a float that is not negative; it saturates")]
fn whole(guess: f64) -> i128 {
    guess as i128
}

fn float(number: i128) -> f64 {
    to_f64(number.unsigned_abs())
}

impl Merged {
    /// Improves the multipliers in so many steps, and returns the bound. `None` when a service that is to be
    /// corrupted cannot be.
    pub(super) fn bound(&self, node: &mut Node, weights: Weights, best: i128, steps: u32) -> Option<Bound> {
        let unmet = self.unmet(&node.lo);
        self.decide(node, &unmet)?;
        self.improve(node, &unmet, weights, best, steps);
        Some(self.evaluate(node, &unmet, weights))
    }

    /// Decides what is clear: services that need no more are corrupted, those that cannot be are not.
    fn decide(&self, node: &mut Node, unmet: &[i128]) -> Option<()> {
        let mut left: Vec<i128> = unmet.to_vec();
        for ((class, lo), hi) in self.classes.iter().zip(&node.lo).zip(&node.hi) {
            let stake = class.stake.saturating_mul(i128::from(hi.saturating_sub(*lo)));
            for index in &class.on {
                if let Some(left) = left.get_mut(*index) {
                    *left = left.saturating_sub(stake);
                }
            }
        }
        for (index, (unmet, left)) in unmet.iter().zip(&left).enumerate() {
            if *unmet == 0 && node.no & bit(index) == 0 {
                node.yes |= bit(index);
            } else if *left > 0 {
                if node.yes & bit(index) != 0 {
                    return None;
                }
                node.no |= bit(index);
            }
        }
        Some(())
    }

    /// The subgradient method, in floats: each step goes against what the relaxed solution violates.
    fn improve(&self, node: &mut Node, unmet: &[i128], weights: Weights, best: i128, steps: u32) {
        let ratio = float(weights.profit) / float(weights.stake).max(1.0);
        let needs: Vec<f64> = unmet.iter().map(|need| float(*need)).collect();
        let gains: Vec<f64> = self.services.iter().map(|service| float(service.profit) * ratio).collect();
        let fixed = float(self.cost(&node.lo));
        let target = if best < 0 { -float(best) } else { float(best) } / float(weights.stake).max(1.0);
        let (mut least, mut multipliers) = (f64::INFINITY, node.multipliers.clone());
        let mut stride = 1.0;
        for _ in 0..steps {
            let mut value = -fixed;
            let mut slope: Vec<f64> = vec![0.0; needs.len()];
            for (index, ((need, gain), lambda)) in needs.iter().zip(&gains).zip(&multipliers).enumerate() {
                let worth = gain - lambda * need;
                let yes = node.yes & bit(index) != 0;
                if yes || (node.no & bit(index) == 0 && worth > 0.0) {
                    value += worth;
                    if let Some(slope) = slope.get_mut(index) {
                        *slope -= need;
                    }
                }
            }
            for ((class, lo), hi) in self.classes.iter().zip(&node.lo).zip(&node.hi) {
                let free = f64::from(hi.saturating_sub(*lo));
                if free == 0.0 {
                    continue;
                }
                let stake = float(class.stake);
                let part = |index: &usize| {
                    let need = needs.get(*index).copied().unwrap_or_default();
                    let lambda = multipliers.get(*index).copied().unwrap_or_default();
                    (need.min(stake), lambda)
                };
                let reduced: f64 =
                    class.on.iter().map(|index| part(index).0 * part(index).1).sum::<f64>() - stake;
                if reduced > 0.0 {
                    value += free * reduced;
                    for index in &class.on {
                        if let Some(slope) = slope.get_mut(*index) {
                            *slope += free * part(index).0;
                        }
                    }
                }
            }
            if value < least {
                least = value;
                node.multipliers.clone_from(&multipliers);
            } else {
                stride *= 0.7;
            }
            // A multiplier that is 0 cannot go below.
            let norm: f64 = slope
                .iter()
                .zip(&multipliers)
                .filter(|(slope, lambda)| **lambda > 0.0 || **slope < 0.0)
                .map(|(slope, _)| slope * slope)
                .sum();
            if norm < 1e-9 || stride < 1e-3 {
                break;
            }
            let step = stride * ((value - target).abs().max(value.abs() * 1e-3)) / norm;
            for (index, (lambda, slope)) in multipliers.iter_mut().zip(&slope).enumerate() {
                *lambda = if node.no & bit(index) == 0 { (*lambda - step * slope).max(0.0) } else { 0.0 };
            }
        }
    }

    /// The bounds of a node with its multipliers, in integers.
    fn evaluate(&self, node: &Node, unmet: &[i128], weights: Weights) -> Bound {
        // Larger weights are fine enough by themselves.
        let scale = FINENESS.checked_div(weights.stake.max(1)).unwrap_or(1).max(1);
        let (profit, stake) = (weights.profit.saturating_mul(scale), weights.stake.saturating_mul(scale));
        let lambdas: Vec<i128> =
            node.multipliers.iter().map(|lambda| whole(lambda * float(stake)).max(0)).collect();
        let fixed = self.cost(&node.lo);
        let mut value = stake.saturating_mul(fixed).saturating_neg();
        // The same with the profits left out: how much the services that are corrupted cost at least.
        let (mut least, mut simple) = (0_i128, 0_i128);
        let mut hinted = node.yes;
        let services = self.services.iter().zip(unmet).zip(&lambdas).enumerate();
        for (index, ((service, need), lambda)) in services {
            let (gain, price) = (profit.saturating_mul(service.profit), lambda.saturating_mul(*need));
            let worth = gain.saturating_sub(price);
            if node.yes & bit(index) != 0 {
                value = value.saturating_add(worth);
                least = least.saturating_add(price);
                simple = simple.max(*need);
            } else if node.no & bit(index) == 0 && worth > 0 {
                value = value.saturating_add(worth);
                hinted |= bit(index);
            }
        }
        for ((class, lo), hi) in self.classes.iter().zip(&node.lo).zip(&node.hi) {
            let free = i128::from(hi.saturating_sub(*lo));
            if free == 0 {
                continue;
            }
            let price = stake.saturating_mul(class.stake).saturating_neg();
            let (mut all, mut decided) = (price, price);
            for index in class.on.iter().filter(|index| node.no & bit(**index) == 0) {
                let part = unmet.get(*index).copied().unwrap_or_default().min(class.stake);
                let part = part.saturating_mul(lambdas.get(*index).copied().unwrap_or_default());
                all = all.saturating_add(part);
                if node.yes & bit(*index) != 0 {
                    decided = decided.saturating_add(part);
                }
            }
            value = value.saturating_add(free.saturating_mul(all.max(0)));
            least = least.saturating_sub(free.saturating_mul(decided.max(0)));
        }
        // A cost is whole, and so is a value in the weights as they came.
        let up = stake.saturating_sub(1).max(0);
        let least = least.max(0).saturating_add(up).checked_div(stake).unwrap_or_default().max(simple);
        Bound { value: value.div_euclid(scale), least_cost: fixed.saturating_add(least), hinted }
    }
}
