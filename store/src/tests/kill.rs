//! The process is killed while it applies change sets: what it said is written is there, and nothing by half.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::tempdir;

use super::process::{other, own};
use super::{FIRST, Random, is_long, rows};
use crate::testing::MemoryDatabase;
use crate::{ChangeSet, SqliteStore, Store};

/// The change set of a number. It touches both tables, overwrites, deletes, and is large now and then.
fn changes(number: u64) -> ChangeSet {
    let mut changes = ChangeSet::new();
    let size = if number.is_multiple_of(20) { 1_000_000 } else { 3000 };
    changes.put("stakes", b"last", number.to_be_bytes()).put("order", number.to_be_bytes(), vec![1; size]);
    changes.put("stakes", (number % 7).to_be_bytes(), number.to_be_bytes());
    changes.delete("order", number.saturating_sub(3).to_be_bytes());
    changes.delete("stakes", (number % 5).to_be_bytes());
    changes
}

fn last(store: &mut dyn Store) -> u64 {
    let last = store.get("stakes", b"last").unwrap();
    last.map_or(0, |bytes| u64::from_be_bytes(bytes.try_into().unwrap()))
}

/// Checks that a store is as it was after some change set, and returns its number.
pub(super) fn check(store: &mut dyn Store) -> u64 {
    let last = last(store);
    let mut model = MemoryDatabase::new().open(&FIRST).unwrap();
    assert!(model.try_lead().unwrap());
    (1..=last).for_each(|number| model.apply(&changes(number)).unwrap());
    for table in ["stakes", "order"] {
        assert!(rows(store, table, b"") == rows(&mut model, table, b""), "{table} after {last}");
    }
    last
}

/// Applies change sets, and says of each that it is written.
pub(super) fn apply(store: &mut dyn Store, most: u64) -> Result<(), crate::StoreError> {
    let first = last(store) + 1;
    for number in first..first.saturating_add(most) {
        store.apply(&changes(number))?;
        println!("written {number}");
    }
    Ok(())
}

/// The process that is killed.
#[test]
#[ignore = "a part of the tests below, which run it"]
fn victim() {
    let Some((folder, _)) = own() else { return };
    println!();
    let mut store = SqliteStore::open(folder.join("a.db"), &FIRST).unwrap();
    // The log is brought into the file on the way, again and again.
    store.set_pragma("wal_autocheckpoint", 100);
    apply(&mut store, u64::MAX).unwrap();
}

/// Runs the other process for a while, and returns the last number that it said.
fn run_and_kill(folder: &Path, time: Duration) -> u64 {
    let mut victim = other("kill::victim", folder, "").stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(victim.stdout.take().unwrap());
    // SIGKILL: no destructor runs, and nothing is flushed.
    let killer = std::thread::spawn(move || {
        std::thread::sleep(time);
        victim.kill().unwrap();
        victim.wait().unwrap();
    });
    let lines = output.lines().map_while(Result::ok);
    let written = lines.filter_map(|line| line.strip_prefix("written ")?.parse().ok()).last();
    killer.join().unwrap();
    written.unwrap_or_default()
}

#[test]
fn killed_process_leaves_all_that_it_said_and_nothing_by_half() {
    let folder = tempdir().unwrap();
    let mut random = Random(3);
    let (mut said, mut found, mut left) = (0, 0, 0);
    for round in 0..if is_long() { 400 } else { 10 } {
        // The first rounds end while the file is made.
        let time = if round < 3 { 10 * round } else { 20 + random.below(300) };
        said = run_and_kill(folder.path(), Duration::from_millis(time)).max(said);
        left += u32::from(folder.path().join("a.db-wal").exists());
        let now = check(&mut SqliteStore::open(folder.path().join("a.db"), &FIRST).unwrap());
        assert!((said..=said + 1).contains(&now), "{said} were said, {now} are there, {found} were");
        (said, found) = (now, now);
    }
    assert!(found > 50 && left > 3, "{found} change sets, {left} logs left behind");
}
