//! Servers, connections and commits that fail: no signature leaves without its record, and the same request
//! again tells.

use std::process::Child;
use std::sync::atomic::AtomicBool;

use eots::Signature;

use super::*;
use crate::session::request_of_record;
use crate::testing::Stop;

/// The votes that left, of callers who never ask for two messages at a height, and how many did not.
type Released = (Vec<(u64, Vec<u8>, Signature)>, usize);

/// Has callers vote, each at heights of its own, until they are told to stop.
fn vote_until(store: &PostgresStore, place: &Place, stop: &AtomicBool, from: u64) -> Released {
    let votes = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4_u64)
            .map(|thread| {
                scope.spawn(move || {
                    let (mut released, mut failed) = (Vec::new(), 0_usize);
                    for at in (from.saturating_add(thread)..).step_by(4).take(100_000) {
                        if stop.load(Ordering::SeqCst) {
                            break;
                        }
                        let message = at.to_be_bytes();
                        match store.check_and_record(place.request(at, &message)) {
                            Ok(outcomes) => match &outcomes[..] {
                                [Outcome::Signed(verdict)] => {
                                    released.push((at, message.to_vec(), *verdict.signature()));
                                }
                                other => panic!("{other:?}"),
                            },
                            Err(_) => {
                                failed = failed.saturating_add(1);
                                // A server that is down is not asked as fast as can be.
                                std::thread::sleep(Duration::from_millis(5));
                            }
                        }
                    }
                    (released, failed)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let failed = votes.iter().map(|(_, failed)| failed).sum();
    (votes.into_iter().flat_map(|(released, _)| released).collect(), failed)
}

/// Everything that left is recorded, with its signature.
fn check_recorded(store: &PostgresStore, place: &Place, released: &[(u64, Vec<u8>, Signature)]) {
    let records = store.records(&place.provider.lane, height(0), usize::MAX).unwrap();
    for (at, message, signature) in released {
        let found = records.binary_search_by_key(&height(*at), |record| record.height);
        let record = &records[found.unwrap_or_else(|_| panic!("{at} left and is not recorded"))];
        assert_eq!((&record.message, record.signature), (message, Some(*signature)));
    }
}

/// Runs SQL in a session of its own, at the same time.
fn session(place: &Place, sql: &str) -> Child {
    let sql = format!("SET search_path = btcstake_signer; {sql}");
    place.server.psql(&place.database).arg("-c").arg(sql).spawn().unwrap()
}

const SLEEPS: &str =
    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";

#[test]
fn killed_sessions_release_nothing_unrecorded() {
    let Some(place) = place("killed_sessions_release_nothing_unrecorded") else { return };
    let store = place.open().unwrap();
    let stop = AtomicBool::new(false);
    let (released, failed) = std::thread::scope(|scope| {
        let votes = scope.spawn(|| vote_until(&store, &place, &stop, 1000));
        for _ in 0..20 {
            place.kill();
            std::thread::sleep(Duration::from_millis(10));
        }
        stop.store(true, Ordering::SeqCst);
        votes.join().unwrap()
    });
    println!("{} released, {failed} failed", released.len());
    assert!(!released.is_empty());
    check_recorded(&store, &place, &released);
    // A session that ended while nobody asked is not noticed.
    for at in 10..13 {
        place.kill();
        assert!(is_new(&ask(&store, &place.provider, at, b"a")));
    }
    let (at, message, signature) = &released[0];
    assert_eq!(ask(&store, &place.provider, *at, message), Outcome::Signed(Verdict::Again(*signature)));
    assert!(matches!(refusal(ask(&store, &place.provider, *at, b"x")), Refusal::DoubleSign { .. }));
}

/// Another session holds the lock: an error, in time, and the same request later tells. No session is left
/// with an open transaction.
#[test]
fn statement_that_waits_too_long_is_an_error() {
    let Some(place) = place("statement_that_waits_too_long_is_an_error") else { return };
    let options = place.hasty("guard", PostgresMode::Exclusive, Duration::from_secs(3));
    let store = PostgresStore::open(&options).unwrap();
    let mut holder = session(&place, "BEGIN; SELECT FROM store FOR UPDATE; SELECT pg_sleep(600)");
    place.wait_for(SLEEPS);
    for _ in 0..2 {
        let error = store.check_and_record(place.request(10, b"a")).unwrap_err();
        assert!(chain(&error).contains("nothing was recorded"), "{}", chain(&error));
    }
    assert_eq!(place.provider.calls(), 0);
    place.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
               AND datname = current_database()",
    );
    holder.wait().unwrap();
    assert!(is_new(&ask(&store, &place.provider, 10, b"a")));
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' \
                AND application_name = 'btcstake-signer' AND datname = current_database()";
    assert_eq!(place.sql(open), "0");
    assert!(matches!(refusal(ask(&store, &place.provider, 10, b"b")), Refusal::DoubleSign { .. }));
}

/// Somebody inserts without our locks: the unique key is the last line.
#[test]
fn record_that_appears_under_the_lock_is_an_error() {
    let Some(place) = place("record_that_appears_under_the_lock_is_an_error") else { return };
    let store = place.open().unwrap();
    let mut other = session(
        &place,
        "BEGIN; INSERT INTO record SELECT public_key, chain_id, '\\x000000000000000a', 'b', NULL FROM lane; \
         SELECT pg_sleep(1); COMMIT",
    );
    place.wait_for(SLEEPS);
    let error = chain(&store.check_and_record(place.request(10, b"a")).unwrap_err());
    assert!(error.contains("0 of 1 rows were written"), "{error}");
    assert!(other.wait().unwrap().success());
    let refused = refusal(ask(&store, &place.provider, 10, b"a"));
    assert!(matches!(&refused, Refusal::DoubleSign { earlier } if earlier.message == b"b"), "{refused}");
}

/// The server crashes under four callers and comes back; then it is told not to sync.
#[test]
fn crashed_server_has_all_that_left() {
    const NAME: &str = "crashed_server_has_all_that_left";
    let Some(server) = PostgresServer::start(NAME, &[]).unwrap() else { return };
    let place = database_on(Arc::new(server));
    place.initialise(10);
    let store = place.open().unwrap();
    let mut all = Vec::new();
    for round in 1..=3_u64 {
        let stop = AtomicBool::new(false);
        let (released, failed) = std::thread::scope(|scope| {
            let votes = scope.spawn(|| vote_until(&store, &place, &stop, round * 1_000_000));
            std::thread::sleep(Duration::from_millis(150));
            place.server.stop(Stop::Immediate).unwrap();
            place.server.resume().unwrap();
            std::thread::sleep(Duration::from_millis(50));
            stop.store(true, Ordering::SeqCst);
            votes.join().unwrap()
        });
        println!("{} released, {failed} failed", released.len());
        assert!(failed > 0);
        all.extend(released);
        check_recorded(&store, &place, &all);
    }
    for (at, setting) in [(20, "fsync"), (21, "full_page_writes")] {
        place.set(&format!("SET {setting} = off"), setting, "off");
        let expected = format!("setting {setting} is \"off\"; must be \"on\"");
        // On the connection that is there, which may read its settings late, and on a new one.
        let error = loop {
            match store.check_and_record(place.request(at, b"a")) {
                Ok(_) => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => break error,
            }
        };
        assert!(chain(&error).contains(&expected), "{}", chain(&error));
        let error = store.check_and_record(place.request(at, b"b")).unwrap_err();
        assert!(chain(&error).contains(&expected), "{}", chain(&error));
        place.set(&format!("RESET {setting}"), setting, "on");
    }
    drop(store);
    // A standby takes no votes.
    place.server.stop(Stop::Fast).unwrap();
    let signal = place.server.folder().join("data/standby.signal");
    std::fs::write(&signal, "").unwrap();
    place.server.resume().unwrap();
    assert!(matches!(place.open(), Err(PostgresError::ReadOnly)));
}

/// A commit whose standby does not answer is made, and not safe: nothing leaves before the standby has it,
/// whoever tells the server to wait no longer.
#[test]
fn unconfirmed_commit_releases_nothing() {
    const NAME: &str = "unconfirmed_commit_releases_nothing";
    const WAITS: &str = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' LIMIT 1";
    let Some(server) = PostgresServer::start(NAME, &[]).unwrap() else { return };
    let place = database_on(Arc::new(server));
    place.initialise(10);
    place.set("SET synchronous_standby_names = 'nobody'", "synchronous_standby_names", "nobody");
    let options = place.hasty("guard", PostgresMode::Shared, Duration::from_secs(2));
    let store = PostgresStore::open(&options).unwrap();
    // The server may take the new setting late.
    let (at, error) = (10..)
        .find_map(|at| store.check_and_record(place.request(at, b"a")).err().map(|error| (at, chain(&error))))
        .unwrap();
    assert!(error.contains("may have been recorded") && error.contains("no answer within 2s"), "{error}");
    drop(store);
    // Its session waits for the standby, and keeps its locks: nobody gets past it.
    let store = PostgresStore::open(&options).unwrap();
    for message in [b"a", b"b"] {
        let error = chain(&store.check_and_record(place.request(at, message)).unwrap_err());
        assert!(error.contains("nothing was recorded"), "{error}");
    }
    drop(store);
    let cancel = || place.sql(&format!("SELECT pg_cancel_backend(({WAITS}))"));
    place.wait_for(WAITS);
    cancel();
    place.wait_for("SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep')");
    // The record is there now, for the same message too only after a commit that the standby has.
    let store = PostgresStore::open(&place.options("guard", PostgresMode::Shared)).unwrap();
    let without_key = request_of_record((*place.provider.lane).clone(), height(at), b"a".to_vec());
    for request in [place.request(at, b"a"), vec![without_key], place.request(at + 1, b"c")] {
        let error = std::thread::scope(|scope| {
            let vote = scope.spawn(|| store.check_and_record(request));
            place.wait_for(WAITS);
            cancel();
            chain(&vote.join().unwrap().unwrap_err())
        });
        assert!(error.contains("may have been recorded") && error.contains("it warned"), "{error}");
    }
    place.set("RESET synchronous_standby_names", "synchronous_standby_names", "");
    // The same requests again tell.
    assert!(
        !is_new(&ask(&store, &place.provider, at, b"a"))
            && !is_new(&ask(&store, &place.provider, at + 1, b"c"))
    );
    assert!(matches!(refusal(ask(&store, &place.provider, at, b"b")), Refusal::DoubleSign { .. }));
}
