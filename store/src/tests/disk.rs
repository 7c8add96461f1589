//! Disks that are full, or fail.

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::tempdir;

use super::kill::{apply, check};
use super::process::{other, own, text};
use super::{FIRST, put, rows};
use crate::{ChangeSet, SqliteStore, Store as _, StoreError};

/// The database may have so many pages and no more: the place where it fails moves from row to row.
#[test]
fn full_database_takes_nothing_by_half_and_works_on() {
    let folder = tempdir().unwrap();
    let mut store = SqliteStore::open(folder.path().join("a.db"), &FIRST).unwrap();
    store.apply(&put("stakes", b"a", b"1")).unwrap();
    for more in 0..40 {
        let pages = store.pragma("page_count");
        store.set_pragma("max_page_count", u32::try_from(pages + more).unwrap());
        let mut changes = put("stakes", b"a", b"2");
        (0..200_u8).for_each(|number| {
            changes.put("order", [number], vec![number; 2000]).put("stakes", [number; 2], b"2");
        });
        let error = store.apply(&changes).unwrap_err();
        assert!(matches!(error, StoreError::Failed { .. }), "{error}");
        assert_eq!(rows(&mut store, "stakes", b""), [(b"a".to_vec(), b"1".to_vec())]);
        assert_eq!(store.count("order").unwrap(), 0);
        store.set_pragma("max_page_count", 1_000_000);
        store.apply(&put("stakes", b"a", b"1")).unwrap();
    }
}

/// Lets no file of this process grow beyond a length.
fn limit_files(length: Option<u64>) {
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: length.or(maximum), maximum }).unwrap();
}

/// The process whose files cannot grow.
#[test]
#[ignore = "a part of the tests below, which run it"]
fn limited() {
    let Some((folder, work)) = own() else { return };
    let file = folder.join("a.db");
    let mut store = SqliteStore::open(&file, &FIRST).unwrap();
    apply(&mut store, 3).unwrap();
    let log = std::fs::metadata(folder.join("a.db-wal")).unwrap().len();
    limit_files(Some(log + work.parse::<u64>().unwrap()));
    let error = apply(&mut store, 1000).unwrap_err();
    match &error {
        // It is not known, and nothing more is done before it is.
        StoreError::Unknown { .. } => {
            assert!(matches!(store.apply(&ChangeSet::new()), Err(StoreError::Lost(_))));
            assert!(matches!(store.get("stakes", b"last"), Err(StoreError::Lost(_))));
            assert!(matches!(store.try_lead(), Err(StoreError::Lost(_))));
        }
        StoreError::Failed { .. } => assert!(check(&mut store) >= 3),
        other => panic!("{other}"),
    }
    limit_files(None);
    drop(store);
    let mut store = SqliteStore::open(&file, &FIRST).unwrap();
    let last = check(&mut store);
    apply(&mut store, 3).unwrap();
    assert_eq!(check(&mut store), last + 3);
    println!("limited: {error}");
}

#[test]
fn files_that_cannot_grow_lose_nothing() {
    let mut unknown = 0;
    for more in (0..40_000).step_by(4567) {
        let folder = tempdir().unwrap();
        let inner = other("disk::limited", folder.path(), &more.to_string());
        // A process that ignores the signal is told by an error, and Rust itself does not ignore it.
        let mut command = Command::new("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
            .arg(inner.get_program())
            .args(inner.get_args());
        command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("limited: "), "{}", text(&output));
        unknown += u32::from(said.contains("is not known"));
    }
    assert!(unknown > 0);
}
