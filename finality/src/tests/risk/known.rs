//! The worked examples of the papers, in whole numbers of the least unit.

use super::{ENOUGH, graph, service, share};
use crate::risk::{
    Coalition, InvalidGraph, Ratio, RestakingGraph, Security, Service, SlashableShare, Threshold,
};

fn ratio(numerator: u128, denominator: u128) -> Ratio {
    Ratio::new(numerator, denominator).unwrap()
}

/// 1 + γ, which must be exact.
fn slack(graph: &RestakingGraph) -> Ratio {
    let slack = graph.slack(ENOUGH).unwrap().unwrap();
    assert!(slack.stake_per_profit.is_exact());
    assert!(graph.is_attacking(&slack.coalition.coalition));
    slack.stake_per_profit.at_most
}

fn is_secure(graph: &RestakingGraph) -> bool {
    graph.security(ENOUGH).unwrap() == Security::Secure
}

/// Theorem 2, in tenths: equality is secure, and fragile.
#[test]
fn theorem_2_a_shock_of_a_tenth_takes_all() {
    let graph = graph(&[1, 9], vec![service(10, Threshold::ALL, &[0, 1])]);
    assert!(is_secure(&graph) && graph.is_overcollateralized());
    assert!(!graph.is_overcollateralized_by(ratio(1, 1_000_000_000)));
    assert_eq!(slack(&graph), ratio(1, 1));
    assert_eq!(graph.cascade_risk(ratio(1, 20)).unwrap(), Some(ratio(1, 20)));
    assert_eq!(graph.cascade_risk(ratio(1, 10)).unwrap(), Some(ratio(1, 1)));
}

/// Theorem 3, in tenths, with the service on the first two alone: ψ = 1/10, γ = 1, R = 9/50 < 1/5.
#[test]
fn theorem_3_a_buffer_bounds_the_loss() {
    let graph = graph(&[10, 8, 82], vec![service(9, Threshold::ALL, &[0, 1])]);
    assert!(graph.is_overcollateralized_by(ratio(1, 1)), "with equality");
    assert!(!graph.is_overcollateralized_by(ratio(1_000_001, 1_000_000)));
    assert_eq!(slack(&graph), ratio(2, 1));
    let risk = graph.cascade_risk(ratio(1, 10)).unwrap().unwrap();
    assert_eq!(risk, ratio(9, 50));
    assert!(risk < ratio(1, 5));
    // With an edge to the third, as it is sometimes drawn, one unit more of its stake must be gained: nothing
    // falls.
    let drawn = super::graph(&[10, 8, 82], vec![service(9, Threshold::ALL, &[0, 1, 2])]);
    assert_eq!(drawn.cascade_risk(ratio(1, 10)).unwrap(), Some(ratio(1, 10)));
}

/// Theorem 8, n = 6.
#[test]
fn theorem_8_six_equal_ones_fall_together() {
    let all = [0, 1, 2, 3, 4, 5];
    let services = [&all[..], &all[..3], &all[3..]];
    let services = services.map(|validators| service(2, Threshold::ALL, validators));
    let graph = graph(&[1; 6], services.to_vec());
    assert!(is_secure(&graph) && graph.is_overcollateralized());
    assert!(!graph.is_overcollateralized_by(ratio(1, 1_000_000)), "with equality");
    assert_eq!(slack(&graph), ratio(1, 1));
    assert_eq!(graph.cascade_risk(ratio(1, 6)).unwrap(), Some(ratio(1, 1)));
    assert_eq!(graph.cascade_risk(ratio(1, 7)).unwrap(), Some(ratio(1, 7)));
}

/// One stake of 1 for k services at once: the profits add up, the stake does not.
#[test]
fn leverage_makes_three_services_too_many() {
    // (k, stake over profit, secure)
    for (k, expected, secure) in
        [(1, ratio(2, 1), true), (2, ratio(1, 1), true), (3, ratio(2, 3), false), (4, ratio(1, 2), false)]
    {
        let graph = graph(&[1; 3], vec![service(1, Threshold::TWO_THIRDS, &[0, 1, 2]); k]);
        assert_eq!((slack(&graph), is_secure(&graph)), (expected, secure), "{k}");
        assert_eq!(graph.leverage(), [k, k, k]);
        if !secure {
            let Security::Insecure { attack, most_gain } = graph.security(ENOUGH).unwrap() else {
                panic!("{k} services pay");
            };
            assert_eq!((attack.profit, attack.stake, most_gain), (k as u128, 2, k as u128 - 2));
            assert!(graph.is_valid_attack(&attack.coalition));
            assert_eq!(graph.is_stable(&attack.coalition), Some(true));
            let (cheapest, bounds) = graph.cheapest_attack(ENOUGH).unwrap().unwrap();
            assert!(bounds.is_exact() && cheapest.stake == 2);
        }
    }
}

