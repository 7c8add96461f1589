//! Old copies of the database, others, and what the guard of each host knows.

use super::*;
use crate::protection::{Lane, SigningRecord, check_highest_vote};

impl Place {
    fn dump(&self) -> String {
        self.server.dump(&self.database).unwrap()
    }

    fn restore(&self, dump: &str) {
        self.sql("DROP SCHEMA btcstake_signer CASCADE");
        self.server.restore(&self.database, dump).unwrap();
    }
}

fn first(provider: &Provider, from: u64) -> FirstHeight {
    FirstHeight { lane: (*provider.lane).clone(), height: height(from) }
}

#[test]
fn records_outlive_the_store() {
    let Some(place) = place("records_outlive_the_store") else { return };
    place.sign(10..13);
    let store = place.open().unwrap();
    assert!(!is_new(&ask(&store, &place.provider, 12, b"a")));
    assert!(matches!(refusal(ask(&store, &place.provider, 12, b"b")), Refusal::DoubleSign { .. }));
    assert!(matches!(refusal(ask(&store, &place.provider, 9, b"b")), Refusal::BelowLowWatermark { .. }));
    check_highest_vote(&store, &place.provider.lane, height(12)).unwrap();
    assert!(check_highest_vote(&store, &place.provider.lane, height(13)).is_err());
}

#[test]
fn old_copy_is_refused_until_it_is_initialised_above_what_was_signed() {
    let Some(place) = place("old_copy_is_refused_until_it_is_initialised_above_what_was_signed") else {
        return;
    };
    place.sign(10..12);
    let old = place.dump();
    place.sign(12..15);
    place.restore(&old);
    let stale = place.open().unwrap_err();
    assert!(matches!(stale, PostgresError::Stale { .. }), "{stale}");
    for below in [0, 12, 14] {
        let refused = PostgresStore::initialise(&place.exclusive(), &[place.first(below)]).unwrap_err();
        assert!(
            matches!(refused, PostgresError::BelowKnown { known, .. } if known == height(14)),
            "{refused}"
        );
        assert!(place.open().is_err(), "a refused initialisation changes nothing");
    }
    let refused = PostgresStore::initialise(&place.exclusive(), &[]).unwrap_err();
    assert!(matches!(&refused, PostgresError::NotNamed(lane) if **lane == *place.provider.lane), "{refused}");
    let store = PostgresStore::initialise(&place.exclusive(), &[place.first(15)]).unwrap();
    for forgotten in [12, 13, 14] {
        let refused = refusal(ask(&store, &place.provider, forgotten, b"b"));
        assert_eq!(refused, Refusal::BelowLowWatermark { height: height(forgotten), low: height(14) });
    }
    assert!(
        !is_new(&ask(&store, &place.provider, 11, b"a")) && is_new(&ask(&store, &place.provider, 15, b"b"))
    );
    drop(store);
    place.open().unwrap();
    place.restore(&old);
    assert!(matches!(place.open(), Err(PostgresError::Stale { .. })), "the old copy is old for ever");
}

/// The database is restored under a signer that serves, with its connection kept and with it cut.
#[test]
fn old_copy_is_refused_while_it_serves() {
    let Some(place) = place("old_copy_is_refused_while_it_serves") else { return };
    let store = place.open().unwrap();
    assert!(is_new(&ask(&store, &place.provider, 10, b"a")));
    let old = place.dump();
    assert!(is_new(&ask(&store, &place.provider, 11, b"a")));
    for is_cut in [false, true] {
        place.restore(&old);
        if is_cut {
            place.kill();
        }
        for _ in 0..2 {
            let error = chain(&store.check_and_record(place.request(11, b"b")).unwrap_err());
            assert!(error.contains("the signing database is an old copy"), "{error}");
        }
        let calls = place.provider.calls();
        assert!(store.state(&place.provider.lane).is_err() && store.lanes().is_err());
        assert_eq!(place.provider.calls(), calls);
    }
    // A generation as high as the guard's, and votes that are forgotten all the same: another host went on.
    place.sql("UPDATE store SET generation = 1000");
    let error = chain(&store.check_and_record(place.request(11, b"b")).unwrap_err());
    assert!(error.contains("has forgotten votes of") && error.contains("at least 11"), "{error}");
    assert_eq!(place.provider.calls(), 2);
}

#[test]
fn another_database_is_refused() {
    let (Some(one), Some(two)) = (place("another_database_is_refused"), place("another_database_is_refused"))
    else {
        return;
    };
    two.sign(10..30);
    let options = PostgresOptions { guard: one.guard("guard"), ..two.exclusive() };
    assert!(matches!(PostgresStore::open(&options), Err(PostgresError::OtherStore(_))));
    // Under a signer that serves.
    let store = one.open().unwrap();
    one.restore(&two.dump());
    let error = chain(&store.check_and_record(one.request(10, b"b")).unwrap_err());
    assert!(error.contains("is of another signing database"), "{error}");
    drop(store);
    one.sql("DROP SCHEMA btcstake_signer CASCADE");
    assert!(matches!(one.open(), Err(PostgresError::DatabaseAbsent(_))));
    let absent = PostgresStore::open(&one.options("new", PostgresMode::Exclusive)).unwrap_err();
    assert!(matches!(absent, PostgresError::Absent(_)), "{absent}");
    std::fs::remove_file(two.guard("guard")).unwrap();
    assert!(matches!(two.open(), Err(PostgresError::GuardAbsent(_))));
}

