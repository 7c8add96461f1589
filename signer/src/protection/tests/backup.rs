//! Copies of a store that works: what is in them, and that nobody waits for them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::scene::Scene;
use super::{Provider, ask, height, is_new};
use crate::protection::{
    ChangeKind, Lane, LaneChange, SigningRecord, SqlitePaths, SqliteStore, Store as _, StoreError,
};

/// A store with so many records of a megabyte that a copy takes its time.
fn large(megabytes: u64) -> (Scene, SqliteStore) {
    let scene = Scene::new();
    let store = scene.initialise(10, 0);
    let [one, _] = &Scene::providers();
    let long = vec![1; 1 << 20];
    for at in 10..10 + megabytes {
        assert!(is_new(&ask(&store, one, at, &long)));
    }
    (scene, store)
}

/// Returns the copy that is being made.
fn unfinished(scene: &Scene) -> PathBuf {
    scene.file("signing.db.unfinished-copy")
}

/// Opens a copy as a store of its own.
fn restored(copy: &Path) -> SqliteStore {
    SqliteStore::initialise(&SqlitePaths::beside(copy), &Scene::first(1_000_000, 1_000_000)).unwrap()
}

#[test]
fn votes_are_signed_while_the_store_is_copied() {
    let (scene, store) = large(40);
    let [one, two] = &Scene::providers();
    let (to, unfinished) = (scene.file("copy.db"), unfinished(&scene));
    let mut signed = 0;
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| store.back_up(&to));
        wait_for(&unfinished);
        for at in 100.. {
            assert!(is_new(&ask(&store, two, at, b"a")));
            // Before most pages are there: who looks at the whole copy later is another thread anyway.
            if std::fs::metadata(&unfinished).is_ok_and(|file| file.len() < 30 << 20) {
                signed += 1;
            }
            if copying.is_finished() {
                break;
            }
        }
        copying.join().unwrap().unwrap();
    });
    assert!(signed >= 3, "{signed} votes during a copy");
    drop(store);
    let copy = restored(&to);
    copy.check_integrity().unwrap();
    assert_eq!(copy.records(&one.lane, height(0), 100).unwrap().len(), 40);
}

/// Waits until a copy is being made.
fn wait_for(unfinished: &Path) {
    let begun = Instant::now();
    while std::fs::metadata(unfinished).map_or(0, |file| file.len()) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

/// Changes of which the last is refused, when the first is in the log already: they are taken back.
fn fail(store: &SqliteStore, provider: &Provider) {
    let stranger = Lane { chain_id: b"unknown".to_vec(), ..(*provider.lane).clone() };
    let huge = SigningRecord { height: height(5000), message: vec![1; 4 << 20], signature: None };
    let refused = store.change(vec![
        LaneChange { lane: (*provider.lane).clone(), kind: ChangeKind::Import(vec![huge]) },
        LaneChange { lane: stranger, kind: ChangeKind::SetHigh(None) },
    ]);
    assert!(matches!(refused, Err(StoreError::UnknownLane(_))), "{refused:?}");
}

/// Callers sign and contradict each other while copies are made one after the other, and a transaction fails
/// in the midst of each: a copy has what was signed before it, and nothing that was not signed.
#[test]
fn copies_under_load_are_whole() {
    let (scene, store) = large(8);
    let [one, two] = &Scene::providers();
    let is_done = AtomicBool::new(false);
    let copies: Vec<_> = std::thread::scope(|scope| {
        for thread in 0..3_u8 {
            let (store, is_done) = (&store, &is_done);
            scope.spawn(move || {
                let message = [&[thread][..], &vec![7; 9000]].concat();
                for at in (100_u64..).take_while(|_| !is_done.load(Ordering::Relaxed)) {
                    let _one_of_three = store.check_and_record(vec![two.request(at, &message)]).unwrap();
                }
            });
        }
        let copies = (0..4).map(|number| {
            let before = store.state(&two.lane).unwrap().highest;
            let to = scene.file(&format!("copy{number}.db"));
            let copying = scope.spawn({
                let (store, to) = (&store, to.clone());
                move || store.back_up(&to).unwrap()
            });
            wait_for(&unfinished(&scene));
            fail(&store, one);
            assert!(is_new(&ask(&store, one, 200 + number, b"b")));
            copying.join().unwrap();
            (to, before)
        });
        let copies = copies.collect();
        is_done.store(true, Ordering::Relaxed);
        copies
    });
    for (to, before) in copies {
        let copy = restored(&to);
        copy.check_integrity().unwrap();
        for provider in [one, two] {
            let there = copy.records(&provider.lane, height(0), 100_000).unwrap();
            let highest = there.last().map(|record| record.height);
            assert!(provider.lane == one.lane || highest >= before, "{highest:?} {before:?}");
            // All that the store has up to the highest one, in this order.
            let mut all = store.records(&provider.lane, height(0), 100_000).unwrap();
            all.retain(|record| Some(record.height) <= highest);
            assert!(there == all, "{} of {}", there.len(), all.len());
        }
    }
}

/// A transaction that failed has the copy begin anew; a database that fails all the time is not copied.
#[test]
fn copy_of_a_database_that_fails_ends() {
    let (scene, store) = large(8);
    let [one, two] = &Scene::providers();
    let to = scene.file("copy.db");
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| store.back_up(&to));
        wait_for(&unfinished(&scene));
        while !copying.is_finished() {
            fail(&store, one);
        }
        let StoreError::Database(cause) = copying.join().unwrap().unwrap_err() else { panic!() };
        assert!(cause.to_string().contains("again and again"), "{cause}");
    });
    assert!(!to.exists());
    assert!(is_new(&ask(&store, two, 10, b"a")), "the store works on");
    drop(store);
    scene.open().check_integrity().unwrap();
}

