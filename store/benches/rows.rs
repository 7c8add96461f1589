//! What a store costs beside the same rows with nothing around them, as ratios measured in one run on one
//! disk: `cargo bench --profile dev --package btcstake-store --bench rows`.
//!
//! Arguments: a word, to measure only the rows that contain it; `--strict`, to exit with 1 when a target is
//! missed.
#![allow(
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

#[allow(dead_code, reason = "some of the harness is for other benches")]
#[path = "../../eots/benches/ratios/measure.rs"]
mod measure;

use std::hint::black_box;
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use measure::Ratio::Time;
use measure::Table;
use rusqlite::{Connection, params};
#[cfg(unix)]
use store::testing::PostgresServer;
use store::{ChangeSet, PostgresOptions, PostgresStore, Schema, SqliteStore, Store};

const SCHEMA: Schema = Schema { program: "btcstake_bench", versions: &[&["stakes", "headers"]] };
/// How many rows there are.
const ROWS: u64 = 1_000_000;
/// How many rows a change set puts.
const PUTS: u64 = 10_000;

const BARE: &str = "the same, bare";

fn main() -> ExitCode {
    Table::of_arguments(measure_all)
}

/// Returns a key of 40 bytes, as spread over the table as one that begins with a hash.
fn spread(number: u64) -> Vec<u8> {
    [number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes(); 5].concat()
}

/// Returns a key of 40 bytes that comes after those before.
fn rising(number: u64) -> Vec<u8> {
    [number.to_be_bytes(); 5].concat()
}

/// Rows to put: their table, their keys, and a value.
struct Puts {
    table: &'static str,
    key: fn(u64) -> Vec<u8>,
    numbers: Range<u64>,
    value: Vec<u8>,
}

impl Puts {
    fn put(&self, store: &mut dyn Store) {
        let mut changes = ChangeSet::new();
        for number in self.numbers.clone() {
            changes.put(self.table, (self.key)(number), self.value.clone());
        }
        store.apply(&changes).expect("a change set");
    }

    fn put_bare(&self, bare: &Connection) {
        let mut rows: Vec<_> =
            self.numbers.clone().map(|number| ((self.key)(number), self.value.clone())).collect();
        rows.sort();
        let transaction = bare.unchecked_transaction().expect("a transaction");
        let sql = format!("INSERT OR REPLACE INTO {} VALUES (?1, ?2)", self.table);
        let mut put = transaction.prepare_cached(&sql).expect("SQL");
        for (key, value) in rows {
            put.execute(params![key, value]).expect("a row");
        }
        drop(put);
        transaction.commit().expect("a commit");
    }
}

/// Returns a database of the same tables, as durable.
fn bare(path: &Path) -> Connection {
    let bare = Connection::open(path).expect("a database");
    bare.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA wal_autocheckpoint = 32000; PRAGMA cache_size = -8192;
         CREATE TABLE stakes (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
         CREATE TABLE headers (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;",
    )
    .expect("tables");
    bare
}

/// Returns the seconds of one call.
fn seconds(passes: u32, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..passes).for_each(|_| work());
    start.elapsed().as_secs_f64() / f64::from(passes)
}

/// Reads all rows of a million.
fn scan(store: &mut dyn Store) {
    let mut bytes = 0;
    let mut each = |key: &[u8], value: &[u8]| {
        bytes += key.len() + value.len();
        ControlFlow::Continue(())
    };
    store.scan("stakes", b"", &mut each).expect("rows");
    assert_eq!(black_box(bytes), ROWS as usize * 240);
}

fn scan_bare(bare: &Connection) {
    let mut select = bare.prepare_cached("SELECT key, value FROM stakes ORDER BY key").expect("SQL");
    let (mut rows, mut bytes) = (select.query([]).expect("rows"), 0);
    while let Some(row) = rows.next().expect("a row") {
        let blob = |column| row.get_ref(column).expect("a column").as_blob().expect("bytes").len();
        bytes += blob(0) + blob(1);
    }
    assert_eq!(black_box(bytes), ROWS as usize * 240);
}

/// Returns the most memory that this process has had, in MiB, where the system says so.
fn most_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
}

fn of_stakes(numbers: Range<u64>) -> Puts {
    Puts { table: "stakes", key: spread, numbers, value: vec![7; 200] }
}

/// What a million rows are made of.
fn parts() -> impl Iterator<Item = Puts> {
    (0..4).map(|part| of_stakes(part * ROWS / 4..(part + 1) * ROWS / 4))
}

/// What is put, and its name.
fn puts() -> [(&'static str, Puts); 3] {
    [
        ("10 000 puts, spread", of_stakes(0..PUTS)),
        ("10 000 puts, rising", Puts { table: "headers", key: rising, ..of_stakes(0..PUTS) }),
        ("1 put", of_stakes(0..1)),
    ]
}

/// Returns rows of its own for each turn, as the same ones again write nothing.
fn turns(puts: &Puts) -> impl FnMut() -> Puts {
    let (length, mut count) = (puts.numbers.end, 0);
    move || {
        count += 1;
        let first = ROWS + count * length;
        Puts { numbers: first..first + length, value: puts.value.clone(), ..*puts }
    }
}

fn measure_all(table: &mut Table) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = SqliteStore::open(folder.path().join("a.db"), &SCHEMA).expect("a store");
    let bare = bare(&folder.path().join("bare.db"));
    parts().for_each(|part| {
        part.put(&mut store);
        part.put_bare(&bare);
    });
    let before = most_memory();
    let scans = |passes| seconds(passes, || scan(&mut store));
    table.row("scan of 1 000 000 rows", BARE, Time(Some(1.5)), scans, |passes| {
        seconds(passes, || scan_bare(&bare))
    });
    if let (Some(before), Some(after)) = (before, most_memory()) {
        println!("  it took {} MiB of memory", after - before);
    }
    for (name, puts) in puts() {
        let (mut turn, mut bare_turn) = (turns(&puts), turns(&puts));
        table.row(
            name,
            BARE,
            Time(Some(1.5)),
            |passes| seconds(passes, || turn().put(&mut store)),
            |passes| seconds(passes, || bare_turn().put_bare(&bare)),
        );
    }
    #[cfg(unix)]
    measure_postgres(table, &folder.path().join("b.db"));
}

#[cfg(unix)]
fn measure_postgres(table: &mut Table, beside: &Path) {
    let Some(server) = PostgresServer::start("the rows on PostgreSQL", &[]).expect("a server") else {
        return;
    };
    let connection = server.connection("postgres").parse().expect("a connection");
    let mut postgres = PostgresStore::open(&PostgresOptions::new(connection), &SCHEMA).expect("a store");
    assert!(postgres.try_lead().expect("a lead"));
    let mut sqlite = SqliteStore::open(beside, &SCHEMA).expect("a store");
    parts().for_each(|part| {
        part.put(&mut postgres);
        part.put(&mut sqlite);
    });
    const SQLITE: &str = "the same in SQLite";
    let scans = |passes| seconds(passes, || scan(&mut postgres));
    table.row("PostgreSQL: scan", SQLITE, Time(None), scans, |passes| seconds(passes, || scan(&mut sqlite)));
    for (name, puts) in puts() {
        let (mut turn, mut sqlite_turn) = (turns(&puts), turns(&puts));
        table.row(
            &format!("PostgreSQL: {name}"),
            SQLITE,
            Time(None),
            |passes| seconds(passes, || turn().put(&mut postgres)),
            |passes| seconds(passes, || sqlite_turn().put(&mut sqlite)),
        );
    }
}
