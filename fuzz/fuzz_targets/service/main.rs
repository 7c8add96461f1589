//! Requests to a signer, through all that a daemon has but its sockets: whatever they are, no handler panics,
//! no two messages are signed at one height, and no digest but that of a list that was served.
#![no_main]

mod asking;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use eots::{SecretKey, SecretRandomness, Signature, verify};
use finality::{ConsumerHeight, SignerChain, SigningContext, VoteMessage};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use prost::Message;
use signer::auth::{
    Allowed, Authenticator, BOUND_HEADER, BoundAuth, Client, Clock, Credentials, HMAC_HEADER, Nonces,
    Operation, Permissions, RateLimit, SharedSecret,
};
use signer::grpc::{AuthenticationLayer, Limits, routes};
use signer::protection::{ChangeKind, HeightRange, Lane, LaneChange, MemoryStore, Store};
use signer::service::{Event, KeySource, Observer, Parts, ServedChain, SignerService, UnlockFailure};
use signer::session::VoteRules;
use signer::wire::{own, reference};
use tokio::runtime::Runtime;
use tonic::body::Body;
use tower::{Layer as _, Service as _};
use zeroize::Zeroizing;

use self::asking::Asking;

#[derive(Arbitrary, Debug)]
struct Input {
    asked: Vec<Asked>,
}

#[derive(Arbitrary, Debug)]
struct Asked {
    from: From,
    message: Asking,
}

/// Who asks: one that is known, more often than not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Nobody,
    /// With the reference's HMAC, which is for its interface alone.
    Hmac,
    /// With the bound header, and a nonce.
    Bound(u8),
    Stranger,
}

impl<'a> Arbitrary<'a> for From {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u8::arbitrary(bytes)? {
            0 => Self::Nobody,
            1 => Self::Stranger,
            number if number % 3 == 0 => Self::Hmac,
            nonce => Self::Bound(nonce),
        })
    }
}

/// Alice's key is unlocked at first, Bob's is not.
static KEYS: LazyLock<[SecretKey; 2]> =
    LazyLock::new(|| [1, 2].map(|number| SecretKey::from_bytes(&[number; 32]).unwrap()));
static CHAINS: LazyLock<[ServedChain; 3]> = LazyLock::new(|| {
    let served = |chain: SignerChain, rules: VoteRules, sign_any_message| ServedChain {
        chain,
        rules,
        votes_per_minute: 1_000,
        votes_at_once: 1_000,
        sign_any_message,
        node: None,
    };
    let committed = VoteRules { committed_only: true, most_above: 50 };
    [
        served(SignerChain::genesis("bbn-1"), committed, false),
        served(SignerChain::consumer("consumer-1", "consumer-1", "bbn1contract"), committed, false),
        served(
            SignerChain::genesis("any-1"),
            VoteRules { committed_only: false, most_above: u64::MAX },
            true,
        ),
    ]
});
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
static SECRET: LazyLock<SharedSecret> = LazyLock::new(|| SharedSecret::new(Zeroizing::new(vec![7; 32])));

