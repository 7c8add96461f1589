//! Two processes on one store, by whatever name; and logs that do not belong to the database beside them.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::scene::Scene;
use super::{ask, is_long, is_new};
use crate::protection::{GuardError, OpenError, SqlitePaths, SqliteStore};

/// The other process: has a store open until it is killed.
#[test]
#[ignore = "a part of the tests below, which run it"]
fn holder() {
    let Some((scene, _)) = Scene::of_this_process() else { return };
    let store = scene.open();
    let [one, _] = Scene::providers();
    scene.ask(&store, &[(&one, 10, b"a")]);
    println!("\nholding");
    std::thread::sleep(std::time::Duration::from_secs(60));
}

/// Runs a test while another process has the store open, which is killed at the end.
fn while_held(scene: &Scene, test: impl FnOnce()) {
    let mut holder = scene.other_process("opening::holder", "").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let is_there = lines.map_while(Result::ok).any(|line| line == "holding");
    if is_there {
        test();
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(is_there);
}

fn begun() -> Scene {
    let scene = Scene::new();
    drop(scene.initialise(10, 0));
    scene
}

#[test]
fn second_process_is_kept_out_until_the_first_is_gone() {
    let scene = begun();
    while_held(&scene, || {
        assert!(matches!(SqliteStore::open(&scene.paths()), Err(OpenError::InUse(_))));
        assert!(matches!(SqliteStore::initialise(&scene.paths(), &[]), Err(OpenError::InUse(_))));
    });
    // The lock goes with the process, however it ends.
    scene.check(&scene.open(), "after the holder");
}

/// By a symbolic link the lock is the same; by a hard link, whose lock is another file, SQLite's is.
#[cfg(unix)]
#[test]
fn second_process_is_kept_out_by_another_name_too() {
    let scene = begun();
    let paths = scene.paths();
    std::fs::create_dir(scene.file("elsewhere")).unwrap();
    let (soft, hard) = (scene.file("elsewhere/soft.db"), scene.file("elsewhere/hard.db"));
    std::os::unix::fs::symlink(&paths.database, &soft).unwrap();
    std::fs::hard_link(&paths.database, &hard).unwrap();
    let soft = SqlitePaths { database: soft, guard: paths.guard.clone() };
    let hard = SqlitePaths { database: hard, guard: paths.guard.clone() };
    while_held(&scene, || {
        assert!(matches!(SqliteStore::open(&soft), Err(OpenError::InUse(_))));
        // SQLite's own lock decides, after some seconds.
        assert!(!is_long() || SqliteStore::open(&hard).is_err());
    });
    // In the same process.
    let store = scene.open();
    assert!(matches!(SqliteStore::open(&soft), Err(OpenError::InUse(_))));
    let [one, _] = Scene::providers();
    assert!(is_new(&ask(&store, &one, 11, b"a")));
}

/// Two databases with one guard are two signers of one key that could know of each other.
#[test]
fn guard_is_of_one_store_at_a_time() {
    let scene = begun();
    let second = SqlitePaths { database: scene.file("second.db"), guard: scene.paths().guard };
    while_held(&scene, || {
        let refused = SqliteStore::initialise(&second, &Scene::first(100, 100)).unwrap_err();
        assert!(matches!(refused, OpenError::Guard(GuardError::InUse(_))), "{refused}");
    });
    drop(SqliteStore::initialise(&second, &Scene::first(100, 100)).unwrap());
    assert!(matches!(SqliteStore::open(&scene.paths()), Err(OpenError::OtherStore(_))));
}

/// SQLite applies a log that lies beside a database, whichever database it was written for: after a backup is
/// put in place of a database whose process was killed, pages of both would be mixed.
#[test]
fn log_of_another_database_is_refused() {
    let scene = begun();
    let store = scene.open();
    let [one, two] = &Scene::providers();
    for at in 10..60 {
        scene.ask(&store, &[(one, at, b"a"), (two, at, b"a")]);
    }
    drop(store);
    scene.open().back_up(&scene.file("backup.db")).unwrap();
    let store = scene.open();
    for at in 60..150 {
        scene.ask(&store, &[(one, at, b"a"), (two, at, b"a")]);
    }
    std::mem::forget(store);
    // What a killed process leaves, and then the database alone is restored.
    let killed = scene.copy();
    assert!(killed.file("signing.db-wal").exists());
    std::fs::rename(killed.file("backup.db"), killed.paths().database).unwrap();
    for refused in [
        SqliteStore::open(&killed.paths()).unwrap_err(),
        SqliteStore::initialise(&killed.paths(), &Scene::first(200, 200)).unwrap_err(),
    ] {
        assert!(refused.to_string().contains("-wal"), "{refused}");
    }
    // Without the log it is a backup like any other.
    std::fs::remove_file(killed.file("signing.db-wal")).unwrap();
    assert!(matches!(SqliteStore::open(&killed.paths()), Err(OpenError::Backup(_))));
    killed.check(&killed.initialise(200, 200), "a restored backup");
    // The own log is applied, as ever.
    let own = scene.copy();
    own.check(&own.open(), "after a kill");
}

/// The database alone is put back, and the log of the killed process is still there: the log has the newest
/// generation and the highest heights, and what stood between the copy and the log would be forgotten.
#[test]
fn old_copy_beside_a_newer_log_is_refused() {
    let scene = begun();
    let [one, two] = &Scene::providers();
    let store = scene.open();
    for at in 10..14 {
        scene.ask(&store, &[(one, at, b"a"), (two, at, b"a")]);
    }
    drop(store);
    std::fs::copy(scene.paths().database, scene.file("old")).unwrap();
    let store = scene.open();
    for at in 14..30 {
        scene.ask(&store, &[(one, at, b"a"), (two, at, b"a")]);
    }
    // So much that SQLite brings the log into the database, and begins it anew.
    let long = vec![1; 700_000];
    for at in 30..90 {
        scene.ask(&store, &[(two, at, &long)]);
    }
    scene.ask(&store, &[(one, 90, b"a"), (two, 90, b"a")]);
    std::mem::forget(store);
    let own = scene.copy();
    let store = own.open();
    // What was in the log is in the file, and on the disk, before anything is answered.
    assert_eq!(std::fs::metadata(own.file("signing.db-wal")).unwrap().len(), 0);
    own.check(&store, "the own log");
    drop(store);
    let mixed = scene.copy();
    std::fs::rename(mixed.file("old"), mixed.paths().database).unwrap();
    // SQLite's log is beside the real file, whatever path leads there.
    let link = mixed.file("link.db");
    std::os::unix::fs::symlink(mixed.paths().database, &link).unwrap();
    let slashes = format!("/{}", mixed.paths().database.display()).into();
    for database in [link, slashes] {
        let refused = SqliteStore::open(&SqlitePaths { database, ..mixed.paths() }).unwrap_err();
        assert!(refused.to_string().contains("-wal goes on from a later state of it"), "{refused}");
    }
    for refused in [
        SqliteStore::open(&mixed.paths()).unwrap_err(),
        SqliteStore::initialise(&mixed.paths(), &Scene::first(100, 100)).unwrap_err(),
    ] {
        assert!(refused.to_string().contains("-wal goes on from a later state of it"), "{refused}");
    }
    // Without the log it is an old copy like any other.
    std::fs::remove_file(mixed.file("signing.db-wal")).unwrap();
    assert!(matches!(SqliteStore::open(&mixed.paths()), Err(OpenError::Stale { .. })));
    mixed.check(&mixed.initialise(100, 100), "an old copy");
}

/// The log of a program that is no signer.
#[test]
fn log_of_another_program_is_refused() {
    let scene = begun();
    let other = rusqlite::Connection::open(scene.file("other.db")).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE other (number INTEGER)").unwrap();
    std::fs::copy(scene.file("other.db-wal"), scene.file("signing.db-wal")).unwrap();
    let refused = SqliteStore::open(&scene.paths()).unwrap_err();
    assert!(refused.to_string().contains("-wal is of another database"), "{refused}");
    // A file of zeros, or the beginning of a log, is no log: SQLite applies nothing of it.
    let log = std::fs::read(scene.file("other.db-wal")).unwrap();
    for content in [vec![], vec![0; 10_000], log[..31].to_vec(), log[..100].to_vec(), log[..4000].to_vec()] {
        std::fs::write(scene.file("signing.db-wal"), content).unwrap();
        scene.check(&scene.open(), "no log");
    }
}
