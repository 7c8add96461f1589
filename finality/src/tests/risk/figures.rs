//! Concentration and co-staking.

use proptest::prelude::*;

use crate::risk::{Concentration, Power, Ratio, ScoreRatio};

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

/// By hand, from the formulas.
#[test]
fn figures_of_known_sets() {
    let equal = Concentration::new([5; 8]);
    near(equal.hhi(), 1250.0);
    near(equal.gini(), 0.0);
    near(equal.theil(), 0.0);
    near(equal.shannon_bits(), 3.0);
    near(equal.renyi_bits(2.0), 3.0);
    near(equal.renyi_bits(0.0), 3.0);
    near(equal.min_entropy_bits(), 3.0);
    let one = Concentration::new([7]);
    near(one.hhi(), 10_000.0);
    near(one.shannon_bits(), 0.0);
    // 4, 2, 1, 1 of 8: shares 1/2, 1/4, 1/8, 1/8.
    let powers = Concentration::new([1, 4, 0, 1, 2]);
    assert_eq!(powers.len(), 4);
    near(powers.hhi(), 2500.0 + 625.0 + 2.0 * 156.25);
    near(powers.shannon_bits(), 0.5 + 0.5 + 0.375 + 0.375);
    near(powers.min_entropy_bits(), 1.0);
    near(powers.renyi_bits(2.0), -(11.0f64 / 32.0).log2());
    near(powers.renyi_bits(1.0), powers.shannon_bits());
    // Ascending 1, 1, 2, 4: (−3 − 1 + 2 + 12) / (4 · 8).
    near(powers.gini(), 10.0 / 32.0);
    // (1/4) Σ (x/2) ln(x/2): 2 ln 2 + 0 + 2 · (1/2) ln(1/2), over 4.
    near(powers.theil(), 2.0f64.ln() / 4.0);
    assert_eq!(powers.top_share(2), Ratio::new(3, 4));
    // The largest alone of two has everything: (n − 1)/n for all in one hand is not reached by those with
    // none.
    let none = Concentration::new([0, 0]);
    assert!(none.is_empty() && none.top_share(1).is_none() && none.nakamoto(Power::Stall).is_none());
    for figure in [none.hhi(), none.gini(), none.theil(), none.shannon_bits(), none.renyi_bits(2.0)] {
        near(figure, 0.0);
    }
}

/// The three thresholds at exact thirds.
#[test]
fn nakamoto_coefficients_name_their_threshold() {
    // (powers, stall, finalize twice, finalize alone)
    let cases: [(&[u128], usize, usize, usize); 6] = [
        (&[1, 1, 1], 1, 2, 3),
        (&[1], 1, 1, 1),
        (&[1, 1], 1, 1, 2),
        (&[34, 33, 33], 1, 1, 2),
        (&[1; 100], 34, 34, 67),
        (&[1; 99], 33, 34, 67),
    ];
    for (powers, stall, twice, alone) in cases {
        let figures = Concentration::new(powers.iter().copied());
        let found = [Power::Stall, Power::FinalizeTwice, Power::FinalizeAlone].map(|p| figures.nakamoto(p));
        assert_eq!(found, [Some(stall), Some(twice), Some(alone)], "{powers:?}");
    }
}

proptest! {
    #[test]
    fn figures_are_in_their_bounds(powers in prop::collection::vec(0u128..1000, 1..30), total in 0u128..500) {
        let figures = Concentration::new(powers);
        if !figures.is_empty() {
            let n = figures.len() as f64;
            prop_assert!(figures.hhi() <= 10_000.001 && figures.hhi() >= 10_000.0 / n - 1e-6);
            prop_assert!(figures.gini() >= -1e-9 && figures.gini() <= (n - 1.0) / n + 1e-9);
            prop_assert!(figures.theil() >= -1e-9 && figures.theil() <= n.ln() + 1e-9);
            let (least, collision) = (figures.min_entropy_bits(), figures.renyi_bits(2.0));
            let entropies = [least, collision, figures.shannon_bits(), n.log2()];
            prop_assert!(entropies.windows(2).all(|two| two[0] <= two[1] + 1e-9));
            let coefficient = |power| figures.nakamoto(power).unwrap();
            prop_assert!(coefficient(Power::Stall) <= coefficient(Power::FinalizeTwice));
            prop_assert!(coefficient(Power::FinalizeTwice) <= coefficient(Power::FinalizeAlone));
        }
        for power in [Power::Stall, Power::FinalizeTwice, Power::FinalizeAlone] {
            let least = power.least(total);
            prop_assert!(power.has(least, total) || total == 0);
            prop_assert!(least == 0 || !power.has(least - 1, total));
        }
    }
}

/// BABY is divided first, and rounded down: 6 BTC and 50 000 BABY are 2.5 BTC.
#[test]
fn co_staking_counts_the_smaller() {
    let ratio = ScoreRatio::MAINNET;
    assert_eq!(ratio.score_sat(600_000_000, 50_000_000_000), 250_000_000);
    assert_eq!([199, 200, 399, 400].map(|ubbn| ratio.score_sat(10, ubbn)), [0, 1, 1, 2]);
    assert_eq!(ratio.score_sat(1, u128::MAX), 1);
    assert_eq!(ratio.missing_ubbn(600_000_000, 50_000_000_000), 70_000_000_000);
    assert_eq!(ratio.missing_ubbn(1, 1_000), 0);
}
