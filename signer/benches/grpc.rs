//! What a durable signature costs over gRPC, as ratios measured in one run on one disk:
//! `cargo bench --profile dev --package btcstake-signer --bench grpc`. Clients and daemon share the machine.
//! Where Go is, the independent client lists randomness beside the same derivation in Go.
//!
//! Arguments: as those of the bench `store`.
#![cfg(unix)]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "a bench may stop where its set-up is wrong, and its own numbers are small"
)]

#[allow(dead_code, reason = "the harness is for the tests of the daemon")]
#[path = "../tests/daemon/harness.rs"]
mod harness;
#[allow(dead_code, reason = "some of the harness is for other benches")]
#[path = "../../eots/benches/ratios/measure.rs"]
mod measure;
#[allow(dead_code, reason = "the plan is for the tests of the daemon")]
#[path = "../tests/daemon/plan.rs"]
mod plan;
#[allow(dead_code, reason = "some of it is for the bench of its own crate")]
#[path = "../../eots/benches/ratios/reference.rs"]
mod reference;

use std::cell::RefCell;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use eots::{SecretRandomness, sign, verify};
use finality::{ConsumerHeight, RandomnessSchedule};
use harness::{ALICE, Home, Running, chain_id, public, secret, uid, vote};
use measure::Ratio::{Speed, Time};
use measure::Table;
use plan::Plan;
use reference::{Reference, absent};
use rusqlite::{Connection, params};
use signer::config::Configuration;
use signer::daemon::Daemon;
use signer::wire::reference::eots_manager_client::EotsManagerClient;
use signer::wire::reference::{CreateRandomnessPairListRequest, PingRequest, SignEotsRequest};
use tokio::runtime::Runtime;
use tonic::transport::Channel;

/// How many clients ask at once, and what each asks in a pass.
const CLIENTS: u64 = 64;
const EACH: u64 = 16;
const LIST: u32 = 50_000;

/// One that may ask as much as it likes, on a chain whose heights need no commitment.
const RULES: &str = r#"
[[chain]]
chain_id = "bench-1"
committed_only = false
most_above = 1000000000
votes_per_minute = 1000000
votes_at_once = 10000
[[client]]
name = "anybody"
unauthenticated = true
requests_per_second = 1000000
"#;

fn main() -> ExitCode {
    Table::of_arguments(measure_all)
}

async fn ask(client: &mut EotsManagerClient<Channel>, next: &AtomicU64) {
    let height = next.fetch_add(1, Ordering::Relaxed);
    let chain_id = b"bench-1".to_vec();
    let request = SignEotsRequest { uid: uid(ALICE), chain_id, msg: vote(height, 9), height };
    black_box(client.sign_eots(request).await.expect("a signature"));
}