const NOW: u64 = 1_800_000_000;

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn unix_seconds(&self) -> u64 {
        NOW
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Keys;

impl KeySource for Keys {
    fn unlock(&self, name: &str, passphrase: Zeroizing<String>) -> Result<SecretKey, UnlockFailure> {
        if passphrase.as_str() != "words" {
            return Err(UnlockFailure::Passphrase("other words".into()));
        }
        Ok(KEYS[usize::from(name == "bob")].clone())
    }
}

struct NoPanic;

impl Observer for NoPanic {
    fn observe(&self, event: &Event<'_>) {
        assert!(!matches!(event, Event::Panicked { .. }), "{event:?}");
        assert!(!format!("{event:?}").is_empty());
    }
}

/// A service whose heights 100 to 200 are committed on each chain.
fn service() -> Arc<SignerService> {
    let store = MemoryStore::default();
    let mut changes = Vec::new();
    for key in KEYS.iter() {
        for chain in CHAINS.iter() {
            let lane =
                Lane { public_key: *key.public_key(), chain_id: chain.chain.chain_id.clone().into_bytes() };
            let range = HeightRange { first: ConsumerHeight(100), last: ConsumerHeight(200) };
            for kind in [ChangeKind::Register(range.first), ChangeKind::Committed(range)] {
                changes.push(LaneChange { lane: lane.clone(), kind });
            }
        }
    }
    store.change(changes).unwrap();
    let named = |(name, key): (&str, &SecretKey)| (name.to_owned(), *key.public_key());
    let service = SignerService::new(Parts {
        store: Arc::new(store),
        keys: ["alice", "bob"].into_iter().zip(KEYS.iter()).map(named).collect(),
        key_source: Arc::new(Keys),
        chains: CHAINS.to_vec(),
        back_up: None,
        clock: Arc::new(Still),
        observer: Arc::new(NoPanic),
        ahead: None,
        threads: NonZeroUsize::MIN,
    });
    service.install(KEYS[0].public_key(), &KEYS[0]).unwrap();
    Arc::new(service)
}

/// Two clients that may do everything, for which few heights are derived at once.
fn authenticator() -> Authenticator {
    let client = |name: &str, credentials| {
        let operations = BTreeSet::from(Operation::ALL);
        let permissions = Permissions { operations, keys: Allowed::All, chains: Allowed::All };
        let rate = RateLimit::new(1000, Duration::from_secs(1), 1000);
        Arc::new(Client::new(name, permissions, credentials, rate, 32))
    };
    let clients = vec![
        client("fpd", Credentials { hmac: vec![SECRET.clone()], ..Credentials::default() }),
        client("operator", Credentials { bound: vec![SECRET.clone()], ..Credentials::default() }),
    ];
    Authenticator::new(clients, Nonces::in_memory(), Arc::new(Still))
}

fn header(from: From, path: &str, message: &[u8]) -> Option<(&'static str, Vec<u8>)> {
    match from {
        From::Nobody => None,
        From::Hmac => {
            let mac = base64::engine::general_purpose::STANDARD.encode(SECRET.hmac(&[message]));
            Some((HMAC_HEADER, mac.into_bytes()))
        }
        From::Bound(nonce) => {
            let auth = BoundAuth::new(&SECRET, path, message, NOW, [nonce; 16]);
            Some((BOUND_HEADER, auth.to_header().into_bytes()))
        }
        From::Stranger => Some((HMAC_HEADER, b"AAAA".to_vec())),
    }
}

/// A key, a chain and a height.
type Place = (Vec<u8>, Vec<u8>, u64);

/// Every signature that was given out.
#[derive(Default)]
struct Given {
    votes: BTreeMap<Place, (Vec<u8>, Signature)>,
    /// Whether a list was served, or a commitment signed.
    has_lists: bool,
}

impl Given {
    fn note(&mut self, lane: (&[u8], &[u8]), height: u64, message: &[u8], signature: &[u8]) {
        let signature = Signature::from_bytes(signature.try_into().unwrap()).unwrap();
        let place = (lane.0.to_vec(), lane.1.to_vec(), height);
        let (earlier, signed) = self.votes.entry(place).or_insert_with(|| {
            let key = KEYS.iter().find(|key| key.public_key().serialize() == lane.0).unwrap();
            let randomness = *SecretRandomness::derive(key, lane.1, height).public_randomness();
            verify(key.public_key(), &randomness, message, &signature).unwrap();
            (message.to_vec(), signature)
        });
        assert!(earlier == message && *signed == signature, "two messages are signed at {height}");
    }

    /// Notes what a request was answered.
    fn answered(&mut self, path: &str, message: &[u8], answer: &[u8]) {
        match path.rsplit_once('/').unwrap().1 {
            "SignEOTS" => {
                let asked = reference::SignEotsRequest::decode(message).unwrap();
                let signed = reference::SignEotsResponse::decode(answer).unwrap();
                self.note((&asked.uid, &asked.chain_id), asked.height, &asked.msg, &signed.sig);
            }
            "SignBatchEOTS" => {
                let asked = reference::SignBatchEotsRequest::decode(message).unwrap();
                for signed in reference::SignBatchEotsResponse::decode(answer).unwrap().responses {
                    let vote = asked.sign_requests.iter().find(|vote| vote.height == signed.height).unwrap();
                    self.note((&asked.uid, &asked.chain_id), vote.height, &vote.msg, &signed.sig);
                }
            }
            "Vote" => {
                let asked = own::VoteRequest::decode(message).unwrap();
                let context = match asked.context.as_str() {
                    "" => SigningContext::GENESIS,
                    text => text.parse().unwrap(),
                };
                let hash = asked.block_hash.try_into().unwrap();
                let vote = VoteMessage::new(context, ConsumerHeight(asked.height), hash).to_bytes();
                let signed = own::VoteResponse::decode(answer).unwrap();
                self.note((&asked.public_key, &asked.chain_id), asked.height, &vote, &signed.signature);
            }
            "CreateRandomnessPairList" | "PublicRandomness" => self.has_lists = true,
            "SignSchnorrSig" => assert!(self.has_lists, "a digest of nothing is signed"),
            _ => {}
        }
    }
}

fuzz_target!(|input: Input| {
    let service = service();
    let layer =
        AuthenticationLayer::new(Arc::new(authenticator()), service.observer().clone(), Limits::default());
    let mut interface = layer.layer(routes(&service));
    let mut given = Given::default();
    for Asked { from, message: asking } in input.asked.iter().take(12) {
        let (path, message) = asking.encoded();
        let length = u32::try_from(message.len()).unwrap().to_be_bytes();
        let framed = match asking {
            Asking::Any { is_framed: false, .. } => message.clone(),
            _ => [&[0], length.as_slice(), &message].concat(),
        };
        let mut request =
            Request::post(format!("http://signer{path}")).header("content-type", "application/grpc");
        if let Some((name, value)) = header(*from, &path, &message) {
            let Ok(value) = http::HeaderValue::from_bytes(&value) else { continue };
            request = request.header(name, value);
        }
        let request = request.body(Body::new(Full::new(Bytes::from(framed)))).unwrap();
        let (status, answer) = RUNTIME.block_on(async {
            let answer = interface.call(request).await.unwrap();
            let (parts, body) = answer.into_parts();
            let body = body.collect().await.unwrap();
            let trailers = body.trailers().cloned().unwrap_or_default();
            let status = trailers.get("grpc-status").or_else(|| parts.headers.get("grpc-status")).cloned();
            (status.expect("a status"), body.to_bytes())
        });
        if status != "0" {
            assert!(answer.is_empty());
            continue;
        }
        assert!(!matches!(from, From::Nobody | From::Stranger) || path.ends_with("/Ping"), "{path}");
        given.answered(&path, &message, answer.get(5..).unwrap());
    }
});
