//! Sixteen clients that ask for conflicting votes at the same heights, one by one and in batches.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use signer::wire::reference::eots_manager_client::EotsManagerClient;
use signer::wire::reference::{BatchedVote, SignBatchEotsRequest, SignEotsRequest};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use crate::harness::{ALICE, COMMITTED, chain_id, uid};
use crate::process::Host;
use crate::random::Random;
use crate::released::{Place, Released, message};

const CLIENTS: u64 = 16;
/// How many requests there are for one height, while it is the newest.
const REQUESTS_AT_A_HEIGHT: u64 = 16;
/// How many blocks there are at a height.
const BLOCKS: u64 = 4;
/// A block that no client asks for.
const OTHER_BLOCK: u8 = 99;
const PATIENCE: Duration = Duration::from_secs(60);

/// A load on signers of one key.
pub(crate) struct Load {
    pub(crate) hosts: Vec<Arc<Host>>,
    pub(crate) released: Released,
    /// How many requests are answered at least: signed, or refused.
    least: u64,
    /// Whether all trouble was made that there must be.
    pub(crate) had_trouble: AtomicBool,
    requests: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
    /// How often a request failed with each text.
    failed: Mutex<BTreeMap<String, u64>>,
}

pub(crate) type Client = EotsManagerClient<Channel>;

/// The votes of a request: one, or a batch.
struct Votes {
    chain: usize,
    votes: Vec<(u64, u8)>,
    is_batch: bool,
}

impl Load {
    pub(crate) fn new(hosts: Vec<Arc<Host>>, least: u64) -> Arc<Self> {
        let (released, had_trouble) = (Released::default(), AtomicBool::new(false));
        let [requests, answered, refused, cut] = <[AtomicU64; 4]>::default();
        let failed = Mutex::default();
        Arc::new(Self { hosts, released, least, had_trouble, requests, answered, refused, cut, failed })
    }

    /// Lets the clients ask until there were enough requests, and enough trouble.
    pub(crate) async fn run(self: &Arc<Self>, random: &mut Random) {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| tokio::spawn(client(self.clone(), random.fork()))).collect();
        for client in clients {
            client.await.unwrap();
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.answered.load(Ordering::SeqCst) >= self.least && self.had_trouble.load(Ordering::SeqCst)
    }

    /// Asks for another block wherever a vote was released, and notes what leaves.
    pub(crate) async fn contradict(&self) {
        for host in &self.hosts {
            for chain in [0, 1] {
                let places = self.released.places().into_iter().filter(|place| place.0 == chain);
                let votes: Vec<_> = places.map(|(_, height)| (height, OTHER_BLOCK)).collect();
                let mut client = connect(host).await.unwrap();
                ask(&mut client, &self.released, &Votes { chain, votes, is_batch: true }).await.unwrap();
            }
        }
    }

    /// Says how it went.
    pub(crate) fn tell(&self) -> String {
        let [requests, answered, refused, cut] = [&self.requests, &self.answered, &self.refused, &self.cut]
            .map(|count| count.load(Ordering::SeqCst));
        let failed = self.failed.lock().unwrap();
        let sum = |count: fn(&Host) -> usize| self.hosts.iter().map(|host| count(host)).sum::<usize>();
        let kills = sum(|host| host.kills.load(Ordering::SeqCst));
        let starts = sum(|host| host.starts.load(Ordering::SeqCst));
        format!(
            "{requests} requests: {answered} answered, {refused} of them refused; {} failed; {cut} cut off by \
             the client; {kills} kills, {starts} starts; failures: {failed:#?}",
            failed.values().sum::<u64>()
        )
    }
}

pub(crate) async fn connect(host: &Host) -> Option<Client> {
    let (address, _) = host.addresses()?;
    connect_to(address).await
}

pub(crate) async fn connect_to(address: SocketAddr) -> Option<Client> {
    channel(address).await.map(EotsManagerClient::new)
}

/// Connects to either interface.
pub(crate) async fn channel(address: SocketAddr) -> Option<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap().tcp_nodelay(true);
    timeout(PATIENCE, endpoint.connect()).await.ok()?.ok()
}