/// A further host begins with a copy of a guard, and then knows what it saw itself.
#[test]
fn each_host_remembers_what_it_saw() {
    let Some(place) = place("each_host_remembers_what_it_saw") else { return };
    let shared = |host| PostgresStore::open(&place.options(host, PostgresMode::Shared));
    assert!(matches!(shared("other"), Err(PostgresError::GuardAbsent(_))));
    place.copy_guard("other");
    let (one, two) = (shared("guard").unwrap(), shared("other").unwrap());
    assert!(is_new(&ask(&one, &place.provider, 10, b"a")));
    let old = place.dump();
    assert!(is_new(&ask(&one, &place.provider, 11, b"a")));
    // The second one sees the first one's vote, and its generation, with its own.
    assert!(is_new(&ask(&two, &place.provider, 12, b"a")));
    drop((one, two));
    place.restore(&old);
    for host in ["guard", "other"] {
        assert!(matches!(shared(host), Err(PostgresError::Stale { .. })), "{host}");
    }
    // What the first one takes over the second one believes only as far as it saw.
    let options = place.options("guard", PostgresMode::Shared);
    let refused = PostgresStore::initialise(&options, &[place.first(11)]).unwrap_err();
    assert!(matches!(refused, PostgresError::BelowKnown { known, .. } if known == height(11)), "{refused}");
    let one = PostgresStore::initialise(&options, &[place.first(12)]).unwrap();
    for at in 100..103 {
        one.change(vec![raise(&place.provider.lane, at - 89)]).unwrap();
    }
    // Generation 7 and no vote above 13 now; the second one knew of 12.
    assert!(shared("other").is_ok());
}

fn raise(lane: &Lane, to: u64) -> LaneChange {
    LaneChange { lane: lane.clone(), kind: ChangeKind::RaiseLow(height(to)) }
}

#[test]
fn every_lane_of_a_database_that_is_taken_over_must_be_named() {
    let Some(place) = place("every_lane_of_a_database_that_is_taken_over_must_be_named") else { return };
    let other = Provider::new(2, b"bbn-1");
    let store = place.open().unwrap();
    let register = LaneChange { lane: (*other.lane).clone(), kind: ChangeKind::Register(height(0)) };
    store.change(vec![register]).unwrap();
    let old = place.dump();
    for provider in [&place.provider, &other] {
        assert!(is_new(&ask(&store, provider, 20, b"a")));
    }
    drop(store);
    place.restore(&old);
    let initialise = |first: &[FirstHeight]| PostgresStore::initialise(&place.exclusive(), first);
    let refused = initialise(&[place.first(21)]).unwrap_err();
    assert!(matches!(&refused, PostgresError::NotNamed(lane) if **lane == *other.lane), "{refused}");
    // Without its guard too.
    std::fs::rename(place.guard("guard"), place.guard("kept")).unwrap();
    assert!(matches!(initialise(&[place.first(21)]), Err(PostgresError::NotNamed(_))));
    std::fs::rename(place.guard("kept"), place.guard("guard")).unwrap();
    let store = initialise(&[place.first(21), first(&other, 21)]).unwrap();
    for provider in [&place.provider, &other] {
        assert!(matches!(refusal(ask(&store, provider, 20, b"b")), Refusal::BelowLowWatermark { .. }));
    }
    drop(store);
    // A sound one takes a lane alone.
    initialise(&[first(&Provider::new(3, b"bbn-1"), 0)]).unwrap();
}

/// A lane that was lost with its database begins above what the guard knows, however it comes back.
#[test]
fn lane_that_was_lost_begins_above_what_the_guard_knows() {
    let Some(place) = place("lane_that_was_lost_begins_above_what_the_guard_knows") else { return };
    place.sign(10..20);
    place.sql("DROP SCHEMA btcstake_signer CASCADE");
    let other = Provider::new(2, b"bbn-1");
    let store = PostgresStore::initialise(&place.exclusive(), &[first(&other, 0)]).unwrap();
    let signature = place.provider.signature(11, b"a");
    let record = SigningRecord { height: height(11), message: b"a".to_vec(), signature: Some(signature) };
    let lane = (*place.provider.lane).clone();
    store.change(vec![LaneChange { lane, kind: ChangeKind::Import(vec![record]) }]).unwrap();
    let refused = refusal(ask(&store, &place.provider, 19, b"b"));
    assert_eq!(refused, Refusal::BelowLowWatermark { height: height(19), low: height(19) });
    assert!(is_new(&ask(&store, &place.provider, 20, b"b")));
}

/// More records than are written at once, twice, with heights that contradict themselves.
#[test]
fn large_import_is_merged() {
    let Some(place) = place("large_import_is_merged") else { return };
    let store = place.open().unwrap();
    let signature = place.provider.signature(1, b"a");
    let record = |at: u64, message: &[u8], signature| SigningRecord {
        height: height(at),
        message: message.to_vec(),
        signature,
    };
    let import = |records| {
        let lane = (*place.provider.lane).clone();
        store.change(vec![LaneChange { lane, kind: ChangeKind::Import(records) }]).unwrap().remove(0)
    };
    let many = |signature| (1..=2500_u64).map(move |at| record(at, b"a", signature)).collect::<Vec<_>>();
    let found = import([many(None), vec![record(7, b"b", None), record(2501, b"x", None)]].concat());
    assert_eq!((found.records, found.contradicted), (2501, vec![height(7)]));
    let found = import(many(Some(signature)));
    assert_eq!((found.records, found.contradicted), (0, vec![]));
    let records = store.records(&place.provider.lane, height(0), 10_000).unwrap();
    assert_eq!(records.len(), 2501);
    assert!(records[..2500].iter().all(|record| record.signature == Some(signature)));
    assert_eq!(store.state(&place.provider.lane).unwrap().watermarks.low, Some(height(2501)));
}
