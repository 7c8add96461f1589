//! Servers and answers that fail.

use super::*;
use crate::ChangeSet;
use crate::testing::Stop;

const WAITS: &str = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' LIMIT 1";

/// A statement of the server's fails: nothing is written, and the one that leads goes on leading.
#[test]
fn failed_statement_writes_nothing_and_keeps_the_lead() {
    let Some(place) = place("failed_statement_writes_nothing_and_keeps_the_lead") else { return };
    let mut store = place.leader();
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    place.sql("ALTER TABLE stakes ADD CONSTRAINT small CHECK (octet_length(value) < 3)");
    let mut changes = put("order", b"a", b"1");
    changes.put("stakes", b"a", b"2").put("stakes", b"b", b"large");
    for _ in 0..2 {
        let error = store.apply(&changes).unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
        assert!(chain(&error).contains("violates check constraint"), "{}", chain(&error));
        assert_eq!(store.get("stakes", b"a").unwrap().unwrap(), b"1");
        assert_eq!((store.count("stakes").unwrap(), store.count("order").unwrap()), (1, 0));
    }
    assert_eq!(
        place.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' \
                          AND datname = current_database()"
        ),
        "0"
    );
    store.apply(&put("stakes", b"a", b"2")).unwrap();
    assert!(store.try_lead().unwrap());
    assert_eq!(place.sql("SELECT term FROM _store"), "1");
}

/// Somebody has locked the tables: an error in time, and nothing written.
#[test]
fn answer_that_does_not_come_is_an_error() {
    let Some(place) = place("answer_that_does_not_come_is_an_error") else { return };
    drop(place.open());
    let options = place.options(Duration::from_secs(2));
    let mut store = PostgresStore::open(&options, &FIRST).unwrap();
    place.lead(&mut store);
    let mut holder = place.session("BEGIN; LOCK TABLE stakes; SELECT pg_sleep(600)");
    let sleeps =
        "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    place.wait_for(sleeps);
    let start = Instant::now();
    let mut changes = put("order", b"a", b"1");
    changes.put("stakes", b"a", b"1");
    for error in [store.apply(&changes).unwrap_err(), store.get("stakes", b"a").unwrap_err()] {
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
        assert!(chain(&error).contains("lock timeout"), "{}", chain(&error));
    }
    assert!(start.elapsed() < Duration::from_secs(30));
    assert!(PostgresStore::open(&options, &SECOND).is_ok(), "new tables need no lock of others");
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
               AND datname = current_database()",
    );
    holder.wait().unwrap();
    assert_eq!((store.count("stakes").unwrap(), store.count("order").unwrap()), (0, 0));
}

/// The server's process for the leader stands still: an error in time, and the connection is given up.
#[test]
fn server_that_says_nothing_is_given_up() {
    let Some(place) = place("server_that_says_nothing_is_given_up") else { return };
    let options = place.options(Duration::from_secs(2));
    let (mut store, mut next) = (PostgresStore::open(&options, &FIRST).unwrap(), place.open());
    place.lead(&mut store);
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    let own = "locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let pid: i32 = place.sql(&format!("SELECT pid FROM pg_locks WHERE {own}")).parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let error = store.apply(&put("stakes", b"a", b"2")).unwrap_err();
    assert!(matches!(error, StoreError::TimedOut { .. }), "{error}");
    assert!(matches!(store.apply(&put("stakes", b"a", b"2")), Err(StoreError::Lost(_))));
    // Its lock is there as long as the process is, so that nobody leads meanwhile.
    assert!(!next.try_lead().unwrap());
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    place.lead(&mut next);
    assert_eq!(next.get("stakes", b"a").unwrap().unwrap(), b"1");
    assert!(matches!(store.try_lead(), Err(StoreError::Lost(_))));
}

