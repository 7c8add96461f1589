//! A signer that is asked without a pause: nothing fails, no vote waits long, and its memory stays as it is.
//! `make soak` does it for `SOAK_SECONDS`; without that, all tests have a short form.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use finality::ConsumerHeight;
use prost::Message as _;
use rusqlite::Connection;
use signer::auth::{HMAC_HEADER, SharedSecret};
use signer::protection::{ChangeKind, HeightRange, LaneChange, SqliteStore, Store as _};
use signer::wire::own::signer_client::SignerClient;
use signer::wire::reference::SignEotsRequest;
use tokio::time::{Instant, sleep_until};
use tonic::Request;
use tonic::transport::Channel;
use zeroize::Zeroizing;

use crate::authenticated::{CLIENT, Captured, home};
use crate::harness::{ALICE, COMMITTED, Home, chain_id, uid, vote};
use crate::load::{Client, channel, connect_to};
use crate::memory::Memory;
use crate::process::{Process, SQLITE, configure, get};

const CLIENTS: u32 = 64;
/// Every so many clients, one speaks the signer's own interface.
const ONE_IN: u32 = 4;
/// The most memory of a signer, in MB, and how much more it may have in the end than in the beginning: the
/// nonces of two minutes are kept.
const MOST_MEMORY: f64 = 100.0;
const MOST_MORE: f64 = 8.0;
/// How many times the median of the time of a vote the 99th percentile may be.
const MOST_TAIL: f64 = 10.0;

const HMAC_SECRET: &str = "what both have";
/// A daemon of a finality provider.
const PROVIDER: &str = r#"
[[client]]
name = "fpd"
hmac_secret_file = "fpd.hmac"
requests_per_second = 100000
"#;

/// What is asked for, and for how long.
#[derive(Clone, Copy)]
struct Form {
    seconds: u64,
    per_second: u32,
    /// Whether nobody else uses the machine.
    is_alone: bool,
}

impl Form {
    fn wanted() -> Self {
        match std::env::var("SOAK_SECONDS") {
            Ok(text) => Self { seconds: text.parse().unwrap(), per_second: 2_000, is_alone: true },
            Err(_) => Self { seconds: 3, per_second: 400, is_alone: false },
        }
    }

    fn last_height(self) -> ConsumerHeight {
        ConsumerHeight(COMMITTED.first.to_u64() + (self.seconds + 1) * u64::from(self.per_second))
    }
}

fn configured(form: Form) -> (Home, PathBuf) {
    let home = home();
    home.write("fpd.hmac", HMAC_SECRET);
    let kind = ChangeKind::Committed(HeightRange { first: COMMITTED.first, last: form.last_height() });
    let store = SqliteStore::open(&home.database()).unwrap();
    store.change(home.lanes().map(|lane| LaneChange { lane, kind: kind.clone() }).collect()).unwrap();
    drop(store);
    let path = configure(&home, "soak.toml", SQLITE, &format!("{PROVIDER}{CLIENT}"));
    (home, path)
}

/// A client of either interface.
enum Asker {
    Reference(Client, SharedSecret),
    Own(SignerClient<Channel>),
}

impl Asker {
    async fn new(number: u32, process: &Process) -> Self {
        if number.is_multiple_of(ONE_IN) {
            return Self::Own(SignerClient::new(channel(process.grpc).await.unwrap()));
        }
        let secret = SharedSecret::new(Zeroizing::new(HMAC_SECRET.as_bytes().to_vec()));
        Self::Reference(connect_to(process.grpc).await.unwrap(), secret)
    }

    async fn ask(&mut self, height: u64) {
        let signature = match self {
            Self::Reference(client, secret) => {
                let message =
                    SignEotsRequest { uid: uid(ALICE), chain_id: chain_id(0), msg: vote(height, 9), height };
                let mac = secret.hmac(&[&message.encode_to_vec()]);
                let header = base64::engine::general_purpose::STANDARD.encode(mac);
                let mut request = Request::new(message);
                request.metadata_mut().insert(HMAC_HEADER, header.parse().unwrap());
                client.sign_eots(request).await.unwrap().into_inner().sig
            }
            Self::Own(client) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
                let request = Captured::new(height, 9, now, height).request();
                client.vote(request).await.unwrap().into_inner().signature
            }
        };
        assert_eq!(signature.len(), 32);
    }
}

/// When a client asks.
#[derive(Clone, Copy)]
struct Times {
    first: Instant,
    every: Duration,
    end: Instant,
}

