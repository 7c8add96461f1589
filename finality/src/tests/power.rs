//! Power tables, opt-in subsets, and the commitments of a height.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use proptest::prelude::*;

use super::sorted_keys;
use crate::height::UnixTime;
use crate::power::{
    ActiveWhen, BitcoinHeight, ChainSecurity, CommitmentRecords, DuplicateProvider, InvalidShaping, Limits,
    PowerShaping, PowerTable, PowerTables, Provider, ProviderPower, RecordError, RecordedCommitment,
    StakeFacts, TimestampMark,
};
use crate::{ConsumerHeight, RandomnessCommitment};

fn provider(public_key: secp256k1::XOnlyPublicKey, active_sat: u64) -> Provider {
    Provider { public_key, active_sat, slashed: false, operator: None }
}

/// The first keys, ascending, with these powers.
fn table(powers: &[u64]) -> PowerTable {
    let keys = sorted_keys(powers.len());
    PowerTable::new(keys.into_iter().zip(powers).map(|(key, power)| provider(key, *power))).unwrap()
}

fn powers(providers: &[ProviderPower]) -> Vec<u64> {
    providers.iter().map(|provider| provider.power_sat).collect()
}

#[test]
fn tables_are_ranked_summed_and_in_force() {
    let keys = sorted_keys(4);
    let mut providers: Vec<_> =
        [5, 7, 5, 0].iter().zip(&keys).map(|(power, key)| provider(*key, *power)).collect();
    let small = PowerTable::new(providers.clone()).unwrap();
    // Equal ones by key ascending, and nobody without power.
    let ranked: Vec<_> = small.ranked().iter().map(|provider| provider.public_key).collect();
    assert_eq!(ranked, [keys[1], keys[0], keys[2]]);
    assert_eq!((small.total_sat(), small.power_sat(&keys[2])), (17, 5));
    providers[0].operator = Some("one".to_owned());
    providers[1].operator = Some("one".to_owned());
    providers[2].slashed = true;
    let grouped = PowerTable::new(providers.clone()).unwrap();
    assert_eq!((grouped.total_sat(), grouped.power_sat(&keys[2])), (12, 0), "the slashed have no power");
    let by_operator: Vec<_> = grouped.by_operator().into_iter().filter(|(_, power)| *power > 0).collect();
    assert_eq!(by_operator, [("one".to_owned(), 12)]);
    providers.push(provider(keys[1], 1));
    assert_eq!(PowerTable::new(providers), Err(DuplicateProvider(keys[1])));

    let mut tables = PowerTables::new();
    tables.insert(BitcoinHeight(100), small.clone());
    tables.insert(BitcoinHeight(110), grouped.clone());
    assert_eq!(tables.at(BitcoinHeight(99)), None);
    assert_eq!(tables.at(BitcoinHeight(109)), Some(&small));
    assert_eq!(tables.at(BitcoinHeight(110)), Some(&grouped));
    assert_eq!(tables.disconnect_above(BitcoinHeight(109)), 1);
    assert_eq!(tables.at(BitcoinHeight(u32::MAX)), Some(&small));
    assert_eq!(tables.heights().collect::<Vec<_>>(), [BitcoinHeight(100)]);
}

/// The bounds of both ways to count, to the block.
#[test]
fn stakes_are_active_within_their_bounds() {
    let key = sorted_keys(1)[0];
    let stake = StakeFacts {
        providers: vec![key, key],
        amount_sat: 50_000,
        start_height: BitcoinHeight(1000),
        end_height: BitcoinHeight(65_000),
        unbonding_time_blocks: 1008,
        covenant_signatures: 6,
        covenant_quorum: 6,
        unbonded_height: None,
    };
    let chain = ActiveWhen::Chain { k_blocks: 30 };
    let gadget = ActiveWhen::Gadget { k_blocks: 30, w_blocks: 300 };
    let cases = [
        (1029, false, false),
        (1030, true, true),
        // tip + 1008 < 65000; height + 300 <= 65000.
        (63_991, true, true),
        (63_992, false, true),
        (64_700, false, true),
        (64_701, false, false),
    ];
    for (height, on_chain, in_gadget) in cases {
        let at = BitcoinHeight(height);
        assert_eq!((stake.is_active(at, chain), stake.is_active(at, gadget)), (on_chain, in_gadget), "{at}");
        let power = PowerTable::of_stakes([&stake], at, chain).power_sat(&key);
        assert_eq!(power, if on_chain { 50_000 } else { 0 }, "a provider named twice has the stake once");
    }
    let at = BitcoinHeight(2000);
    let short = StakeFacts { covenant_signatures: 5, ..stake.clone() };
    let unbonded = StakeFacts { unbonded_height: Some(at), ..stake.clone() };
    let later = StakeFacts { unbonded_height: Some(BitcoinHeight(2001)), ..stake.clone() };
    assert_eq!([&short, &unbonded, &later].map(|stake| stake.is_active(at, chain)), [false, false, true]);
    let facts = PowerTable::of_stakes([&stake, &later], at, chain);
    assert_eq!(facts.power_sat(&key), 100_000);
    let facts = facts.with_facts(|_| (true, Some("one".to_owned())));
    assert_eq!((facts.total_sat(), facts.get(&key).unwrap().operator.as_deref()), (0, Some("one")));
}

