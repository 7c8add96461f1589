//! Requests that were captured on the wire, and are sent three times each in another order, from several
//! connections at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use signer::protection::SqliteStore;
use signer::wire::own::VoteResponse;
use signer::wire::own::signer_client::SignerClient;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;
use tonic::transport::Endpoint;

use crate::authenticated::{CLIENT, Captured, home};
use crate::exchange::exchange;
use crate::is_long;
use crate::process::{Process, SQLITE, configure};
use crate::random::Random;
use crate::released::Released;

const CONNECTIONS: usize = 12;
const PREFACE: usize = 24;

/// Returns whether these bytes of a client have a whole request: a DATA frame that ends its stream.
fn is_whole(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(PREFACE..).unwrap_or_default();
    while let [one, two, three, kind, flags, _, _, _, _, frame @ ..] = rest {
        let length = usize::try_from(u32::from_be_bytes([0, *one, *two, *three])).unwrap();
        let Some(after) = frame.get(length..) else { return false };
        if *kind == 0 && flags & 1 == 1 {
            return true;
        }
        rest = after;
    }
    false
}

/// Returns what the library sends for a request, to somebody who only listens.
async fn capture(request: &Captured) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let request = request.request();
    let asking = tokio::spawn(async move {
        let channel = Endpoint::from_shared(url).unwrap().connect().await.unwrap();
        SignerClient::new(channel).vote(request).await.map(drop)
    });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    while !is_whole(&bytes) {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "the client hangs up");
    }
    asking.abort();
    bytes
}

/// A captured request: what it says, its bytes, and how often it was served.
type Sent = Arc<(Captured, Vec<u8>, AtomicU32)>;

/// Sends every request three times.
async fn send_all(signer: &Process, all: &[Sent], released: &Arc<Released>, random: &mut Random) {
    let mut queue: Vec<Sent> = all.iter().flat_map(|one| [one.clone(), one.clone(), one.clone()]).collect();
    random.shuffle(&mut queue);
    let (address, share) = (signer.grpc, queue.len().div_ceil(CONNECTIONS));
    let sending: Vec<_> = queue
        .chunks(share)
        .map(|part| {
            let (part, released) = (part.to_vec(), released.clone());
            tokio::spawn(async move {
                for sent in part {
                    let (captured, bytes, served) = &*sent;
                    let stream = TcpStream::connect(address).await.unwrap();
                    let (status, text, response) = exchange(stream, bytes.clone()).await;
                    match Code::from(i32::try_from(status).unwrap()) {
                        Code::Unauthenticated => continue,
                        Code::FailedPrecondition => {}
                        Code::Ok => {
                            let vote: VoteResponse = prost::Message::decode(response.as_slice()).unwrap();
                            released.note((0, captured.height), captured.block, &vote.signature);
                        }
                        code => panic!("{code:?}: {text}"),
                    }
                    served.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for one in sending {
        one.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn captured_requests_are_served_once() {
    let mut random = Random::new("captured_requests_are_served_once");
    let (home, released) = (home(), Arc::new(Released::default()));
    let configuration = configure(&home, "a.toml", SQLITE, CLIENT);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut all: Vec<Sent> = Vec::new();
    // Three blocks at each height.
    for number in 0..if is_long() { 600 } else { 60 } {
        let block = u8::try_from(number % 3).unwrap();
        let captured = Captured::new(200 + number / 3, block, now, number + 1);
        let bytes = capture(&captured).await;
        all.push(Arc::new((captured, bytes, AtomicU32::new(0))));
    }
    let served = || all.iter().map(|sent| sent.2.load(Ordering::SeqCst)).collect::<Vec<_>>();
    let signer = Process::start(&configuration).unwrap();
    send_all(&signer, &all, &released, &mut random).await;
    let once = served();
    assert!(once.iter().all(|served| *served <= 1), "{once:?}");
    // On a machine that is asleep for half a minute all have expired.
    let late = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() > now + 25;
    assert!(late || once.iter().all(|served| *served == 1), "{once:?}");
    // A signer that was killed remembers them.
    drop(signer);
    let signer = Process::start(&configuration).unwrap();
    send_all(&signer, &all, &released, &mut random).await;
    assert_eq!(served(), once);
    signer.stop();
    let found = released.search();
    println!("captured: {} requests, each sent 6 times; {found:?}", all.len());
    assert!(found.keys.is_empty() && found.differing.is_empty() && found.invalid.is_empty(), "{found:?}");
    assert!(late || found.signatures == all.len() / 3, "one block at each height");
    assert_eq!(released.unrecorded(&SqliteStore::open(&home.database()).unwrap()), []);
}