/// Asks at regular times until the end, and returns how long each vote took, in microseconds. One that is due
/// while the one before is not answered has its time counted from when it was due.
async fn client(mut asker: Asker, heights: Arc<AtomicU64>, times: Times) -> Vec<u32> {
    let (mut took, mut due) = (Vec::new(), times.first);
    while due < times.end {
        let is_late = Instant::now() > due;
        sleep_until(due).await;
        // A timer that rings late is not the signer's fault.
        let since = if is_late { due } else { Instant::now() };
        asker.ask(heights.fetch_add(1, Ordering::Relaxed)).await;
        took.push(u32::try_from(since.elapsed().as_micros()).unwrap());
        due += times.every;
    }
    took
}

/// Looks at the signer's memory each second, and at its metrics now and then, until the end.
async fn watch(process: &Process, seconds: u64, end: Instant) -> Vec<Memory> {
    let mut seen = Vec::new();
    let mut next = Instant::now();
    let tell_each = usize::try_from(seconds.div_ceil(10)).unwrap();
    while next < end {
        next += Duration::from_secs(1);
        sleep_until(next.min(end)).await;
        seen.push(process.memory());
        if seen.len().is_multiple_of(10) {
            let metrics = get(process.metrics, "/metrics").await;
            assert!(metrics.starts_with("HTTP/1.1 200 "), "{metrics}");
        }
        if seen.len().is_multiple_of(tell_each) {
            println!("after {} s: {:.1} MB", seen.len(), process.memory().now);
        }
    }
    seen
}

/// Returns what so many of a thousand votes took at most, of sorted times, in microseconds.
fn percentile(sorted: &[u32], thousandths: usize) -> u32 {
    sorted[(sorted.len() - 1) * thousandths / 1_000]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signer_that_is_asked_without_a_pause_stays_as_it_is() {
    let form = Form::wanted();
    let (home, configuration) = configured(form);
    let process = Process::start(&configuration).unwrap();
    let mut askers = Vec::new();
    for number in 0..CLIENTS {
        askers.push(Asker::new(number, &process).await);
    }
    let heights = Arc::new(AtomicU64::new(COMMITTED.first.to_u64()));
    let begin = Instant::now();
    let end = begin + Duration::from_secs(form.seconds);
    let one = Duration::from_secs(1) / form.per_second;
    let asking: Vec<_> = (0..CLIENTS)
        .zip(askers)
        .map(|(number, asker)| {
            let times = Times { first: begin + one * number, every: one * CLIENTS, end };
            tokio::spawn(client(asker, heights.clone(), times))
        })
        .collect();
    let memory = watch(&process, form.seconds, end).await;
    let mut took = Vec::new();
    for client in asking {
        took.extend(client.await.unwrap());
    }
    let seconds = begin.elapsed().as_secs_f64();
    took.sort_unstable();
    let votes = u32::try_from(took.len()).unwrap();
    let [median, tail] = [500, 990].map(|thousandths| percentile(&took, thousandths));
    println!(
        "{votes} votes in {seconds:.1} s; half of them within {median} µs, 99 % within {tail}, 99.9 % within {}, all within {}",
        percentile(&took, 999),
        percentile(&took, 1_000)
    );
    let tenth = memory.len().div_ceil(10);
    let most = |seen: &[Memory]| seen.iter().map(|memory| memory.now).fold(0.0, f64::max);
    let (first, last) = (most(&memory[..tenth]), most(&memory[memory.len() - tenth..]));
    let peak = process.memory().peak;
    println!("{first:.1} MB in the first tenth, {last:.1} MB in the last, {peak:.1} MB at most");
    process.stop();
    let recorded: i64 = Connection::open(home.database().database)
        .unwrap()
        .query_row("SELECT count(*) FROM record", [], |row| row.get(0))
        .unwrap();
    assert_eq!(recorded, i64::from(votes));
    assert!(peak <= MOST_MEMORY, "{peak} MB");
    assert!(last <= first + MOST_MORE, "{first} MB grew to {last} MB");
    // The short form shares the machine with other tests.
    if form.is_alone {
        let asked = f64::from(form.per_second) * seconds;
        assert!(f64::from(votes) >= 0.98 * asked, "{votes} votes; must be 98 % of {asked}");
        assert!(f64::from(tail) <= MOST_TAIL * f64::from(median), "{tail} µs; {median} µs for half of them");
    }
}