/// The rows of a scan are those of one moment, however slowly they are taken, and more than one page of them.
#[test]
fn scan_is_of_one_moment() {
    let Some(place) = place("scan_is_of_one_moment") else { return };
    let mut leader = place.leader();
    let all = |value: u8| {
        let mut changes = ChangeSet::new();
        (0..12_000_u16).for_each(|number| {
            changes.put("stakes", number.to_be_bytes(), vec![value; 100]);
        });
        changes
    };
    leader.apply(&all(1)).unwrap();
    let mut reader = PostgresStore::open(&place.options(Duration::from_secs(2)), &FIRST).unwrap();
    let mut seen = 0;
    reader
        .scan("stakes", b"", &mut |_, value| {
            if seen == 10 {
                leader.apply(&all(2)).unwrap();
                // Longer than an answer may take.
                std::thread::sleep(Duration::from_secs(3));
            }
            seen += 1;
            assert_eq!(value[0], 1);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, 12_000);
    assert_eq!(reader.get("stakes", &[0, 0]).unwrap().unwrap()[0], 2);
}

/// The server crashes under a program that leads, and comes back; then it is told not to sync.
#[test]
fn crashed_server_has_all_that_was_written() {
    const NAME: &str = "crashed_server_has_all_that_was_written";
    let Some(server) = PostgresServer::start(NAME, &[]).unwrap() else { return };
    let place = Place::on(Arc::new(server));
    let mut written = 0_u64;
    for _ in 0..3 {
        let mut store = place.leader();
        // What was not answered may be there, and nothing after it.
        let found = store.count("stakes").unwrap();
        assert!((written..=written + 1).contains(&found), "{found} of {written}");
        let last = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                (found + 1..).find(|number| store.apply(&put("stakes", &number.to_be_bytes(), b"")).is_err())
            });
            std::thread::sleep(Duration::from_millis(150));
            place.server.stop(Stop::Immediate).unwrap();
            writer.join().unwrap().unwrap()
        });
        assert!(matches!(store.try_lead(), Err(StoreError::Lost(_))));
        let mut waiting = place.try_open(&FIRST);
        assert!(matches!(waiting, Err(StoreError::Connect(_))));
        place.server.resume().unwrap();
        waiting = place.try_open(&FIRST);
        assert!(waiting.unwrap().count("stakes").unwrap() >= last - 1);
        written = last - 1;
    }
    assert!(written > 3, "{written}");
    for setting in ["fsync", "full_page_writes"] {
        let (mut store, mut waiting) = (place.leader(), place.open());
        place.set(&format!("SET {setting} = off"), setting, "off");
        let is_refused =
            |error: &StoreError| matches!(error, StoreError::NotDurable { name, .. } if *name == setting);
        // The connection that is there may read its settings late.
        let error = loop {
            match store.apply(&put("order", b"a", b"1")) {
                Ok(()) => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => break error,
            }
        };
        assert!(is_refused(&error), "{error}");
        for error in [place.refusal(&FIRST), waiting.try_lead().unwrap_err()] {
            assert!(is_refused(&error), "{error}");
        }
        place.set(&format!("RESET {setting}"), setting, "on");
    }
    // A standby takes no writes.
    place.server.stop(Stop::Fast).unwrap();
    std::fs::write(place.server.folder().join("data/standby.signal"), "").unwrap();
    place.server.resume().unwrap();
    assert!(matches!(place.refusal(&FIRST), StoreError::ReadOnly(_)));
}

/// A commit that is not answered in time is not taken for one that was not made: nobody leads before it is
/// decided, and whoever leads then finds it.
#[test]
fn commit_without_an_answer_is_not_known() {
    const NAME: &str = "commit_without_an_answer_is_not_known";
    let Some(server) = PostgresServer::start(NAME, &[]).unwrap() else { return };
    let place = Place::on(Arc::new(server));
    drop(place.open());
    let options = place.options(Duration::from_secs(2));
    let mut store = PostgresStore::open(&options, &FIRST).unwrap();
    place.lead(&mut store);
    place.set("SET synchronous_standby_names = 'nobody'", "synchronous_standby_names", "nobody");
    // The server may take the new setting late.
    let (last, error) = (1_u8..)
        .find_map(|number| store.apply(&put("stakes", &[number], b"1")).err().map(|error| (number, error)))
        .unwrap();
    assert!(matches!(error, StoreError::Unknown { .. }), "{error}");
    assert!(chain(&error).contains("no answer within 2s"), "{}", chain(&error));
    assert!(matches!(store.count("stakes"), Err(StoreError::Lost(_))));
    // Its session waits for the standby, and leads on the server until it is decided.
    place.wait_for(WAITS);
    let mut next = PostgresStore::open(&options, &FIRST).unwrap();
    for _ in 0..3 {
        assert!(!next.try_lead().unwrap());
    }
    // As long as that is so, it is not to be seen, which says nothing.
    assert_eq!(next.get("stakes", &[last]).unwrap(), None);
    place.sql(&format!("SELECT pg_cancel_backend(({WAITS}))"));
    place.wait_for("SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')");
    // To lead is to commit too, and a commit that is warned of is none.
    let error = std::thread::scope(|scope| {
        let lead = scope.spawn(|| {
            loop {
                match next.try_lead() {
                    Ok(false) => std::thread::sleep(Duration::from_millis(10)),
                    done => break done.unwrap_err(),
                }
            }
        });
        place.wait_for(WAITS);
        place.sql(&format!("SELECT pg_cancel_backend(({WAITS}))"));
        lead.join().unwrap()
    });
    assert!(chain(&error).contains("it warned"), "{}", chain(&error));
    place.set("RESET synchronous_standby_names", "synchronous_standby_names", "");
    place.lead(&mut next);
    assert_eq!(next.get("stakes", &[last]).unwrap().unwrap(), b"1");
    assert_eq!(next.count("stakes").unwrap(), u64::from(last));
    drop(store);
    assert!(next.try_lead().unwrap(), "a handle that is lost takes nothing with it");
}
