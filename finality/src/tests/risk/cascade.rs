//! R_ψ on small graphs.

use proptest::prelude::*;

use super::{ENOUGH, graph, service};
use crate::risk::{Ratio, Service, Threshold, TooLargeForCascades};

fn ratio(numerator: u128, denominator: u128) -> Ratio {
    Ratio::new(numerator, denominator).unwrap()
}

/// By hand: the first attack opens the second, and a service pays once.
#[test]
fn one_attack_opens_the_next() {
    // b can corrupt its own service for 3 when a is gone; c's service is on b and c. Before that nothing
    // pays: 3 of 4, 5 of 6, 8 of 8.
    let chain =
        graph(&[2, 2, 4, 12], vec![service(3, Threshold::ALL, &[0, 1]), service(5, Threshold::ALL, &[1, 2])]);
    // Of 20: a is a tenth. Then b (2 < 3), then c (4 < 5).
    assert_eq!(chain.cascade_risk(ratio(1, 10)).unwrap(), Some(ratio(2 + 2 + 4, 20)));
    assert_eq!(chain.cascade_risk(ratio(1, 11)).unwrap(), Some(ratio(1, 11)));
    // A service whose validators are gone pays for another, but only once: 3 and 2 for 4, and then nothing
    // for 13.
    let dead = graph(&[1, 4, 15], vec![service(3, Threshold::ALL, &[0]), service(2, Threshold::ALL, &[1])]);
    assert_eq!(dead.cascade_risk(ratio(1, 20)).unwrap(), Some(ratio(1 + 4, 20)));
    assert_eq!(graph(&[0], vec![]).cascade_risk(ratio(1, 2)).unwrap(), None);
    let large = graph(&[1; 15], vec![]);
    assert_eq!(large.cascade_risk(ratio(1, 2)), Err(TooLargeForCascades(15)));
}

/// The largest that is taken, where every attack pays.
#[test]
fn largest_graph_is_tried_in_full() {
    let services = (0..7).map(|n| service(20, Threshold::THIRD, &[n, (n + 1) % 7, (n + 2) % 7])).collect();
    let graph = graph(&[1, 2, 3, 4, 5, 6, 7], services);
    assert_eq!(graph.cascade_risk(ratio(0, 1)).unwrap(), Some(ratio(1, 1)), "all of it falls");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Theorem 1: with a slack of γ > 0, R_ψ < (1 + 1/γ)·ψ. And a larger shock takes no less.
    #[test]
    fn slack_bounds_cascades(
        stakes in prop::collection::vec(1u128..9, 1..6),
        raw in prop::collection::vec((1u128..6, any::<bool>(), 1u8..32), 0..4),
        above in 1u128..6,
    ) {
        let services: Vec<Service> = raw.into_iter().map(|(profit, all, on)| {
            let on: Vec<_> = (0..stakes.len()).filter(|index| on >> index & 1 == 1).collect();
            service(profit, if all { Threshold::ALL } else { Threshold::THIRD }, &on)
        }).collect();
        let graph = graph(&stakes, services);
        let shock = ratio(above, 12);
        let risk = graph.cascade_risk(shock).unwrap().unwrap();
        prop_assert!(risk >= shock && risk <= ratio(above + 12, 12));
        prop_assert!(graph.cascade_risk(ratio(above + 1, 12)).unwrap().unwrap() >= risk);
        if let Some(slack) = graph.slack(ENOUGH).unwrap() {
            if let Some(bound) = slack.cascade_bound(shock) {
                prop_assert!(risk < bound);
            } else {
                prop_assert!(slack.stake_per_profit.at_most <= ratio(1, 1));
            }
        }
    }
}