/// Asks for votes, and notes those that are signed.
async fn ask(client: &mut Client, released: &Released, asked: &Votes) -> Result<(), Status> {
    let Votes { chain, ref votes, is_batch } = *asked;
    if !is_batch {
        let (height, block) = votes[0];
        return vote(client, released, (chain, height), block).await;
    }
    let message =
        |(height, block): &(u64, u8)| BatchedVote { msg: message((chain, *height), *block), height: *height };
    let request = SignBatchEotsRequest {
        uid: uid(ALICE),
        chain_id: chain_id(chain),
        sign_requests: votes.iter().map(message).collect(),
    };
    for signed in client.sign_batch_eots(request).await?.into_inner().responses {
        let (height, block) = votes.iter().find(|(height, _)| *height == signed.height).unwrap();
        released.note((chain, *height), *block, &signed.sig);
    }
    Ok(())
}

/// Asks for one vote, and notes it when it is signed.
pub(crate) async fn vote(
    client: &mut Client,
    released: &Released,
    place: Place,
    block: u8,
) -> Result<(), Status> {
    let (chain, height) = place;
    let msg = message(place, block);
    let request = SignEotsRequest { uid: uid(ALICE), chain_id: chain_id(chain), msg, height };
    let signed = client.sign_eots(request).await?.into_inner();
    released.note(place, block, &signed.sig);
    Ok(())
}

/// Checks that a signer that was killed, or has lost its database, answers so, or its client's library.
#[track_caller]
fn check_failure(status: &Status) {
    use Code as C;
    let is_known = matches!(status.code(), C::Unavailable | C::Unknown | C::Cancelled | C::Internal);
    assert!(is_known && !status.message().contains("has a fault"), "{status}");
}

fn votes(random: &mut Random, answered: u64) -> Votes {
    let newest =
        (COMMITTED.first.to_u64() + answered / REQUESTS_AT_A_HEIGHT).min(COMMITTED.last.to_u64() - 8);
    let mut height = newest + random.below(4);
    if random.once_in(10) {
        height = COMMITTED.first.to_u64() + random.below(newest - COMMITTED.first.to_u64() + 1);
    }
    let is_batch = random.below(8) < 3;
    let count = if is_batch { 1 + random.below(4) } else { 1 };
    let block = |random: &mut Random| u8::try_from(random.below(BLOCKS)).unwrap();
    let votes = (height..height + count).map(|height| (height, block(random))).collect();
    Votes { chain: usize::from(random.once_in(4)), votes, is_batch }
}

async fn client(load: Arc<Load>, mut random: Random) {
    let mut connection = None;
    while !load.is_done() {
        // It goes to another signer now and then, and tears its connection down.
        if random.once_in(40) {
            connection = None;
        }
        let client = match &mut connection {
            Some(client) => client,
            None => match connect(&load.hosts[random.index(load.hosts.len())]).await {
                Some(client) => connection.insert(client),
                None => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
        };
        load.requests.fetch_add(1, Ordering::SeqCst);
        let votes = votes(&mut random, load.answered.load(Ordering::SeqCst));
        // It hangs up now and then before it has an answer.
        let hangs_up = random.once_in(25);
        let limit = if hangs_up { Duration::from_millis(random.below(15)) } else { PATIENCE };
        match timeout(limit, ask(client, &load.released, &votes)).await {
            Ok(Ok(())) => {
                load.answered.fetch_add(1, Ordering::SeqCst);
            }
            Ok(Err(status)) if status.code() == Code::FailedPrecondition => {
                load.answered.fetch_add(1, Ordering::SeqCst);
                load.refused.fetch_add(1, Ordering::SeqCst);
            }
            Ok(Err(status)) => {
                check_failure(&status);
                let text = format!("{:?}: {}", status.code(), status.message());
                *load.failed.lock().unwrap().entry(text).or_default() += 1;
                connection = None;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(_) => {
                assert!(hangs_up, "no answer within {PATIENCE:?}");
                load.cut.fetch_add(1, Ordering::SeqCst);
                connection = None;
            }
        }
    }
}
