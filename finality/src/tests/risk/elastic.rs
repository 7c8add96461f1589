//! Elastic restaking: by hand, and against every attack.

use proptest::prelude::*;

use super::share;
use crate::risk::{ElasticNetwork, ElasticService, InvalidNetwork, Ratio, Threshold};

fn service(profit: u128, threshold: Threshold, allotted: &[u128]) -> ElasticService {
    ElasticService { profit, threshold, allotted: allotted.to_vec() }
}

fn network(stakes: &[u128], services: Vec<ElasticService>) -> ElasticNetwork {
    ElasticNetwork::new(stakes.to_vec(), services).unwrap()
}

#[test]
fn stake_that_is_allotted_twice_is_lost_once() {
    let half = Threshold::new(1, 2).unwrap();
    // Two validators with 10, all of it allotted to both services: half of 20 corrupts each, and one
    // validator pays 10 for both.
    let stretched =
        |profit| network(&[10, 10], vec![service(profit, half, &[10, 10]), service(profit, half, &[10, 10])]);
    assert_eq!(stretched(5).restaking_degrees(), [Ratio::new(20, 10), Ratio::new(20, 10)]);
    let attack = stretched(6).best_attack().unwrap();
    assert_eq!((attack.profit, attack.cost, attack.services.len(), attack.all_in.len()), (12, 10, 2, 1));
    assert!(stretched(5).is_secure(0) && !stretched(6).is_secure(0), "breaking even is secure");
    assert!(!stretched(5).is_secure(1) && stretched(4).is_secure(2) && !stretched(4).is_secure(3));
    // Allotted in halves, each service costs what it takes.
    let plain = network(&[10, 10], vec![service(5, half, &[5, 5]), service(5, half, &[5, 5])]);
    assert_eq!(plain.restaking_degrees(), [Ratio::new(10, 10), Ratio::new(10, 10)]);
    assert!(plain.is_secure(0));
    let attack = plain.best_attack().unwrap();
    assert_eq!(attack.profit, attack.cost);
    // A part of a stake is enough for a part of a service: 3 of 4 for a profit of 4.
    let part = network(&[4], vec![service(4, share(3, 4), &[4])]);
    let attack = part.best_attack().unwrap();
    assert_eq!((attack.profit, attack.cost, attack.all_in.len()), (4, 3, 0));
    assert_eq!(network(&[0], vec![]).restaking_degrees(), [None]);
    assert_eq!(network(&[4], vec![]).best_attack(), None);
}

#[test]
fn byzantine_services_take_what_was_allotted() {
    let half = Threshold::new(1, 2).unwrap();
    let services = vec![service(4, half, &[6, 6]), service(4, half, &[6, 6])];
    let network = network(&[10, 10], services);
    assert!(network.is_secure(0));
    // The first takes 6 of each 10; the second is left with 4 of each, of which half is 4.
    let after = network.after_byzantine(&[0].into());
    let expected = vec![service(0, half, &[0, 0]), service(4, half, &[4, 4])];
    assert_eq!(after, super::elastic::network(&[4, 4], expected));
    assert!(after.is_secure(0) && !after.is_secure(1));
    let dear = super::elastic::network(&[10, 10], vec![service(4, half, &[6, 6]), service(5, half, &[6, 6])]);
    assert!(dear.is_secure(0));
    // π/θ is 8 and 10: when the first turns, 5 pay for 4.
    assert_eq!(dear.robustness(), Some(([0].into(), Ratio::new(8, 18).unwrap())));
    assert_eq!(network.robustness(), None);
    let insecure = super::elastic::network(&[1], vec![service(9, Threshold::ALL, &[1])]);
    assert_eq!(insecure.robustness(), Some(([].into(), Ratio::new(0, 9).unwrap())));
}

#[test]
fn networks_are_checked() {
    let of = |stakes: &[u128], services| ElasticNetwork::new(stakes.to_vec(), services);
    let short = of(&[1, 1], vec![service(1, Threshold::ALL, &[1])]);
    assert_eq!(short, Err(InvalidNetwork::Allotments { service: 0, found: 1, validators: 2 }));
    let much = of(&[1, 1], vec![service(1, Threshold::ALL, &[1, 2])]);
    let expected = InvalidNetwork::AllotsTooMuch { validator: 1, service: 0, allotted: 2, stake: 1 };
    assert_eq!(much, Err(expected));
    assert_eq!(of(&[1; 17], vec![]), Err(InvalidNetwork::TooLarge { validators: 17, services: 0 }));
    assert_eq!(of(&[u128::MAX], vec![]), Err(InvalidNetwork::TooMuch));
}

/// The largest that is taken: still quick, though every set of services that turn and of validators that lose
/// all is tried.
#[test]
fn largest_network_is_tried_in_full() {
    let services = (1..=10).map(|n| service(n * 3, Threshold::THIRD, &[10; 16])).collect();
    let network = network(&[20; 16], services);
    let attack = network.best_attack().unwrap();
    // A third of 160 is 54 of each service; six validators that lose 120 give 60 to all, which gain 165.
    assert_eq!((attack.profit, attack.cost, attack.all_in.len()), (165, 120, 6));
    assert_eq!(network.robustness().unwrap().0, [].into());
    // With little to gain it takes two services that turn: they leave nothing of any stake.
    let services = (1..=10).map(|_| service(1, Threshold::THIRD, &[10; 16])).collect();
    let secure = super::elastic::network(&[20; 16], services);
    assert_eq!(secure.robustness(), Some(([0, 1].into(), Ratio::new(6, 30).unwrap())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every allotment of attacks tried, for two validators and two services.
    #[test]
    fn best_attack_is_the_best(
        stakes in prop::array::uniform2(0u128..5),
        raw in prop::array::uniform2((
            1u128..8,
            prop::sample::select(vec![(1, 3), (1, 2), (2, 3), (1, 1)]),
            prop::array::uniform2(0u128..5),
        )),
    ) {
        let services: Vec<_> = raw.iter().map(|(profit, (above, below), allotted)| {
            let allotted: Vec<_> = allotted.iter().zip(&stakes).map(|(w, stake)| *w.min(stake)).collect();
            service(*profit, share(*above, *below), &allotted)
        }).collect();
        let network = network(&stakes, services.clone());
        let w = |service: usize, validator: usize| services[service].allotted[validator];
        let mut best = i128::MIN;
        for a in 0..=w(0, 0) { for b in 0..=w(0, 1) { for c in 0..=w(1, 0) { for d in 0..=w(1, 1) {
            let given = [a + b, c + d];
            let corrupted = |index: usize| {
                given[index] >= services[index].threshold.of(w(index, 0) + w(index, 1))
            };
            let cost = (a + c).min(stakes[0]) + (b + d).min(stakes[1]);
            let profit: u128 = (0..2).filter(|index| corrupted(*index)).map(|i| services[i].profit).sum();
            if profit > 0 {
                best = best.max(profit as i128 - cost as i128);
            }
        } } } }
        let attack = network.best_attack().unwrap();
        prop_assert_eq!(attack.profit as i128 - attack.cost as i128, best);
        prop_assert_eq!(network.is_secure(0), best <= 0);
    }
}
