//! Jails: windows, rounding, boundaries, resets, and the way out.

use super::{Stored, all, candidates, genesis, set, sorted_keys};
use crate::ConsumerHeight;
use crate::rules::{
    ChainState, Change, CosmosRules, FinalityRules, GenesisRules, Moment, SignedShare, SigningWindow,
    UnixTime, UnjailRefusal, Unjailer,
};

fn share(text: &str) -> SignedShare {
    text.parse().unwrap()
}

#[test]
fn shares_are_exact_and_round_half_to_even() {
    // (share, window, least signed)
    let cases = [
        ("0.2", 10_000, 2000),
        ("0.500000000000000000", 100, 50),
        ("0.5", 1, 0),
        ("0.5", 3, 2),
        ("0.5", 5, 2),
        ("0.25", 10, 2),
        ("0.35", 10, 4),
        ("0.333333333333333333", 3, 1),
        ("0", 7, 0),
        ("1", u64::MAX, u64::MAX),
        ("0.000000000000000001", 500_000_000_000_000_000, 0),
        ("0.000000000000000001", 500_000_000_000_000_001, 1),
    ];
    for (text, window, least) in cases {
        assert_eq!(share(text).of(window), least, "{text} of {window}");
        assert_eq!(share(&share(text).to_string()), share(text));
    }
    assert_eq!(SignedShare::from_tenths(2), share("0.2"));
    assert_eq!(SignedShare::from_tenths(11), share("1"));
    for text in
        ["", ".5", "1.000000000000000001", "2", "-0.1", "0,5", "0.1234567890123456789", "1e-1", "0. 5"]
    {
        assert!(text.parse::<SignedShare>().is_err(), "{text}");
    }
    let max_missed = |text, window_blocks| {
        SigningWindow { window_blocks, min_signed: share(text), timeout_blocks: 3, jail_seconds: 600 }
            .max_missed()
    };
    assert_eq!((max_missed("0.2", 10_000), max_missed("0.5", 5), max_missed("1", 10)), (8000, 3, 0));
}

/// Runs blocks until a provider is jailed, and returns the height of the block in which it is. The first
/// provider never votes at the heights that `misses` names; another one always does.
fn jailed_at(rules: &dyn FinalityRules, start: u64, tip: u64, misses: impl Fn(u64) -> bool) -> Option<u64> {
    let (key, other) = (sorted_keys(2)[0], sorted_keys(2)[1]);
    let votes = Stored::of(&[1, 9], tip, |height| if misses(height) { vec![1] } else { vec![0, 1] });
    let mut state = ChainState::default();
    for height in start..=tip {
        let (_, changes) = state.begin_block(rules, ConsumerHeight(height), &candidates(&[1, 9]));
        state.apply_all(&changes);
        state.apply(&Change::Voted { provider: other, height: ConsumerHeight(height) });
        if !misses(height) {
            state.apply(&Change::Voted { provider: key, height: ConsumerHeight(height) });
        }
        let block = Moment { height: ConsumerHeight(height), time: UnixTime(height) };
        // The tally is another test's.
        let changes = state.end_block(rules, &votes, block);
        let jails = changes.iter().any(|change| matches!(change, Change::Jailed { .. }));
        state.apply_all(&changes);
        if jails {
            assert!(state.is_jailed(&key));
            return Some(height);
        }
    }
    None
}

fn window(window_blocks: u64, min_signed: &str) -> GenesisRules {
    let signing =
        SigningWindow { window_blocks, min_signed: share(min_signed), timeout_blocks: 3, jail_seconds: 600 };
    GenesisRules { signing, ..genesis() }
}

/// Jailed when the height looked at is above start + window, and more is missed than may be.
#[test]
fn genesis_jails_by_the_window() {
    // A window of 10, of which 2 must be signed: 8 may be missed, and the ninth is one too many.
    let rules = window(10, "0.2");
    // Never voted since height 1: the first height above 11 is 12, looked at in block 15.
    assert_eq!(jailed_at(&rules, 1, 40, |_| true), Some(15));
    assert_eq!(jailed_at(&rules, 5, 40, |_| true), Some(19));
    // Two votes in each ten: 8 are missed in every window, which is allowed.
    assert_eq!(jailed_at(&rules, 1, 60, |height| height % 10 > 1), None);
    // One vote in each ten: nine are missed.
    assert_eq!(jailed_at(&rules, 1, 60, |height| height % 10 > 0), Some(15));
    // It stops at height 21. Height h takes the place of h − 10: the ninth missed place is that of height 29,
    // looked at in block 32.
    assert_eq!(jailed_at(&rules, 1, 60, |height| height > 20), Some(32));
    // With a half of 5, rounded to the even 2, three may be missed.
    assert_eq!(jailed_at(&window(5, "0.5"), 1, 60, |height| height % 5 > 1), None);
    assert_eq!(jailed_at(&window(5, "0.5"), 1, 60, |height| height % 5 > 0), Some(10));
}

/// Mainnet: of 10 000, 8000 may be missed.
#[test]
fn mainnet_jails_at_the_8001st() {
    let rules = genesis();
    assert_eq!(jailed_at(&rules, 1, 10_010, |_| true), Some(10_005), "height 10002 is the first above 10001");
    // Heights 1 to 8000 are missed, the rest not: one less than it takes.
    assert_eq!(jailed_at(&rules, 1, 10_010, |height| height <= 8000), None);
    assert_eq!(jailed_at(&rules, 1, 10_010, |height| height < 10_000 && height > 1998), Some(10_005));
    assert_eq!(jailed_at(&rules, 1, 10_010, |height| height < 10_000 && height > 1999), None);
}

