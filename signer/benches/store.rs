//! What a durable signature costs: 64 callers at once beside one row for each sync of the disk, as a ratio
//! measured in one run on one disk: `cargo bench --profile dev --package btcstake-signer --bench store`.
//!
//! Arguments: a word, to measure only the rows that contain it; `--strict`, to exit with 1 when a target is
//! missed.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

#[allow(dead_code, reason = "some of the harness is for other benches")]
#[path = "../../eots/benches/ratios/measure.rs"]
mod measure;

use std::hint::black_box;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use eots::SecretKey;
use finality::{ConsumerHeight, SignerChain};
use measure::Ratio::Speed;
use measure::Table;
use rusqlite::{Connection, params};
use signer::protection::{
    FirstHeight, Lane, PostgresOptions, PostgresStore, SqlitePaths, SqliteStore, Store,
};
use signer::session::{ProtectedSigner, VoteRules};
use signer::testing::PostgresServer;

/// How many callers ask at once.
const CALLERS: u64 = 64;
/// What each asks in a pass.
const EACH: u64 = 16;

fn main() -> ExitCode {
    Table::of_arguments(measure_all)
}

/// A signer over a store, and the heights that it has not signed yet.
struct Bench {
    signer: ProtectedSigner,
    next: AtomicU64,
}

impl Bench {
    fn new(key: SecretKey, store: Arc<dyn Store>) -> Self {
        let signer = ProtectedSigner::new(key, SignerChain::genesis("bbn-1"), store, VoteRules::default());
        Self { signer, next: AtomicU64::new(1) }
    }

    fn ask(&self) {
        let height = ConsumerHeight(self.next.fetch_add(1, Ordering::Relaxed));
        let message = [&height.to_be_bytes()[..], &[9; 32]].concat();
        black_box(self.signer.sign_message(height, message).expect("a durable signature"));
    }

    /// Returns the seconds for each signature, with many callers.
    fn many(&self, passes: u32) -> f64 {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| (0..EACH * u64::from(passes)).for_each(|_| self.ask()));
            }
        });
        start.elapsed().as_secs_f64() / (CALLERS * EACH * u64::from(passes)) as f64
    }

    /// Returns the seconds for each signature, with one caller.
    fn one(&self, passes: u32) -> f64 {
        let start = Instant::now();
        (0..passes).for_each(|_| self.ask());
        start.elapsed().as_secs_f64() / f64::from(passes)
    }
}

fn measure_all(table: &mut Table) {
    let folder = tempfile::tempdir().expect("a folder");
    let key = || SecretKey::from_bytes(&[7; 32]).expect("a key");
    let lane = Lane { public_key: *key().public_key(), chain_id: b"bbn-1".to_vec() };
    let first = [FirstHeight { lane, height: ConsumerHeight(0) }];
    let paths = SqlitePaths::beside(folder.path().join("signing.db"));
    let store = SqliteStore::initialise(&paths, &first).expect("a store");
    let sqlite = Bench::new(key(), Arc::new(store));
    // The same row and the same sync, with nothing around it.
    let bare = Connection::open(folder.path().join("bare.db")).expect("a database");
    bare.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE record (lane INTEGER, height BLOB, message BLOB, signature BLOB, PRIMARY KEY (lane, height))
         STRICT, WITHOUT ROWID;",
    )
    .expect("a table");
    let mut row = 0_u64;
    let mut commit = |passes: u32| {
        let start = Instant::now();
        for _ in 0..passes {
            row += 1;
            let insert = "INSERT INTO record VALUES (1, ?1, ?2, ?3)";
            let mut insert = bare.prepare_cached(insert).expect("a statement");
            let height = row.to_be_bytes();
            insert
                .execute(params![height.as_slice(), [9_u8; 40].as_slice(), [9_u8; 32].as_slice()])
                .expect("a row");
        }
        start.elapsed().as_secs_f64() / f64::from(passes)
    };
    const BARE: &str = "one bare row for each sync";
    table.row("64 callers in process", BARE, Speed(Some(3.0)), |passes| sqlite.many(passes), &mut commit);
    table.row("1 caller in process", BARE, Speed(None), |passes| sqlite.one(passes), &mut commit);
    let Some(server) = PostgresServer::start("the rows on PostgreSQL", &[]).expect("a server") else {
        return;
    };
    let connection = server.connection("postgres").parse().expect("a connection");
    let options = PostgresOptions::new(connection, folder.path().join("postgres.guard"));
    let store = PostgresStore::initialise(&options, &first).expect("a store");
    let postgres = Bench::new(key(), Arc::new(store));
    const ONE: &str = "1 caller on PostgreSQL";
    table.row(
        "64 callers on PostgreSQL",
        ONE,
        Speed(None),
        |passes| postgres.many(passes),
        |passes| postgres.one(passes),
    );
}