/// Equality of stake and threshold is an attack; equality of profit and stake is none.
#[test]
fn conditions_are_at_least_and_more_than() {
    let coalition = |services: &[usize], validators: &[usize]| Coalition {
        services: services.iter().copied().collect(),
        validators: validators.iter().copied().collect(),
    };
    let thirds = graph(&[1, 1, 1], vec![service(1, Threshold::THIRD, &[0, 1, 2])]);
    let one = coalition(&[0], &[0]);
    assert!(thirds.is_attacking(&one) && !thirds.is_valid_attack(&one), "it breaks even");
    let two_units = graph(&[1, 1, 1], vec![service(2, Threshold::THIRD, &[0, 1, 2])]);
    assert!(two_units.is_valid_attack(&one));
    assert!(!thirds.is_attacking(&coalition(&[0], &[])));
    assert!(!thirds.is_attacking(&coalition(&[0], &[7])) && !thirds.is_attacking(&coalition(&[1], &[0])));
    assert_eq!(two_units.is_stable(&coalition(&[0], &[0, 1])), Some(false), "one would do");
    let large = coalition(&(0..21).collect::<Vec<_>>(), &[]);
    assert_eq!(two_units.is_stable(&large), None);
    // One satoshi short of two thirds is no quorum, at the size of all satoshis there are.
    let sat = 700_000_000_000_000;
    let nearly =
        graph(&[sat * 2 - 1, sat + 1], vec![service(u128::from(u64::MAX) / 4, share(2, 3), &[0, 1])]);
    assert!(!nearly.is_attacking(&coalition(&[0], &[0])));
    let exact = graph(&[sat * 2, sat], vec![service(sat * 2 + 1, share(2, 3), &[0, 1])]);
    assert!(exact.is_valid_attack(&coalition(&[0], &[0])));
    let Security::Insecure { attack, .. } = exact.security(ENOUGH).unwrap() else { panic!("it pays by 1") };
    assert_eq!((attack.profit - attack.stake, attack.coalition), (1, coalition(&[0], &[0])));
}

/// A service without validators is anybody's: nothing is at stake, and its profit helps to pay for others.
#[test]
fn service_without_validators_pays_for_others() {
    let dead = graph(&[5, 0], vec![service(3, Threshold::ALL, &[1]), service(4, Threshold::ALL, &[0])]);
    let Security::Insecure { attack, .. } = dead.security(ENOUGH).unwrap() else { panic!("3 for nothing") };
    assert_eq!((attack.profit, attack.stake), (3, 0));
    assert_eq!(slack(&dead), ratio(0, 1));
    assert!(!dead.is_overcollateralized(), "a sufficient condition must not say that it is secure");
    let (headroom, _) = dead.headroom(1, ENOUGH).unwrap();
    assert_eq!((headroom.at_least, headroom.at_most), (2, 2), "5 less the 3 that are free");
    let nothing = graph(&[], vec![]);
    assert!(is_secure(&nothing) && nothing.slack(ENOUGH).unwrap().is_none());
    assert!(
        graph(&[], vec![service(1, Threshold::THIRD, &[])]).security(ENOUGH).unwrap() != Security::Secure
    );
}

#[test]
fn graphs_are_checked() {
    let wrong = RestakingGraph::new(vec![1], vec![service(1, Threshold::ALL, &[1])]);
    assert_eq!(wrong, Err(InvalidGraph::NoSuchValidator { service: 0, validator: 1, validators: 1 }));
    let rich = RestakingGraph::new(vec![1 << 62, 1 << 62, 1], vec![]);
    assert_eq!(rich, Err(InvalidGraph::TooMuchStake((1 << 63) + 1)));
    let dear: Vec<Service> = (0..3).map(|_| service(1 << 62, Threshold::ALL, &[])).collect();
    assert!(matches!(RestakingGraph::new(vec![], dear), Err(InvalidGraph::TooMuchProfit(_))));
    assert!(Threshold::new(0, 3).is_err() && Threshold::new(4, 3).is_err() && Threshold::new(0, 0).is_err());
    assert_eq!([0, 1, 2, 3, 4].map(|total| Threshold::TWO_THIRDS.of(total)), [0, 1, 2, 2, 3]);
    assert_eq!(Threshold::THIRD.of(u128::MAX), u128::MAX / 3);
    // More services that differ than the search has bits for; equal ones are merged first.
    let many = |differ: bool| -> Vec<Service> {
        (0..129).map(|n| service(1, Threshold::ALL, &[if differ { n } else { 0 }])).collect()
    };
    assert!(graph(&[1; 129], many(true)).security(ENOUGH).is_err());
    assert!(graph(&[1; 129], many(false)).security(ENOUGH).is_ok());
}

#[test]
fn rates_and_ratios_are_exact() {
    let rate = |text: &str| text.parse::<SlashableShare>();
    assert_eq!(rate("0.001"), Ok(SlashableShare::MAINNET));
    assert_eq!(SlashableShare::MAINNET.of(500_000), 5_000_000, "500 satoshis, in ten-thousandths");
    assert_eq!(rate("0.05").unwrap().to_string(), "0.0500");
    for text in ["0", "0.0", "0.00001", "1.0001", "-1", "", ".5", "1e-3"] {
        assert!(rate(text).is_err(), "{text}");
    }
    // Above 128 bits where they are multiplied.
    let (huge, next) = (ratio(u128::MAX - 1, u128::MAX), ratio(u128::MAX - 2, u128::MAX - 1));
    assert!(huge > next && huge < ratio(1, 1) && ratio(2, 4) == ratio(1, 2));
    assert!((ratio(1, 4).to_f64() - 0.25).abs() < 1e-12);
    assert_eq!(Ratio::new(1, 0), None);
}
