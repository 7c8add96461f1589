//! Every coalition tried, as the judge of the search, over random small graphs; and laws that hold for any
//! graph.

use proptest::prelude::*;

use super::{ENOUGH, graph, service, share};
use crate::risk::{Budget, Coalition, Instance, Ratio, RestakingGraph, Security, Service, Shape};

fn any_graph(validators: usize, services: usize) -> impl Strategy<Value = RestakingGraph> {
    let one = (0u128..25, prop::sample::select(vec![(1, 3), (2, 3), (1, 2), (1, 1), (3, 7)]), any::<u16>());
    (prop::collection::vec(0u128..12, 1..=validators), prop::collection::vec(one, 0..=services)).prop_map(
        |(stakes, services)| {
            let services = services.into_iter().map(|(profit, (above, below), on)| {
                let on: Vec<_> = (0..stakes.len()).filter(|index| on >> index & 1 == 1).collect();
                service(profit, share(above, below), &on)
            });
            let services = services.collect();
            RestakingGraph::new(stakes, services).unwrap()
        },
    )
}

/// All coalitions that corrupt all that their validators can: the only ones worth looking at.
fn coalitions(graph: &RestakingGraph) -> impl Iterator<Item = (Coalition, i128, i128)> + '_ {
    let count = graph.stakes().len();
    (0u32..1 << count).map(move |bits| {
        let validators = (0..count).filter(|index| bits >> index & 1 == 1).collect();
        let coalition = Coalition { services: graph.corrupted_by(&validators), validators };
        let profit = graph.profit_of(&coalition.services) as i128;
        let stake = graph.stake_of(&coalition.validators) as i128;
        (coalition, profit, stake)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn search_agrees_with_brute_force(graph in any_graph(9, 6)) {
        let gain = coalitions(&graph).map(|(_, profit, stake)| profit - stake).max().unwrap();
        match graph.security(ENOUGH).unwrap() {
            Security::Secure => prop_assert_eq!(gain, 0),
            Security::Insecure { attack, most_gain } => {
                prop_assert!(graph.is_valid_attack(&attack.coalition));
                prop_assert_eq!((attack.profit - attack.stake) as i128, gain, "the most profitable");
                prop_assert_eq!(most_gain as i128, gain);
            }
            Security::Undecided { .. } => prop_assert!(false, "not settled"),
        }
        let cheapest = coalitions(&graph).filter(|(_, p, s)| p > s).map(|(_, _, stake)| stake).min();
        let found = graph.cheapest_attack(ENOUGH).unwrap();
        prop_assert_eq!(found.as_ref().map(|(attack, _)| attack.stake as i128), cheapest);
        if let Some((attack, bounds)) = found {
            prop_assert!(graph.is_valid_attack(&attack.coalition) && bounds.is_exact());
        }
        let least = coalitions(&graph)
            .filter(|(_, profit, _)| *profit > 0)
            .map(|(_, profit, stake)| Ratio::new(stake as u128, profit as u128).unwrap())
            .min();
        let slack = graph.slack(ENOUGH).unwrap();
        prop_assert_eq!(slack.as_ref().map(|slack| slack.stake_per_profit.at_most), least);
        prop_assert!(slack.is_none_or(|slack| slack.stake_per_profit.is_exact()));
    }

    #[test]
    fn headroom_is_where_an_attack_begins_to_pay(
        graph in any_graph(8, 5),
        at in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!graph.services().is_empty());
        let at = at.index(graph.services().len());
        let (bounds, coalition) = graph.headroom(at, ENOUGH).unwrap();
        prop_assert!(bounds.is_exact());
        let own = graph.services()[at].profit as i128;
        let judged = coalitions(&graph)
            .filter(|(coalition, _, _)| coalition.services.contains(&at))
            .map(|(_, profit, stake)| stake - (profit - own))
            .min()
            .unwrap();
        prop_assert_eq!(bounds.at_most as i128, judged.max(0));
        let coalition = coalition.unwrap();
        prop_assert!(coalition.services.contains(&at) && graph.is_attacking(&coalition));
    }

    /// The conditions are enough; the search never contradicts them.
    #[test]
    fn conditions_are_sufficient(graph in any_graph(8, 5), above in 0u128..4, below in 1u128..4) {
        let slack = graph.slack(ENOUGH).unwrap();
        if graph.is_overcollateralized() {
            prop_assert_eq!(graph.security(ENOUGH).unwrap(), Security::Secure);
        }
        if graph.is_overcollateralized_by(Ratio::new(above, below).unwrap()) {
            // 1 + γ.
            let needed = Ratio::new(above + below, below).unwrap();
            prop_assert!(slack.is_none_or(|slack| slack.stake_per_profit.at_most >= needed));
        }
    }

    /// However little the search may do, the truth is within its bounds.
    #[test]
    fn bounds_hold_in_any_budget(
        graph in any_graph(9, 6),
        nodes in 0u32..6,
        gap_ppm in prop_oneof![Just(0u32), 0u32..1_000_000],
    ) {
        let budget = Budget { nodes, gap_ppm };
        let truth = coalitions(&graph).map(|(_, profit, stake)| profit - stake).max().unwrap() as u128;
        match graph.security(budget).unwrap() {
            Security::Secure => prop_assert_eq!(truth, 0),
            Security::Insecure { attack, most_gain } => {
                prop_assert!(graph.is_valid_attack(&attack.coalition));
                prop_assert!(attack.profit - attack.stake <= truth && truth <= most_gain);
            }
            Security::Undecided { most_gain } => prop_assert!(truth <= most_gain),
        }
        let least = coalitions(&graph)
            .filter(|(_, profit, _)| *profit > 0)
            .map(|(_, profit, stake)| Ratio::new(stake as u128, profit as u128).unwrap())
            .min();
        let slack = graph.slack(budget).unwrap();
        prop_assert_eq!(slack.is_some(), least.is_some());
        if let (Some(slack), Some(least)) = (slack, least) {
            let bounds = slack.stake_per_profit;
            prop_assert!(bounds.at_least <= least && least <= bounds.at_most);
        }
        let cheapest = coalitions(&graph).filter(|(_, p, s)| p > s).map(|(_, _, stake)| stake as u128).min();
        if let Some((attack, bounds)) = graph.cheapest_attack(budget).unwrap() {
            prop_assert!(graph.is_valid_attack(&attack.coalition));
            let cheapest = cheapest.unwrap();
            prop_assert!(bounds.at_least <= cheapest && cheapest <= bounds.at_most);
        }
    }

    /// k copies of a service are one with k times its profit; all amounts times k change nothing but the
    /// unit; twice the stake is twice the stake for each profit.
    #[test]
    fn scaling_laws_hold(graph in any_graph(7, 4), k in 1u128..5) {
        let slack = |graph: &RestakingGraph| {
            graph.slack(ENOUGH).unwrap().map(|slack| slack.stake_per_profit.at_most)
        };
        let copies = graph.services().iter().flat_map(|one| vec![one.clone(); k as usize]).collect();
        let copies = super::graph(graph.stakes(), copies);
        let dearer = graph.services().iter().cloned().map(|one| Service { profit: one.profit * k, ..one });
        let dearer = super::graph(graph.stakes(), dearer.collect());
        prop_assert_eq!(slack(&copies), slack(&dearer));
        let gain = |graph: &RestakingGraph| match graph.security(ENOUGH).unwrap() {
            Security::Insecure { attack, .. } => attack.profit - attack.stake,
            _ => 0,
        };
        prop_assert_eq!(gain(&copies), gain(&dearer));
        let richer: Vec<_> = graph.stakes().iter().map(|stake| stake * k).collect();
        let scaled = super::graph(&richer, dearer.services().to_vec());
        // Thresholds are rounded up to whole units, so that finer units can only make attacks cheaper.
        let (of_scaled, of_graph) = (slack(&scaled), slack(&graph));
        prop_assert_eq!(of_scaled.is_some(), of_graph.is_some());
        prop_assert!(of_scaled <= of_graph);
        // Whole thresholds do not depend on the unit.
        let whole: Vec<_> = graph.services().iter().cloned()
            .map(|one| Service { threshold: share(1, 1), ..one }).collect();
        let (once, twice) = (super::graph(graph.stakes(), whole.clone()), super::graph(&richer, whole));
        if let (Some(once), Some(twice)) = (slack(&once), slack(&twice)) {
            prop_assert_eq!(Ratio::new(once.numerator() * k, once.denominator()).unwrap(), twice);
        }
    }
}