#[test]
fn jailing_resets_the_count_and_entering_the_start() {
    let (rules, key) = (window(10, "0.2"), sorted_keys(1)[0]);
    let mut state = ChainState::default();
    let entered = Change::Entered { provider: key, start_height: Some(ConsumerHeight(1)) };
    let missed = Change::Missed { provider: key, index: 3, missed: true };
    state.apply_all([&entered, &missed]);
    // Out of the active set and back in: a new start, and what was missed stays.
    state.apply_all(&state.clone().begin_block(&rules, ConsumerHeight(20), &[]).1);
    assert!(!state.active.contains(&key));
    state.apply_all(&state.clone().begin_block(&rules, ConsumerHeight(21), &candidates(&[1])).1);
    let record = &state.signing[&key];
    assert_eq!((record.start_height, record.missed.len()), (Some(ConsumerHeight(21)), 1));
    // A height below the start is not looked at, though the provider was in its set.
    let votes = Stored { sets: [(ConsumerHeight(19), set(&[1]))].into(), ..Stored::default() };
    let block = Moment { height: ConsumerHeight(22), time: UnixTime(100) };
    assert_eq!(state.end_block(&rules, &votes, block).len(), 1, "the tally's alone");
    state.apply(&Change::Jailed { provider: key, until: UnixTime(700) });
    assert!(state.signing[&key].missed.is_empty());
    let (set, changes) = state.begin_block(
        &rules,
        ConsumerHeight(22),
        &state.candidates(
            &rules,
            ConsumerHeight(22),
            &[crate::power::ProviderPower { public_key: key, power_sat: 1 }],
            &crate::power::CommitmentRecords::new(),
            crate::power::TimestampMark(1),
        ),
    );
    assert!(set.is_empty(), "the jailed do not vote");
    assert_eq!(changes, [Change::Left { provider: key }]);

    let at = |time, by| state.unjail(&rules, &key, UnixTime(time), by);
    let early =
        |now, until| UnjailRefusal::TooEarly { now: UnixTime(now), until: UnixTime(until), at_until: false };
    assert_eq!(at(700, Unjailer::Provider), Err(early(700, 700)), "it must be past");
    assert_eq!(at(699, Unjailer::Provider), Err(early(699, 700)));
    assert_eq!(at(701, Unjailer::Admin), Err(UnjailRefusal::NoAdmin));
    state.apply(&at(701, Unjailer::Provider).unwrap());
    assert!(!state.is_jailed(&key));
    assert_eq!(state.unjail(&rules, &key, UnixTime(9999), Unjailer::Provider), Err(UnjailRefusal::NotJailed));
}

/// The contract jails by silence: the last vote, or a later start, is at or below height − window.
#[test]
fn cosmos_jails_by_silence() {
    let rules = CosmosRules { missed_window_blocks: 10, ..CosmosRules::default() };
    // Entered at 1, so looked at from 2 on: 12 − 10 reaches it.
    assert_eq!(jailed_at(&rules, 1, 40, |_| true), Some(12));
    assert_eq!(jailed_at(&rules, 1, 40, |height| height != 7), Some(17));
    assert_eq!(jailed_at(&rules, 1, 100, |height| height % 10 != 7), None, "one vote in ten is enough");
    assert_eq!(jailed_at(&rules, 1, 100, |height| height % 11 != 7), Some(17));
    let default = CosmosRules::default();
    assert_eq!(jailed_at(&default, 1, 300, |_| true), Some(252), "2 + 250");
}

#[test]
fn cosmos_jail_stays_until_it_is_undone() {
    let (rules, key) = (CosmosRules::default(), sorted_keys(1)[0]);
    let mut state = ChainState::default();
    state.apply_all(&state.clone().begin_block(&rules, ConsumerHeight(1), &candidates(&[1])).1);
    assert_eq!(state.signing[&key].start_height, Some(ConsumerHeight(2)));
    // Out and in again: the start stays as it was.
    state.apply_all(&state.clone().begin_block(&rules, ConsumerHeight(5), &[]).1);
    state.apply_all(&state.clone().begin_block(&rules, ConsumerHeight(9), &candidates(&[1])).1);
    assert_eq!(state.signing[&key].start_height, Some(ConsumerHeight(2)));
    state.apply(&Change::Voted { provider: key, height: ConsumerHeight(8) });
    state.apply(&Change::Jailed { provider: key, until: UnixTime(100) });
    let votes = Stored { sets: [(ConsumerHeight(900), set(&[1]))].into(), ..Stored::default() };
    let block = Moment { height: ConsumerHeight(900), time: UnixTime(1_000_000) };
    let changes = state.end_block(&rules, &votes, block);
    assert!(!changes.iter().any(|change| matches!(change, Change::Jailed { .. })), "not jailed again");
    assert!(state.is_jailed(&key), "long expired, and still jailed");
    let at = |time, by| state.unjail(&rules, &key, UnixTime(time), by);
    assert!(matches!(at(99, Unjailer::Provider), Err(UnjailRefusal::TooEarly { at_until: true, .. })));
    assert_eq!(at(99, Unjailer::Admin), at(100, Unjailer::Provider), "the administrator need not wait");
    state.apply(&at(100, Unjailer::Provider).unwrap());
    let record = &state.signing[&key];
    assert_eq!((record.start_height, record.last_voted_height, record.jailed_until), (None, None, None));
    state.apply_all(&state.clone().begin_block(&rules, ConsumerHeight(901), &[]).1);
    state.apply_all(&state.clone().begin_block(&rules, ConsumerHeight(902), &candidates(&[1])).1);
    assert_eq!(state.signing[&key].start_height, Some(ConsumerHeight(903)));
}

#[test]
fn rollup_and_gadget_jail_nobody() {
    for rules in &all()[2..] {
        assert_eq!(jailed_at(rules.rules(), 1, 600, |_| true), None);
    }
}