#[test]
fn one_of_two_copies_of_a_name_is_made() {
    let (scene, store) = large(4);
    let to = scene.file("copy.db");
    // Whole and marked as soon as it is there.
    let copy = || {
        store.back_up(&to).is_ok_and(|()| {
            let copy = rusqlite::Connection::open(&to).unwrap();
            assert!(copy.query_row("SELECT is_backup FROM store", [], |row| row.get::<_, bool>(0)).unwrap());
            true
        })
    };
    let made = std::thread::scope(|scope| {
        [scope.spawn(copy), scope.spawn(copy)].map(|thread| thread.join().unwrap())
    });
    assert_eq!(made.iter().filter(|made| **made).count(), 1);
    drop(store);
    restored(&to).check_integrity().unwrap();
}

/// A log or a journal of a copy that was never finished would be taken for the new one's.
#[test]
fn files_that_a_killed_copy_left_are_removed() {
    let (scene, store) = large(1);
    let [one, two] = &Scene::providers();
    let other = rusqlite::Connection::open(unfinished(&scene)).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE other (number INTEGER)").unwrap();
    std::mem::forget(other);
    std::fs::write(scene.file("signing.db.unfinished-copy-journal"), "a journal").unwrap();
    assert!(scene.file("signing.db.unfinished-copy-wal").exists());
    scene.ask(&store, &[(one, 100, b"a"), (two, 100, b"a")]);
    store.back_up(&scene.file("copy.db")).unwrap();
    let mut names: Vec<_> = std::fs::read_dir(scene.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("copy"))
        .collect();
    names.sort();
    assert_eq!(names, ["copy.db"]);
    // As a file of its own, without a log.
    let copy = std::fs::read(scene.file("copy.db")).unwrap();
    assert_eq!(copy[18..20], [1, 1]);
    drop(store);
    scene.check(&restored(&scene.file("copy.db")), "a copy");
}

/// Pages are copied as they are, so they are looked at.
#[test]
fn damaged_database_is_not_copied() {
    let scene = Scene::new();
    let [one, two] = &Scene::providers();
    let store = scene.initialise(10, 0);
    let record = |at| SigningRecord { height: height(at), message: vec![7; 40], signature: None };
    let kind = ChangeKind::Import((10..5000).map(record).collect());
    store.change(vec![LaneChange { lane: (*one.lane).clone(), kind }]).unwrap();
    drop(store);
    let mut bytes = std::fs::read(scene.paths().database).unwrap();
    // A page of records in the middle, which nobody reads who begins with the highest.
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 8].fill(0xff);
    std::fs::write(scene.paths().database, bytes).unwrap();
    let store = scene.open();
    let refused = store.back_up(&scene.file("copy.db")).unwrap_err();
    assert!(matches!(refused, StoreError::Damaged(_)), "{refused}");
    assert!(!scene.file("copy.db").exists() && !unfinished(&scene).exists());
    assert!(is_new(&ask(&store, two, 10, b"a")), "the store works on");
}

/// Another disk may hang: the whole copy is brought there, beside what is there already.
#[test]
fn copy_on_another_disk_is_whole() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let (scene, store) = large(2);
    let shared_memory = Path::new("/dev/shm");
    let is_other = |other: &Path| {
        let device = |path: &Path| std::fs::metadata(path).map(|file| file.dev());
        device(other).is_ok_and(|found| device(scene.path()).is_ok_and(|own| own != found))
    };
    if !is_other(shared_memory) {
        println!("skipped: {} is no other disk than that of the test", shared_memory.display());
        return;
    }
    let folder = tempfile::tempdir_in(shared_memory).unwrap();
    let to = folder.path().join("copy.db");
    let others = folder.path().join("copy.db.part0");
    std::fs::write(&others, "somebody else's").unwrap();
    store.back_up(&to).unwrap();
    assert!(store.back_up(&to).is_err(), "it is there already");
    assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(std::fs::read(others).unwrap(), b"somebody else's");
    assert!(!unfinished(&scene).exists());
    drop(store);
    assert_eq!(restored(&to).lanes().unwrap().len(), 2);
}

/// SQLite takes a file of these names for a part of the database; the store too.
#[test]
fn copy_has_no_name_of_the_stores_own_files() {
    let (scene, store) = large(1);
    for ending in ["-wal", "-shm", "-journal", ".lock", ".guard", ".nonces.new", ".unfinished-copy"] {
        assert!(store.back_up(&scene.file(&format!("signing.db{ending}"))).is_err(), "{ending}");
    }
    let elsewhere = scene.file("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    store.back_up(&elsewhere.join("signing.db-journal")).unwrap();
    let around = elsewhere.join("..").join("signing.db-journal");
    let StoreError::Backup(refused) = store.back_up(&around).unwrap_err() else { panic!() };
    assert!(refused.to_string().contains("one of the signing database's own files"), "{refused}");
}