/// Larger ones, of every shape, against all 2^14 coalitions.
#[test]
fn made_graphs_agree_with_brute_force() {
    let mut insecure = 0;
    for shape in Shape::ALL {
        for seed in 0..4 {
            for profit_percent in [10, 30, 80] {
                let made = Instance { seed, shape, validators: 14, services: 7, profit_percent };
                let graph = made.graph().unwrap();
                let truth = coalitions(&graph).map(|(_, profit, stake)| profit - stake).max().unwrap();
                match graph.security(ENOUGH).unwrap() {
                    Security::Secure => assert_eq!(truth, 0, "{made:?}"),
                    Security::Insecure { attack, .. } => {
                        insecure += 1;
                        assert_eq!((attack.profit - attack.stake) as i128, truth, "{made:?}");
                    }
                    other => panic!("{made:?}: {other:?}"),
                }
            }
        }
    }
    assert!((10..50).contains(&insecure), "{insecure} of 60: both kinds are among them");
}

#[test]
fn made_graphs_are_the_same_for_a_seed() {
    let made = Instance { seed: 7, shape: Shape::Groups, validators: 20, services: 5, profit_percent: 30 };
    assert_eq!(made.graph(), made.graph());
    assert_ne!(made.graph(), Instance { seed: 8, ..made }.graph());
    assert!(graph(&[1], vec![]).services().is_empty());
}