fn measure_all(table: &mut Table) {
    let runtime = Runtime::new().expect("a runtime");
    let home = Home::new();
    let lane = signer::protection::Lane { public_key: public(ALICE), chain_id: b"bench-1".to_vec() };
    let store = signer::protection::SqliteStore::open(&home.database()).expect("a store");
    let kind = signer::protection::ChangeKind::Register(ConsumerHeight(0));
    signer::protection::Store::change(&store, vec![signer::protection::LaneChange { lane, kind }])
        .expect("a lane");
    drop(store);
    let bare = Connection::open(home.path("bare.db")).expect("a database");
    bare.execute_batch(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE record (lane INTEGER, height BLOB, message BLOB, signature BLOB, PRIMARY KEY (lane, height))
         STRICT, WITHOUT ROWID;",
    )
    .expect("a table");
    let row = AtomicU64::new(0);
    let commit = || {
        let insert = "INSERT INTO record VALUES (1, ?1, ?2, ?3)";
        let height = row.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let row = params![height.as_slice(), [9_u8; 40].as_slice(), [9_u8; 32].as_slice()];
        bare.prepare_cached(insert).expect("a statement").execute(row).expect("a row");
    };
    let running: Running = runtime.block_on(home.start(RULES));
    let clients: Vec<_> = (0..CLIENTS).map(|_| runtime.block_on(running.reference())).collect();
    let next = Arc::new(AtomicU64::new(1));
    let many = |passes: u32| {
        let start = Instant::now();
        runtime.block_on(async {
            let asked: Vec<_> = clients
                .iter()
                .map(|client| {
                    let (mut client, next) = (client.clone(), next.clone());
                    tokio::spawn(async move {
                        for _ in 0..EACH * u64::from(passes) {
                            ask(&mut client, &next).await;
                        }
                    })
                })
                .collect();
            for one in asked {
                one.await.expect("a client");
            }
        });
        let seconds = start.elapsed().as_secs_f64() / (CLIENTS * EACH * u64::from(passes)) as f64;
        eprintln!("  {:.0} signatures per second", 1.0 / seconds);
        seconds
    };
    const BARE: &str = "one bare row for each sync";
    table.row("64 clients over gRPC", BARE, Speed(Some(1.5)), many, |passes| {
        let start = Instant::now();
        (0..passes).for_each(|_| commit());
        start.elapsed().as_secs_f64() / f64::from(passes)
    });

    let one = RefCell::new(clients[0].clone());
    let (message, randomness) = (vote(1, 9), SecretRandomness::derive(&secret(ALICE), b"bench-1", 1));
    let public_randomness = *randomness.public_randomness();
    let signature = sign(&secret(ALICE), randomness, &message).expect("a signature");
    table.row(
        "1 client over gRPC",
        "a bare row, a verification and a Ping",
        Time(Some(1.3)),
        |passes| {
            let start = Instant::now();
            (0..passes).for_each(|_| runtime.block_on(ask(&mut one.borrow_mut(), &next)));
            start.elapsed().as_secs_f64() / f64::from(passes)
        },
        |passes| {
            let start = Instant::now();
            for _ in 0..passes {
                commit();
                verify(&public(ALICE), &public_randomness, &message, black_box(&signature)).expect("valid");
                runtime.block_on(one.borrow_mut().ping(PingRequest {})).expect("an answer");
            }
            start.elapsed().as_secs_f64() / f64::from(passes)
        },
    );

    let start = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    table.row(
        "a list of 50 000 over gRPC",
        "the library, on as many threads",
        Time(Some(1.3)),
        |passes| {
            let since = Instant::now();
            for _ in 0..passes {
                let start_height = start.fetch_add(u64::from(LIST), Ordering::Relaxed);
                let request = CreateRandomnessPairListRequest {
                    uid: uid(ALICE),
                    chain_id: chain_id(0),
                    start_height,
                    num: LIST,
                    interval: None,
                };
                let list = runtime.block_on(one.borrow_mut().create_randomness_pair_list(request));
                assert_eq!(list.expect("a list").into_inner().pub_rand_list.len(), LIST as usize);
            }
            since.elapsed().as_secs_f64() / f64::from(passes)
        },
        |passes| {
            let since = Instant::now();
            for _ in 0..passes {
                let schedule = RandomnessSchedule::new(ConsumerHeight(0), LIST, 1).expect("a range");
                black_box(schedule.public_randomness_on(threads, &secret(ALICE), &chain_id(0), |_| {}));
            }
            since.elapsed().as_secs_f64() / f64::from(passes)
        },
    );
    drop(clients);
    runtime.block_on(running.stop());
    beside_go(table, &runtime);
}

/// Lists that the independent client asks for, beside its own derivation of them, on one thread as the
/// reference's.
fn beside_go(table: &mut Table, runtime: &Runtime) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/signer");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("signer-client");
    let built =
        Command::new("go").arg("build").arg("-o").arg(&program).arg(".").current_dir(&source).output();
    match built {
        Ok(output) if output.status.success() => {}
        Ok(output) => return drop(absent(&String::from_utf8_lossy(&output.stderr))),
        Err(error) => return drop(absent(&error.to_string())),
    }
    let text = std::fs::read(source.join("plan.json")).expect("the plan");
    let plan: Plan = serde_json::from_slice(&text).expect("a plan");
    let home = plan.home();
    home.write("signer.toml", plan.configuration(&home, ""));
    let configuration = Configuration::load(&home.path("signer.toml"), []).expect("a configuration");
    let daemon = runtime.block_on(Daemon::start(configuration)).expect("a daemon");
    let mut command = Command::new(program);
    command.arg("--plan").arg(source.join("plan.json")).args(["--bench", "turns"]);
    command.arg("--address").arg(daemon.grpc_address().to_string());
    if let Some(client) = Reference::running(&mut command) {
        table.row(
            "a list of 50 000, asked from Go",
            "derived in Go, one thread",
            Speed(Some(2.5)),
            client.side("server"),
            client.side("derived"),
        );
    }
    runtime.block_on(daemon.stop());
}
