//! Where the rule sets must agree, over random tables, votes and orders.

use std::collections::BTreeSet;

use proptest::prelude::*;
use secp256k1::XOnlyPublicKey;

use super::{Stored, all, candidate, gadget, genesis, rollup, set, sorted_keys};
use crate::ConsumerHeight;
use crate::rules::{ChainState, CosmosRules, FinalityRules, HeightRanges, Quorum};

/// Powers at whose thirds something can go wrong, among others.
fn power() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 1u64..6, 1 => 1u64..2_100_000_000_000_000, 1 => Just(u64::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With fewer candidates than any limit, all free and committed, the four have the same active set, in
    /// whatever order the candidates come.
    #[test]
    fn small_tables_are_the_same_everywhere(powers in prop::collection::vec(power(), 0..30), seed: u64) {
        let keys = sorted_keys(powers.len());
        let mut candidates: Vec<_> =
            keys.iter().zip(&powers).map(|(key, power)| candidate(*key, *power)).collect();
        let sets: Vec<_> = all().iter().map(|rules| rules.rules().select(&candidates)).collect();
        prop_assert!(sets.iter().all(|set| *set == sets[0]));
        let count = candidates.len().max(1);
        candidates.rotate_left(seed as usize % count);
        candidates.reverse();
        for (rules, set) in all().iter().zip(sets) {
            prop_assert_eq!(rules.rules().select(&candidates), set);
        }
    }

    /// Whatever the candidates are, nobody is active who is slashed or powerless, and Babylon Genesis' set is
    /// one of the most powerful of those that the others could have.
    #[test]
    fn nobody_votes_who_must_not(
        raw in prop::collection::vec((0u64..4, any::<[bool; 3]>()), 0..150),
    ) {
        let keys = sorted_keys(raw.len());
        let candidates: Vec<_> = keys.iter().zip(&raw).map(|(key, (power, [jailed, slashed, timestamped]))| {
            crate::rules::Candidate {
                jailed: *jailed,
                slashed: *slashed,
                timestamped: *timestamped,
                ..candidate(*key, *power)
            }
        }).collect();
        for rules in all() {
            let set = rules.rules().select(&candidates);
            for candidate in &candidates {
                let never = candidate.slashed || candidate.power_sat == 0;
                prop_assert!(!(never && set.contains(&candidate.public_key)));
            }
        }
        let able = candidates.iter().filter(|candidate| {
            candidate.power_sat > 0 && !candidate.jailed && !candidate.slashed && candidate.timestamped
        });
        let mut powers: Vec<_> = able.map(|candidate| candidate.power_sat).collect();
        powers.sort_unstable_by(|a, b| b.cmp(a));
        powers.truncate(60);
        let genesis = genesis().select(&candidates);
        prop_assert_eq!(genesis.len(), powers.len());
        prop_assert_eq!(genesis.total_sat(), powers.iter().map(|power| u128::from(*power)).sum::<u128>());
        let cosmos = CosmosRules { max_active: 60, ..CosmosRules::default() }.select(&candidates);
        prop_assert!(cosmos.len() < 60 + 30 && cosmos.total_sat() >= genesis.total_sat());
    }

    /// What is final for a chain is final for the gadget; they differ at exact thirds alone.
    #[test]
    fn gadget_is_never_stricter(powers in prop::collection::vec(power(), 1..12), voted: u16) {
        let total: u128 = powers.iter().map(|power| u128::from(*power)).sum();
        let sum: u128 = powers.iter().enumerate()
            .filter(|(index, _)| voted >> index & 1 == 1)
            .map(|(_, power)| u128::from(*power))
            .sum();
        let chain = Quorum::MoreThanTwoThirds.is_reached(sum, total);
        let gadget = Quorum::TwoThirds.is_reached(sum, total);
        prop_assert!(!chain || gadget);
        prop_assert_eq!(chain != gadget, 3 * sum == 2 * total);
    }

    /// The order in which votes come, and how often the tally runs, change nothing at the end; both chains
    /// agree with a reference that counts every height anew.
    #[test]
    fn order_does_not_matter(
        powers in prop::collection::vec(1u64..4, 1..6),
        voted in prop::collection::vec(any::<u8>(), 1..12),
        empty in prop::collection::vec(any::<bool>(), 12),
        steps in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..30),
    ) {
        let tip = voted.len() as u64;
        let keys = sorted_keys(powers.len());
        let voters = |height: u64| -> Vec<usize> {
            (0..powers.len()).filter(|index| voted[height as usize - 1] >> index & 1 == 1).collect()
        };
        let mut whole = Stored::of(&powers, tip, voters);
        for height in 1..=tip {
            if empty[height as usize - 1] {
                whole.sets.insert(ConsumerHeight(height), set(&[]));
            }
        }
        let total: u64 = powers.iter().sum();
        let reached = |height: u64| {
            let sum: u64 = voters(height).iter().map(|index| powers[*index]).sum();
            !empty[height as usize - 1] && 3 * sum > 2 * total
        };
        let sequential: BTreeSet<u64> = (1..=tip)
            .take_while(|height| reached(*height) || empty[*height as usize - 1])
            .filter(|height| reached(*height))
            .collect();
        let last_reached = (1..=tip).rev().find(|height| reached(*height)).unwrap_or_default();
        let ancestors: BTreeSet<u64> = (1..=last_reached).collect();
        let cosmos = CosmosRules::default();
        let cases: [(&dyn FinalityRules, &BTreeSet<u64>); 3] =
            [(&genesis(), &sequential), (&cosmos, &sequential), (&rollup(1), &ancestors)];
        for (rules, expected) in cases {
            // Votes come one by one, in the order of the steps; the rest at the end.
            let mut all: Vec<(ConsumerHeight, XOnlyPublicKey)> = whole.voters.iter()
                .flat_map(|(height, keys)| keys.iter().map(|key| (*height, *key)))
                .collect();
            let mut seen = Stored { sets: whole.sets.clone(), ..Stored::default() };
            let mut state = ChainState::default();
            for (index, tally) in &steps {
                if !all.is_empty() {
                    let (height, key) = all.swap_remove(index.index(all.len()));
                    seen.voters.entry(height).or_default().push(key);
                }
                if *tally {
                    state.apply_all(&state.clone().tally(rules, &seen, ConsumerHeight(tip)));
                }
            }
            for (height, key) in all {
                seen.voters.entry(height).or_default().push(key);
            }
            state.apply_all(&state.clone().tally(rules, &seen, ConsumerHeight(tip)));
            let found: BTreeSet<u64> =
                (1..=tip).filter(|height| state.final_heights.contains(ConsumerHeight(*height))).collect();
            prop_assert_eq!(&found, expected, "{}", rules.name());
        }
        prop_assert!(keys.len() == powers.len());
        // The gadget has at least what the chains have.
        let mut state = ChainState::default();
        state.apply_all(&state.clone().tally(&gadget(), &whole, ConsumerHeight(tip)));
        prop_assert!(sequential.iter().all(|height| state.final_heights.contains(ConsumerHeight(*height))));
    }

    /// Ranges are a set of heights: judged by one.
    #[test]
    fn ranges_are_a_set(
        inserts in prop::collection::vec((0u64..60, 0u64..8), 0..20),
        cut in 0u64..70,
    ) {
        let mut ranges = HeightRanges::new();
        let mut judge = BTreeSet::new();
        for (first, length) in inserts {
            ranges.insert(ConsumerHeight(first), ConsumerHeight(first + length));
            judge.extend(first..=first + length);
        }
        let same = |ranges: &HeightRanges, judge: &BTreeSet<u64>| {
            (0..70).all(|height| ranges.contains(ConsumerHeight(height)) == judge.contains(&height))
                && ranges.ranges().windows(2).all(|two| two[0].1.0 + 1 < two[1].0.0)
                && ranges.last().map(ConsumerHeight::to_u64) == judge.last().copied()
        };
        prop_assert!(same(&ranges, &judge));
        let removed = ranges.remove_above(ConsumerHeight(cut));
        let removed: u64 = removed.iter().map(|(first, last)| last.0 - first.0 + 1).sum();
        prop_assert_eq!(removed, judge.split_off(&(cut + 1)).len() as u64);
        prop_assert!(same(&ranges, &judge));
    }
}

#[test]
fn ranges_reach_the_last_height() {
    let mut ranges = HeightRanges::new();
    ranges.insert(ConsumerHeight::MAX, ConsumerHeight::MAX);
    ranges.insert(ConsumerHeight(u64::MAX - 1), ConsumerHeight(u64::MAX - 1));
    ranges.insert(ConsumerHeight(3), ConsumerHeight(2));
    assert_eq!(ranges.ranges(), [(ConsumerHeight(u64::MAX - 1), ConsumerHeight::MAX)]);
    assert_eq!(ranges.end_of(ConsumerHeight::MAX), Some(ConsumerHeight::MAX));
    assert_eq!(ranges.remove_above(ConsumerHeight::MAX), []);
}
