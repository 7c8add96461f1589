//! Several programs on one database: one leads and writes, another goes on when it is gone, and nothing that
//! was written is lost or overwritten by one whose lead is over.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;
use crate::ChangeSet;

#[test]
fn one_leads_and_the_others_read() {
    let Some(place) = place("one_leads_and_the_others_read") else { return };
    let (mut one, mut two) = (place.open(), place.open());
    assert!(matches!(one.apply(&put("stakes", b"a", b"1")), Err(StoreError::StandingBy(_))));
    assert!(matches!(one.apply(&ChangeSet::new()), Err(StoreError::StandingBy(_))));
    assert!(one.try_lead().unwrap() && one.try_lead().unwrap() && !two.try_lead().unwrap());
    one.apply(&put("stakes", b"a", b"1")).unwrap();
    assert!(matches!(two.apply(&put("stakes", b"a", b"2")), Err(StoreError::StandingBy(_))));
    assert_eq!(two.get("stakes", b"a").unwrap().unwrap(), b"1");
    assert_eq!((two.count("stakes").unwrap(), rows(&mut two, "stakes", b"").len()), (1, 1));
    // One that ends in order lets the next one lead at once.
    drop(one);
    assert!(two.try_lead().unwrap());
    two.apply(&put("stakes", b"a", b"2")).unwrap();
    // One that stands by makes its connection again; one that led does not.
    let mut three = place.open();
    place.kill(false);
    place.wait_for(
        "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = \
                    (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
    place.lead(&mut three);
    assert_eq!(three.get("stakes", b"a").unwrap().unwrap(), b"2");
    for _ in 0..2 {
        assert!(two.try_lead().is_err() && two.get("stakes", b"a").is_err());
        assert!(matches!(two.apply(&ChangeSet::new()), Err(StoreError::Lost(_))));
    }
}

/// The leader's connection is ended on the server.
#[test]
fn another_leads_when_the_leaders_connection_ends() {
    let Some(place) = place("another_leads_when_the_leaders_connection_ends") else { return };
    let mut one = place.leader();
    for number in 1..=50_u8 {
        let mut two = place.open();
        assert!(!two.try_lead().unwrap());
        one.apply(&put("stakes", &[number], b"1")).unwrap();
        place.kill(true);
        place.lead(&mut two);
        // Whether it has noticed or not, it writes nothing more.
        let refused = one.apply(&put("order", b"late", b"1")).unwrap_err();
        assert!(matches!(refused, StoreError::Lost(_) | StoreError::Failed { .. }), "{}", chain(&refused));
        assert!(matches!(one.apply(&put("order", b"late", b"1")), Err(StoreError::Lost(_))));
        assert!(matches!(one.try_lead(), Err(StoreError::Lost(_))));
        assert_eq!(two.count("stakes").unwrap(), u64::from(number));
        assert_eq!(two.count("order").unwrap(), 0);
        assert_eq!(place.sql("SELECT term FROM _store"), (number + 1).to_string());
        one = two;
    }
}

/// Its lock is lost, as through a proxy that shares connections, and it does not know: the term tells.
#[test]
fn leader_whose_term_is_over_writes_nothing() {
    let Some(place) = place("leader_whose_term_is_over_writes_nothing") else { return };
    for is_asked in [false, true] {
        let (mut one, mut two) = (place.leader(), place.open());
        one.apply(&put("stakes", b"a", b"1")).unwrap();
        one.run("SELECT pg_advisory_unlock_all()").unwrap();
        assert!(two.try_lead().unwrap());
        two.apply(&put("stakes", b"a", b"2")).unwrap();
        let deposed = if is_asked {
            one.try_lead().unwrap_err()
        } else {
            one.apply(&put("stakes", b"a", b"3")).unwrap_err()
        };
        assert!(matches!(deposed, StoreError::Deposed { own, found, .. } if found == own + 1), "{deposed}");
        assert!(matches!(one.apply(&put("stakes", b"a", b"3")), Err(StoreError::Lost(_))));
        two.apply(&put("stakes", b"b", b"2")).unwrap();
        assert_eq!(two.get("stakes", b"a").unwrap().unwrap(), b"2");
    }
}

/// A change set that is being written while the lead is taken is decided before the new leader reads.
#[test]
fn new_leader_waits_for_what_is_being_written() {
    let Some(place) = place("new_leader_waits_for_what_is_being_written") else { return };
    let mut one = place.leader();
    one.run("SELECT pg_advisory_unlock_all()").unwrap();
    // The change set waits for a row that somebody else has locked, with the term's row locked.
    one.apply(&put("stakes", b"a", b"0")).unwrap();
    let mut holder = place.session("BEGIN; SELECT FROM stakes FOR UPDATE; SELECT pg_sleep(1); COMMIT");
    place.wait_for(
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()",
    );
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| one.apply(&put("stakes", b"a", b"1")));
        place.wait_for(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        );
        let mut two = place.open();
        place.lead(&mut two);
        assert_eq!(two.get("stakes", b"a").unwrap().unwrap(), b"1");
        writer.join().unwrap().unwrap();
    });
    assert!(holder.wait().unwrap().success());
    assert!(matches!(
        one.apply(&put("stakes", b"a", b"2")),
        Err(StoreError::Deposed { own: 1, found: 2, .. })
    ));
}

