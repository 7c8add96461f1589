//! A signing database with many records: its signer starts at once and in little memory, however many there
//! are. The long form has ten million. (A passphrase costs a second and 256 MiB besides, whatever the
//! database: those of tests cost nothing.)

use std::path::Path;
use std::time::{Duration, Instant};

use eots::{SecretRandomness, sign};
use finality::ConsumerHeight;
use rusqlite::{Connection, params};
use signer::protection::{ChangeKind, HeightRange, LaneChange, SqliteStore, Store as _};
use signer::wire::own::StatusRequest;
use signer::wire::own::signer_client::SignerClient;
use signer::wire::reference::PingRequest;
use tonic::Code;

use crate::harness::{ALICE, ANYBODY, COMMITTED, Home, chain_id, public, refused, secret, uid};
use crate::is_long;
use crate::load::{channel, connect_to, vote};
use crate::process::{Process, SQLITE, configure, get};
use crate::released::{Released, message};

/// The most memory of a signer, in MB.
const MOST_MEMORY: f64 = 100.0;
/// The most that it takes more than one whose database is empty, in MB: pages that SQLite keeps.
const MOST_MORE: f64 = 8.0;
/// The longest time until a Ping is answered.
const START_WITHIN: Duration = Duration::from_secs(1);
/// The longest time of whatever is asked next: none of it looks at all records.
const ANSWER_WITHIN: Duration = Duration::from_millis(250);

/// The height after the last record.
fn next_height(records: u64) -> u64 {
    COMMITTED.first.to_u64() + records
}

/// Heights of records at both ends and in the middle.
fn probes(records: u64) -> Vec<u64> {
    let numbers = [0, records / 2, records.saturating_sub(1)].into_iter().filter(|_| records > 0);
    numbers.map(|number| COMMITTED.first.to_u64() + number).collect()
}

fn signature(height: u64, message: &[u8]) -> [u8; 32] {
    let randomness = SecretRandomness::derive(&secret(ALICE), &chain_id(0), height);
    sign(&secret(ALICE), randomness, message).unwrap().to_bytes()
}

/// Records votes of Alice's for block 1 at the first heights, many at a time and without waiting for the
/// disk, as if each had been a transaction of its own. Those that are asked for again have their signature.
fn fill(home: &Home, records: u64) {
    let mut connection = Connection::open(home.database().database).unwrap();
    connection
        .execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;",
        )
        .unwrap();
    let transaction = connection.transaction().unwrap();
    let lane: i64 = transaction
        .query_row(
            "SELECT number FROM lane WHERE public_key = ?1 AND chain_id = ?2",
            params![uid(ALICE), chain_id(0)],
            |row| row.get(0),
        )
        .unwrap();
    let mut insert = transaction
        .prepare("INSERT INTO record (lane, height, message, signature) VALUES (?1, ?2, ?3, ?4)")
        .unwrap();
    let probes = probes(records);
    for height in COMMITTED.first.to_u64()..next_height(records) {
        let message = message((0, height), 1);
        let signature = if probes.contains(&height) { signature(height, &message) } else { [9; 32] };
        insert
            .execute(params![lane, height.to_be_bytes().as_slice(), message, signature.as_slice()])
            .unwrap();
    }
    drop(insert);
    transaction
        .execute("UPDATE store SET generation = generation + ?1", [i64::try_from(records).unwrap()])
        .unwrap();
    transaction.commit().unwrap();
    connection.close().map_err(|(_, error)| error).unwrap();
    // The guard learns of them as after a power loss, which it may not have noticed.
    let store = SqliteStore::open(&home.database()).unwrap();
    let last = ConsumerHeight(next_height(records) + 1_000);
    let kind = ChangeKind::Committed(HeightRange { first: COMMITTED.first, last });
    store.change(home.lanes().map(|lane| LaneChange { lane, kind: kind.clone() }).collect()).unwrap();
}

/// Has the system forget what it keeps of a file, so that the next start reads it from the disk.
fn forget_cached(path: &Path) {
    let file = std::fs::File::open(path).unwrap();
    file.sync_all().unwrap();
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

/// How long something took.
#[derive(Debug)]
struct Took {
    what: &'static str,
    time: Duration,
}

/// Starts the signer, asks it for whatever might look at all records, and returns how long each took, and its
/// memory in the end. It is killed then.
async fn start_and_ask(home: &Home, records: u64, new_height: u64) -> (Vec<Took>, f64) {
    let configuration = configure(home, "large.toml", SQLITE, ANYBODY);
    let mut took = Vec::new();
    let mut since = Instant::now();
    let mut done = |what| {
        took.push(Took { what, time: since.elapsed() });
        since = Instant::now();
    };
    let process = Process::start(&configuration).unwrap();
    let mut client = connect_to(process.grpc).await.unwrap();
    client.ping(PingRequest {}).await.unwrap();
    done("start");
    let released = Released::default();
    vote(&mut client, &released, (0, new_height), 1).await.unwrap();
    done("first vote");
    let mut own = SignerClient::new(channel(process.grpc).await.unwrap());
    let keys = own.status(StatusRequest {}).await.unwrap().into_inner().keys;
    done("status");
    let chains = keys.iter().filter(|key| key.public_key == uid(ALICE)).flat_map(|key| &key.chains);
    let highest = chains.filter(|chain| chain.chain_id == chain_id(0)).map(|chain| chain.highest_height);
    assert_eq!(highest.collect::<Vec<_>>(), [Some(new_height)]);
    let metrics = get(process.metrics, "/metrics").await;
    done("metrics");
    let line = format!(
        "\nbtcstake_signer_highest_height{{chain_id=\"bbn-1\",fp_btc_pk_hex=\"{}\"}} ",
        public(ALICE)
    );
    assert!(metrics.contains(&format!("{line}{new_height}\n")), "{metrics}");
    // The oldest record is as binding as any.
    for height in probes(records) {
        let place = (0, height);
        vote(&mut client, &Released::default(), place, 1).await.unwrap();
        let (code, text) = refused(vote(&mut client, &released, place, 2).await);
        assert_eq!(code, Code::FailedPrecondition, "{text}");
    }
    done("old votes");
    (took, process.memory().peak)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_database_is_served_at_once() {
    let records = if is_long() { 10_000_000 } else { 300_000 };
    let home = Home::new();
    let (_, empty) = start_and_ask(&home, 0, COMMITTED.last.to_u64()).await;
    let home = Home::new();
    let since = Instant::now();
    fill(&home, records);
    let database = home.database().database;
    let size = std::fs::metadata(&database).unwrap().len();
    println!("{records} records of {size} bytes together, written in {:?}", since.elapsed());
    // Each is killed: all but the first find a log beside the database.
    for (number, cache) in (0..).zip(["in memory", "on disk", "on disk"]) {
        if cache == "on disk" {
            forget_cached(&database);
        }
        let (took, peak) = start_and_ask(&home, records, next_height(records) + number).await;
        let shown: Vec<_> = took.iter().map(|Took { what, time }| format!("{what} {time:.1?}")).collect();
        println!("{cache}: {}; {peak:.1} MB, {empty:.1} MB with no records", shown.join(", "));
        assert!(peak <= MOST_MEMORY && peak <= empty + MOST_MORE, "{peak} MB; {empty} MB with no records");
        // The short form shares the machine with other tests.
        for Took { what, time } in took.iter().filter(|_| is_long()) {
            let within = if *what == "start" { START_WITHIN } else { ANSWER_WITHIN };
            assert!(*time <= within, "{what} took {time:?}; must be at most {within:?}");
        }
    }
}