fn shaped(powers_sat: &[u64], limits: Limits, opted_in: &[usize]) -> (Vec<u64>, Option<u64>) {
    let keys = sorted_keys(powers_sat.len());
    let opted_in: BTreeSet<_> = opted_in.iter().map(|index| keys[*index]).collect();
    let shaping = PowerShaping::try_from(limits).unwrap();
    let shaped = shaping.shape(&table(powers_sat).ranked(), &opted_in);
    (powers(&shaped.providers), shaped.top_n_min_sat)
}

/// By hand from the page: the order of the limits, and each one's rounding.
#[test]
fn subsets_are_shaped_in_order() {
    let all = [0, 1, 2, 3];
    // 100, 1, 1, 1 at 30 %: floor(30.9); the last one gets what does not divide.
    let cap = |percent| Limits { power_cap_percent: percent, ..Limits::default() };
    assert_eq!(shaped(&[100, 1, 1, 1], cap(30), &all).0, [30, 24, 24, 25]);
    // The cap is at least 1; where it cannot be kept, all have it.
    assert_eq!(shaped(&[3, 3, 3, 3], cap(1), &all).0, [1, 1, 1, 1]);
    assert_eq!(shaped(&[60, 138, 559], cap(35), &[0, 1, 2]).0, [264, 264, 229]);
    assert_eq!(shaped(&[50, 50], cap(40), &[0, 1]).0, [40, 40], "no solution: all equal to the cap");
    assert_eq!(shaped(&[7, 5], cap(100), &[0, 1]).0, [7, 5]);
    // Top N: the first power at which the sum has at least N percent; equal ones are in as well.
    let top = |top_n_percent| Limits { top_n_percent, ..Limits::default() };
    assert_eq!(shaped(&[50, 30, 15, 5], top(50), &[]), (vec![50], Some(50)), "exactly half is enough");
    assert_eq!(shaped(&[50, 30, 15, 5], top(51), &[]), (vec![50, 30], Some(30)));
    assert_eq!(shaped(&[40, 20, 20, 20], top(60), &[]), (vec![40, 20, 20, 20], Some(20)));
    assert_eq!(shaped(&[50, 30, 15, 5], top(100), &[]), (vec![50, 30, 15, 5], Some(5)));
    assert_eq!(shaped(&[50, 30, 15, 5], top(80), &[3]), (vec![50, 30, 5], Some(30)), "others may opt in");
    for refused in [1, 49, 101] {
        assert_eq!(PowerShaping::try_from(top(refused)), Err(InvalidShaping::TopN(refused)));
    }
    assert_eq!(PowerShaping::try_from(cap(101)), Err(InvalidShaping::PowerCap(101)));
    // The set cap cuts where there is no top N, those with priority last.
    let keys = sorted_keys(4);
    let capped = |priority: &[usize], top_n_percent| Limits {
        set_cap: 2,
        priority: priority.iter().map(|index| keys[*index]).collect(),
        top_n_percent,
        ..Limits::default()
    };
    assert_eq!(shaped(&[50, 30, 15, 5], capped(&[], 0), &all).0, [50, 30]);
    assert_eq!(shaped(&[50, 30, 15, 5], capped(&[3], 0), &all).0, [50, 5]);
    assert_eq!(shaped(&[50, 30, 15, 5], capped(&[], 50), &all).0, [50, 30, 15, 5]);
    // Lists hold for the top N too; the least stake is on what is staked.
    let lists = Limits {
        allow: [keys[0], keys[1], keys[2]].into(),
        deny: [keys[1]].into(),
        min_stake_sat: 15,
        ..top(80)
    };
    assert_eq!(shaped(&[50, 30, 15, 5], lists.clone(), &all).0, [50, 15]);
    assert_eq!(shaped(&[50, 30, 14, 5], lists, &all).0, [50]);
    // Who is not in the providing chain's set is in only where that is said.
    let cut = |inactive| Limits { consensus_set: 2, inactive, ..Limits::default() };
    assert_eq!(shaped(&[50, 30, 15, 5], cut(false), &all).0, [50, 30]);
    assert_eq!(shaped(&[50, 30, 15, 5], cut(true), &[2, 3]).0, [15, 5]);
    // The top N is one of the active set alone: 50 of 80.
    let top_of_cut = Limits { top_n_percent: 60, ..cut(true) };
    assert_eq!(shaped(&[50, 30, 15, 5], top_of_cut, &[]), (vec![50], Some(50)));
}