/// A later version of the program brings the tables to its own under an earlier one that leads.
#[test]
fn leader_of_an_earlier_version_is_refused() {
    let Some(place) = place("leader_of_an_earlier_version_is_refused") else { return };
    let (mut old, mut waiting) = (place.leader(), place.open());
    old.apply(&put("stakes", b"a", b"1")).unwrap();
    let mut new = place.try_open(&SECOND).unwrap();
    assert!(!new.try_lead().unwrap());
    let refused = old.apply(&put("stakes", b"a", b"2")).unwrap_err();
    assert!(matches!(refused, StoreError::Later { found: 2, most: 1, .. }), "{refused}");
    assert!(matches!(old.try_lead(), Err(StoreError::Lost(_))));
    place.wait_for(
        "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = \
                    (SELECT oid FROM pg_database WHERE datname = current_database()))",
    );
    assert!(matches!(waiting.try_lead(), Err(StoreError::Later { .. })));
    place.lead(&mut new);
    new.apply(&put("tips", b"a", b"2")).unwrap();
    assert_eq!(new.get("stakes", b"a").unwrap().unwrap(), b"1");
}

/// Towers that each count on from what they read, and whose connections are ended again and again: every
/// number that one was told is written is there, by that one alone.
#[test]
fn towers_count_on_without_a_gap() {
    let Some(place) = place("towers_count_on_without_a_gap") else { return };
    let (stop, written, leads) = (AtomicBool::new(false), Mutex::new(Vec::new()), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for tower in 0..4_u8 {
            let (place, stop, written, leads) = (&place, &stop, &written, &leads);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    // What fails leaves the tower as one that has just started.
                    let _failed = count_on(place, tower, stop, written, leads);
                }
            });
        }
        let rounds = if crate::tests::is_long() { 500 } else { 25 };
        for round in 0..rounds {
            std::thread::sleep(Duration::from_millis(40));
            place.kill(round % 3 != 0);
        }
        stop.store(true, Ordering::SeqCst);
    });
    let mut store = place.open();
    let log = rows(&mut store, "stakes", b"");
    let numbers: Vec<_> =
        log.iter().map(|(key, _)| u64::from_be_bytes(key[..].try_into().unwrap())).collect();
    assert_eq!(numbers, (1..=u64::try_from(log.len()).unwrap()).collect::<Vec<_>>());
    let written = written.into_inner().unwrap();
    for (number, tower) in &written {
        assert_eq!(log[usize::try_from(*number).unwrap() - 1].1, [*tower], "{number}");
    }
    println!("{} written of {}, {} leads", written.len(), log.len(), leads.load(Ordering::SeqCst));
    assert!(written.len() > 50 && leads.load(Ordering::SeqCst) > 5);
}

fn count_on(
    place: &Place,
    tower: u8,
    stop: &AtomicBool,
    written: &Mutex<Vec<(u64, u8)>>,
    leads: &AtomicU64,
) -> Result<(), StoreError> {
    let mut store = place.try_open(&FIRST)?;
    while !store.try_lead()? {
        if stop.load(Ordering::SeqCst) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    leads.fetch_add(1, Ordering::SeqCst);
    // From here on it goes by its memory.
    let mut last = store.count("stakes")?;
    while !stop.load(Ordering::SeqCst) {
        let number = last + 1;
        store.apply(&put("stakes", &number.to_be_bytes(), &[tower]))?;
        written.lock().unwrap().push((number, tower));
        last = number;
    }
    Ok(())
}
