//! The store in a file: which files it opens, and which it leaves as they are.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use super::conformance::suite;
use super::{FIRST, OTHER, SECOND, chain, put, rows, try_rows};
use crate::{ChangeSet, SqliteStore, Store as _, StoreError};

/// A folder with a store that has some rows.
fn place() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.db");
    let mut store = SqliteStore::open(&file, &FIRST).unwrap();
    let mut changes = ChangeSet::new();
    (0..5000_u16).for_each(|number| {
        changes.put("stakes", number.to_be_bytes(), vec![1; 100]);
    });
    store.apply(&changes).unwrap();
    (folder, file)
}

fn refusal(file: &Path) -> StoreError {
    SqliteStore::open(file, &FIRST).map(|_| ()).unwrap_err()
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn sqlite_store_conforms() {
    let folder = tempdir().unwrap();
    suite(&|name| {
        let file = folder.path().join(name);
        Box::new(move |schema| Ok(Box::new(SqliteStore::open(&file, schema)?)))
    });
}

#[test]
fn commits_are_synced_and_files_are_private() {
    let (folder, file) = place();
    let mut store = SqliteStore::open(&file, &FIRST).unwrap();
    assert_eq!((store.pragma("synchronous"), store.pragma("wal_autocheckpoint")), (2, 32_000));
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    #[cfg(unix)]
    for name in ["a.db", "a.db-wal", "a.db.lock"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(store);
    assert_eq!(names(&folder), ["a.db", "a.db.lock"]);
}

#[test]
fn second_opener_is_kept_out() {
    let (folder, file) = place();
    let store = SqliteStore::open(&file, &FIRST).unwrap();
    let link = folder.path().join("link.db");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for name in [&file, &link] {
        assert!(matches!(refusal(name), StoreError::InUse(_)));
    }
    drop(store);
    // The lock is looked at before the database, which another process may be making.
    let absent = folder.path().join("absent.db");
    for name in [&file, &absent] {
        let lock = std::fs::File::create(format!("{}.lock", name.display())).unwrap();
        lock.lock().unwrap();
        assert!(matches!(refusal(name), StoreError::InUse(_)));
    }
    assert!(!absent.exists());
    // A program that is not ours is kept out by SQLite's own lock, and keeps us out.
    let other = Connection::open(&file).unwrap();
    other.execute_batch("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(refusal(&file), StoreError::InUse(_)));
    drop(other);
    let mut store = SqliteStore::open(&file, &FIRST).unwrap();
    assert_eq!(store.count("stakes").unwrap(), 5000);
}

#[test]
fn others_read_while_one_writes() {
    let (_folder, file) = place();
    let absent = file.with_file_name("absent.db");
    assert!(matches!(SqliteStore::open_to_read(&absent, &FIRST), Err(StoreError::File { .. })));
    assert!(!absent.exists());
    let mut writer = SqliteStore::open(&file, &FIRST).unwrap();
    writer.apply(&put("stakes", b"a", b"1")).unwrap();
    let mut reader = SqliteStore::open_to_read(&file, &FIRST).unwrap();
    assert_eq!(reader.get("stakes", b"a").unwrap().as_deref(), Some(b"1".as_slice()));
    assert!(!reader.try_lead().unwrap());
    assert!(matches!(reader.apply(&put("stakes", b"a", b"2")), Err(StoreError::ReadOnly(_))));
    // Within a scan the rows are those of its beginning; afterwards they are the new ones.
    let mut seen = 0;
    reader
        .scan("stakes", b"a", &mut |_, value| {
            assert_eq!(value, b"1");
            writer.apply(&put("stakes", b"a", b"2")).unwrap();
            writer.apply(&put("stakes", b"aa", b"2")).unwrap();
            seen += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(seen, 1);
    assert_eq!(reader.get("stakes", b"a").unwrap().as_deref(), Some(b"2".as_slice()));
    // Whoever writes may end and come back meanwhile.
    drop(writer);
    let mut writer = SqliteStore::open(&file, &FIRST).unwrap();
    writer.apply(&put("stakes", b"a", b"3")).unwrap();
    assert_eq!(reader.get("stakes", b"a").unwrap().as_deref(), Some(b"3".as_slice()));
    drop((writer, reader));
    // Nobody writes: it is read as it lies.
    let mut reader = SqliteStore::open_to_read(&file, &FIRST).unwrap();
    assert_eq!(reader.get("stakes", b"a").unwrap().as_deref(), Some(b"3".as_slice()));
    let earlier = SqliteStore::open_to_read(&file, &SECOND).map(|_| ()).unwrap_err();
    assert!(matches!(earlier, StoreError::Earlier { found: 1, expected: 2, .. }), "{earlier}");
}

/// Whatever else lies there stays as it is, byte for byte.
#[test]
fn other_files_are_refused_and_left_alone() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("a.db");
    let foreign = folder.path().join("foreign.db");
    let other = Connection::open(&foreign).unwrap();
    other.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE stakes (key BLOB)").unwrap();
    drop(other);
    let of_other_program = folder.path().join("program.db");
    drop(SqliteStore::open(&of_other_program, &OTHER).unwrap());
    let read = |file: &Path| std::fs::read(file).unwrap();
    let begun = read(&foreign)[..80].to_vec();
    for content in
        [vec![], vec![0], b"a text\n".to_vec(), vec![0; 8192], begun, read(&foreign), read(&of_other_program)]
    {
        std::fs::write(&file, &content).unwrap();
        let refused = refusal(&file);
        assert!(matches!(refused, StoreError::Other { .. }), "{}: {refused}", content.len());
        assert!(read(&file) == content, "{}", content.len());
        assert!(!folder.path().join("a.db-wal").exists());
    }
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert!(matches!(refusal(&file), StoreError::Other { .. }));
    assert!(matches!(refusal(Path::new("/nowhere/a.db")), StoreError::File { .. }));
    assert!(matches!(refusal(Path::new("/")), StoreError::Other { .. } | StoreError::File { .. }));
    assert!(matches!(refusal(Path::new("")), StoreError::File { .. }));
    #[cfg(unix)]
    {
        let link = folder.path().join("link.db");
        std::os::unix::fs::symlink(folder.path().join("absent.db"), &link).unwrap();
        assert!(matches!(refusal(&link), StoreError::File { .. }));
    }
}

/// A log whose database is gone would be applied to the new one.
#[test]
fn log_without_its_database_stops_the_start() {
    let (folder, file) = place();
    let mut store = SqliteStore::open(&file, &FIRST).unwrap();
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    // What a killed process leaves, and then the database alone is removed.
    let log = std::fs::read(folder.path().join("a.db-wal")).unwrap();
    drop(store);
    std::fs::remove_file(&file).unwrap();
    std::fs::write(folder.path().join("a.db-wal"), log).unwrap();
    let refused = refusal(&file);
    assert!(
        matches!(refused, StoreError::Other { .. }) && refused.to_string().contains("a.db-wal"),
        "{refused}"
    );
    std::fs::remove_file(folder.path().join("a.db-wal")).unwrap();
    // Half of one that a process was killed while making.
    std::fs::write(folder.path().join("a.db.new"), b"half").unwrap();
    std::fs::write(folder.path().join("a.db.new-journal"), b"half").unwrap();
    assert_eq!(SqliteStore::open(&file, &FIRST).unwrap().count("stakes").unwrap(), 0);
    assert_eq!(names(&folder), ["a.db", "a.db.lock"]);
}

#[test]
fn tables_that_were_changed_are_damaged() {
    let changes = [
        "DROP TABLE \"order\"",
        "CREATE TABLE headers (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
        "DROP TABLE stakes; CREATE TABLE stakes (key BLOB PRIMARY KEY, value BLOB)",
        "CREATE TRIGGER ignore BEFORE INSERT ON stakes BEGIN SELECT RAISE(IGNORE); END",
        "CREATE INDEX more ON stakes (value)",
        "PRAGMA user_version = 0",
        "PRAGMA user_version = -1",
    ];
    for sql in changes {
        let (_folder, file) = place();
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        for refused in [refusal(&file), SqliteStore::open(&file, &SECOND).map(|_| ()).unwrap_err()] {
            assert!(matches!(refused, StoreError::Damaged { .. }), "{sql}: {refused}");
        }
    }
    let (_folder, file) = place();
    Connection::open(&file).unwrap().execute_batch("ANALYZE; PRAGMA user_version = 7").unwrap();
    assert!(matches!(refusal(&file), StoreError::Later { found: 7, most: 1, .. }));
    Connection::open(&file).unwrap().execute_batch("PRAGMA user_version = 1").unwrap();
    assert_eq!(SqliteStore::open(&file, &FIRST).unwrap().count("stakes").unwrap(), 5000);
}

/// Pages of something else are named, by whichever call meets them; nothing panics.
#[test]
fn damaged_pages_are_errors() {
    let (folder, file) = place();
    let whole = std::fs::read(&file).unwrap();
    let mut met = 0;
    for page in 0..whole.len() / 4096 {
        for byte in [0, 0xff, 0x5a] {
            let mut damaged = whole.clone();
            damaged[page * 4096 + if page == 0 { 100 } else { 0 }..(page + 1) * 4096].fill(byte);
            std::fs::write(&file, damaged).unwrap();
            let result = SqliteStore::open(&file, &FIRST).and_then(|mut store| {
                try_rows(&mut store, "stakes", b"")?;
                store.count("order")?;
                store.apply(&put("order", b"a", b"1"))
            });
            match result {
                Err(StoreError::Damaged { .. }) => met += 1,
                // A page that is free, or only counted.
                Ok(()) => {}
                Err(other) => panic!("page {page}: {}", chain(&other)),
            }
            let _log = std::fs::remove_file(folder.path().join("a.db-wal"));
        }
    }
    assert!(met > 100, "{met}");
    // A file that was cut off.
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let cut = SqliteStore::open(&file, &FIRST).and_then(|mut store| try_rows(&mut store, "stakes", b""));
    assert!(matches!(cut, Err(StoreError::Damaged { .. })), "{cut:?}");
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(rows(&mut SqliteStore::open(&file, &FIRST).unwrap(), "stakes", b"").len(), 5000);
}

/// A table of a later version that is there already is no table of ours.
#[test]
fn migration_makes_all_or_nothing() {
    let (_folder, file) = place();
    let mut store = SqliteStore::open(&file, &SECOND).unwrap();
    store.apply(&put("headers", b"a", b"1")).unwrap();
    drop(store);
    assert!(matches!(refusal(&file), StoreError::Later { .. }));
    let mut store = SqliteStore::open(&file, &SECOND).unwrap();
    assert_eq!((store.count("headers").unwrap(), store.count("stakes").unwrap()), (1, 5000));
}
