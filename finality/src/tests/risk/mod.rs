//! What shared security is worth: known answers, brute force as the judge, laws.

mod brute;
mod cascade;
mod elastic;
mod figures;
mod known;
mod questions;

use crate::risk::{Budget, RestakingGraph, Service, Threshold};

/// Enough for every graph here.
const ENOUGH: Budget = Budget { nodes: 200_000, gap_ppm: 0 };

fn share(numerator: u32, denominator: u32) -> Threshold {
    Threshold::new(numerator, denominator).unwrap()
}

fn service(profit: u128, threshold: Threshold, validators: &[usize]) -> Service {
    Service { profit, threshold, validators: validators.iter().copied().collect() }
}

fn graph(stakes: &[u128], services: Vec<Service>) -> RestakingGraph {
    RestakingGraph::new(stakes.to_vec(), services).unwrap()
}