/// As the gadget halves: times out of order, equal ones, the future, and before the first block.
#[test]
fn heights_are_found_by_time() {
    let times = [100, 200, 300, 300, 250, 400, 500];
    let at = |time| {
        let of = |height: BitcoinHeight| times.get(height.0 as usize).copied().map(UnixTime);
        BitcoinHeight::at_time(BitcoinHeight(6), UnixTime(time), of).map(|height| height.0)
    };
    let cases = [
        (99, None),
        (100, Some(0)),
        (101, Some(0)),
        (250, Some(1)),
        (299, Some(1)),
        // The middle of 0 to 6 is 3.
        (300, Some(3)),
        (301, Some(4)),
        (400, Some(5)),
        (499, Some(5)),
        (500, Some(6)),
        (501, None),
    ];
    for (time, height) in cases {
        assert_eq!(at(time), height, "at {time}");
    }
    assert_eq!(BitcoinHeight::at_time(BitcoinHeight(u32::MAX), UnixTime(5), |_| None), None);
    let all = BitcoinHeight::at_time(BitcoinHeight(u32::MAX), UnixTime(7), |at| Some(UnixTime(at.0.into())));
    assert_eq!(all, Some(BitcoinHeight(7)));
}

#[test]
fn chains_take_all_some_or_the_registered() {
    let table = table(&[50, 30, 15]);
    let keys = sorted_keys(3);
    assert_eq!(powers(&ChainSecurity::Replicated.power(&table)), [50, 30, 15]);
    assert_eq!(powers(&ChainSecurity::Registered([keys[2], keys[0]].into()).power(&table)), [50, 15]);
    let opt_in = ChainSecurity::OptIn { shaping: PowerShaping::default(), opted_in: [keys[1]].into() };
    assert_eq!(powers(&opt_in.power(&table)), [30]);
}

proptest! {
    /// A power cap that can be kept keeps the sum, the cap, the order of powers, and a floor of what each
    /// had.
    #[test]
    fn power_cap_keeps_the_sum(powers_sat in prop::collection::vec(1u64..1000, 1..20), percent in 1u8..=100) {
        let all: Vec<_> = (0..powers_sat.len()).collect();
        let limits = Limits { power_cap_percent: percent, ..Limits::default() };
        let (shaped, _) = shaped(&powers_sat, limits, &all);
        let sum: u64 = powers_sat.iter().sum();
        let cap = (sum * u64::from(percent) / 100).max(1);
        prop_assert!(shaped.iter().all(|power| *power <= cap));
        let can_be_kept = sum <= cap * powers_sat.len() as u64;
        let kept = if can_be_kept { sum } else { cap * powers_sat.len() as u64 };
        prop_assert_eq!(shaped.iter().sum::<u64>(), kept);
        let mut before = powers_sat;
        before.sort_unstable_by(|a, b| b.cmp(a));
        prop_assert!(before.iter().zip(&shaped).all(|(had, has)| has >= had || *has == cap));
    }

    /// A wider top N takes no one out.
    #[test]
    fn top_n_grows(powers_sat in prop::collection::vec(1u64..1000, 1..20), n in 50u8..100) {
        let of = |percent| shaped(&powers_sat, Limits { top_n_percent: percent, ..Limits::default() }, &[]).0;
        prop_assert!(of(n).len() <= of(n + 1).len());
        prop_assert_eq!(of(100).len(), powers_sat.len());
    }
}

fn recorded(start: u64, count: u64, interval: u64, mark: u64) -> RecordedCommitment {
    RecordedCommitment {
        commitment: RandomnessCommitment { start_height: ConsumerHeight(start), count, root: [0; 32] },
        interval: NonZeroU64::new(interval).unwrap(),
        recorded: TimestampMark(mark),
    }
}

#[test]
fn commitments_are_timestamped_for_that_height() {
    let keys = sorted_keys(2);
    let mut records = CommitmentRecords::new();
    records.record(keys[0], recorded(100, 50, 1, 7)).unwrap();
    records.record(keys[0], recorded(200, 3, 5, 9)).unwrap();
    // The second one ends at 210.
    let error = records.record(keys[0], recorded(210, 1, 1, 9)).unwrap_err();
    assert_eq!(error, RecordError { start_height: ConsumerHeight(210), last_height: ConsumerHeight(210) });
    records.record(keys[0], recorded(211, 1, 1, 12)).unwrap();
    let covers =
        |height, mark| records.timestamped(&keys[0], ConsumerHeight(height), TimestampMark(mark)).is_some();
    let cases = [
        (99, 20, false),
        (100, 7, true),
        (100, 6, false),
        (149, 7, true),
        (150, 20, false),
        // An earlier commitment being timestamped does not help a height of the next one.
        (200, 8, false),
        (200, 9, true),
        (201, 20, false),
        (205, 9, true),
        (210, 9, true),
        (215, 20, false),
        (211, 11, false),
        (211, 12, true),
        (u64::MAX, u64::MAX, false),
    ];
    for (height, mark, expected) in cases {
        assert_eq!(covers(height, mark), expected, "height {height}, mark {mark}");
    }
    assert_eq!(records.covering(&keys[1], ConsumerHeight(100)), None);
    let placed = records.covering(&keys[0], ConsumerHeight(205)).unwrap();
    assert_eq!((placed.index_of(ConsumerHeight(205)), placed.last_height()), (Some(1), ConsumerHeight(210)));
    assert_eq!(records.disconnect_after(TimestampMark(9)), 1);
    assert_eq!((records.iter().count(), records.last(&keys[0]).unwrap().recorded), (2, TimestampMark(9)));
}
