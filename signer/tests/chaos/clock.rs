//! A clock that jumps while authenticated clients ask, and others send again what they have captured.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use signer::auth::Clock;
use signer::protection::SqliteStore;
use signer::wire::own::signer_client::SignerClient;
use tonic::Code;
use tonic::transport::Channel;

use crate::authenticated::{CLIENT, Captured, home};
use crate::is_long;
use crate::random::Random;
use crate::released::Released;

const CLIENTS: u64 = 8;
/// How far the nonces are remembered, and further.
const LONG: u64 = 130;

/// A clock whose time of day is whatever it was last set to.
struct Jumping {
    time: AtomicU64,
    /// Seconds by which the machine was asleep, so to speak.
    slept: AtomicU64,
    begin: Instant,
}

impl Jumping {
    fn new(time: u64) -> Arc<Self> {
        Arc::new(Self { time: time.into(), slept: AtomicU64::new(0), begin: Instant::now() })
    }
}

impl Clock for Jumping {
    fn unix_seconds(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        self.begin.elapsed() + Duration::from_secs(self.slept.load(Ordering::SeqCst))
    }
}

/// What everybody knows.
struct Scene {
    /// The time that clients take for the right one, more or less.
    time: AtomicU64,
    numbers: AtomicU64,
    is_over: AtomicBool,
    captured: Mutex<Vec<Arc<(Captured, AtomicU32)>>>,
    sent: AtomicU64,
    again: AtomicU64,
    released: Released,
}

impl Scene {
    /// Makes a request that somebody captures.
    fn make(&self, random: &mut Random, time: u64) -> Arc<(Captured, AtomicU32)> {
        let number = self.numbers.fetch_add(1, Ordering::SeqCst);
        let (height, block) = (200 + number / 16 + random.below(4), u8::try_from(random.below(3)).unwrap());
        let made = Arc::new((Captured::new(height, block, time, number), AtomicU32::new(0)));
        self.captured.lock().unwrap().push(made.clone());
        made
    }

    /// Sends a request, and counts whether it is served.
    async fn send(&self, client: &mut SignerClient<Channel>, sent: &(Captured, AtomicU32)) {
        let (captured, served) = sent;
        self.sent.fetch_add(1, Ordering::SeqCst);
        match client.vote(captured.request()).await {
            Ok(answer) => {
                let signature = answer.into_inner().signature;
                self.released.note((0, captured.height), captured.block, &signature);
                served.fetch_add(1, Ordering::SeqCst);
            }
            Err(status) if status.code() == Code::Unauthenticated => {}
            Err(status) => {
                assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
                served.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn served(&self) -> Vec<u32> {
        let captured = self.captured.lock().unwrap();
        captured.iter().map(|one| one.1.load(Ordering::SeqCst)).collect()
    }

    fn any(&self, random: &mut Random) -> Option<Arc<(Captured, AtomicU32)>> {
        let captured = self.captured.lock().unwrap();
        if captured.is_empty() { None } else { Some(captured[random.index(captured.len())].clone()) }
    }
}

async fn client(scene: Arc<Scene>, mut client: SignerClient<Channel>, mut random: Random) {
    while !scene.is_over.load(Ordering::SeqCst) {
        let time = scene.time.load(Ordering::SeqCst) + random.below(100) - 50;
        let made = scene.make(&mut random, time);
        scene.send(&mut client, &made).await;
        if let Some(captured) = scene.any(&mut random) {
            scene.again.fetch_add(1, Ordering::SeqCst);
            scene.send(&mut client, &captured).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_clock_serves_a_request_twice() {
    let mut random = Random::new("no_clock_serves_a_request_twice");
    let mut base = 1_800_000_000;
    let clock = Jumping::new(base);
    let running = home().start_with_clock(CLIENT, clock.clone()).await;
    let scene = Arc::new(Scene {
        time: base.into(),
        numbers: AtomicU64::new(1),
        is_over: AtomicBool::new(false),
        captured: Mutex::default(),
        sent: AtomicU64::new(0),
        again: AtomicU64::new(0),
        released: Released::default(),
    });
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(tokio::spawn(client(scene.clone(), running.own().await, random.fork())));
    }
    let mut jumps = 0;
    // There are committed heights for so many requests.
    while jumps < if is_long() { 1_000 } else { 60 } && scene.numbers.load(Ordering::SeqCst) < 150_000 {
        jumps += 1;
        if jumps % 12 == 0 {
            // All that was served by then is forgotten, and the clients' time has gone on.
            clock.slept.fetch_add(LONG, Ordering::SeqCst);
            base += 300;
            scene.time.store(base, Ordering::SeqCst);
        }
        let time = match random.below(12) {
            0 => 0,
            1 => u64::MAX,
            2 => base + 31_000_000,
            3 => base - 31_000_000,
            // Back to when what is forgotten was new.
            4 => base - 300 + random.below(100) - 50,
            _ => base + random.below(120) - 60,
        };
        clock.time.store(time, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.is_over.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let before = scene.served();
    assert!(before.iter().all(|served| *served <= 1), "{before:?}");
    assert!(before.contains(&0) && before.contains(&1), "{} requests", before.len());
    // At the ends of time, and after a restart at the time of each request.
    let mut own = running.own().await;
    for time in [0, 1, u64::MAX - 1, u64::MAX] {
        clock.time.store(time, Ordering::SeqCst);
        let made = scene.make(&mut random, time);
        scene.send(&mut own, &made).await;
        scene.send(&mut own, &made).await;
    }
    clock.slept.fetch_add(LONG, Ordering::SeqCst);
    let before = scene.served();
    let running = running.stop().await.start_with_clock(CLIENT, clock.clone()).await;
    let mut own = running.own().await;
    let all = scene.captured.lock().unwrap().clone();
    let step = all.len().div_ceil(1_000);
    for sent in all.iter().rev().step_by(step).filter(|sent| sent.1.load(Ordering::SeqCst) > 0) {
        clock.time.store(sent.0.time, Ordering::SeqCst);
        scene.send(&mut own, sent).await;
    }
    assert_eq!(scene.served(), before);
    let served: u32 = before.iter().sum();
    let found = scene.released.search();
    println!(
        "a clock that jumps: {} requests, {} of them made again, {served} served; {jumps} jumps; {found:?}",
        scene.sent.load(Ordering::SeqCst),
        scene.again.load(Ordering::SeqCst)
    );
    found.assert_safe();
    drop(own);
    let home = running.stop().await;
    assert_eq!(scene.released.unrecorded(&SqliteStore::open(&home.database()).unwrap()), []);
}
