//! The headers that say who asks: one that was altered is of nobody, and none is served twice.
#![no_main]

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use btcstake_fuzz::{Changes, change};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;
use signer::auth::{
    Allowed, AuthenticationError, Authenticator, BoundAuth, Call, Caller, Client, Clock, Credentials, Nonces,
    Operation, Permissions, RateLimit, SharedSecret,
};
use signer::wire::reference::SignEotsRequest;
use zeroize::Zeroizing;

#[derive(Arbitrary, Debug)]
struct Input {
    /// Whether one client may show nothing.
    is_open: bool,
    asked: Vec<Asked>,
}

#[derive(Arbitrary, Debug)]
struct Asked {
    path: Path,
    body: Vec<u8>,
    header: Header,
    /// Seconds that pass before, and by which the clock is set.
    passes: u8,
    jumps: i16,
}

#[derive(Arbitrary, Debug, Clone, Copy)]
enum Path {
    Vote,
    SignEots,
    Ping,
    Other,
}

#[derive(Arbitrary, Debug)]
enum Header {
    None,
    /// Any bytes in both.
    Any(Vec<u8>, Vec<u8>),
    /// The reference's, over the bytes or over the message encoded anew; then changed.
    Hmac {
        anew: bool,
        changes: Changes,
    },
    /// The bound one, of a time so far from the clock's; then changed.
    Bound {
        ahead: i8,
        nonce: u8,
        changes: Changes,
    },
}

impl Path {
    const fn text(self) -> &'static str {
        match self {
            Self::Vote => "/btcstake.signer.v1.Signer/Vote",
            Self::SignEots => "/proto.EOTSManager/SignEOTS",
            Self::Ping => "/proto.EOTSManager/Ping",
            Self::Other => "/proto.EOTSManager",
        }
    }
}

#[derive(Default)]
struct SetClock {
    unix: AtomicU64,
    monotonic: AtomicU64,
}

impl Clock for SetClock {
    fn unix_seconds(&self) -> u64 {
        self.unix.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.monotonic.load(Ordering::Relaxed))
    }
}

fn secret(text: &str) -> SharedSecret {
    SharedSecret::new(Zeroizing::new(text.as_bytes().to_vec()))
}

fn client(name: &str, credentials: Credentials) -> Arc<Client> {
    let permissions = Permissions {
        operations: BTreeSet::from(Operation::DEFAULT),
        keys: Allowed::All,
        chains: Allowed::All,
    };
    let rate = RateLimit::new(1000, Duration::from_secs(1), 1000);
    Arc::new(Client::new(name, permissions, credentials, rate, 100))
}

/// The message encoded anew, as the interface would.
fn encode_anew(path: &str, body: &[u8]) -> Option<Vec<u8>> {
    let message = SignEotsRequest::decode(body).ok().filter(|_| path == Path::SignEots.text());
    message.map(|message| message.encode_to_vec())
}

fuzz_target!(|input: Input| {
    let clock = Arc::new(SetClock::default());
    clock.unix.store(1 << 20, Ordering::Relaxed);
    let mut clients = vec![
        client("fpd", Credentials { hmac: vec![secret("the reference's")], ..Credentials::default() }),
        client("operator", Credentials { bound: vec![secret("the bound one's")], ..Credentials::default() }),
    ];
    if input.is_open {
        clients.push(client("anybody", Credentials { unauthenticated: true, ..Credentials::default() }));
    }
    let authenticator = Authenticator::new(clients, Nonces::in_memory(), clock.clone());
    let mut served = HashSet::new();
    for asked in input.asked.iter().take(50) {
        clock.monotonic.fetch_add(asked.passes.into(), Ordering::Relaxed);
        let now = clock.unix_seconds().saturating_add_signed(asked.jumps.into());
        clock.unix.store(now, Ordering::Relaxed);
        ask(&authenticator, asked, now, input.is_open, &mut served);
    }
});

type Served = HashSet<(u64, [u8; 16])>;

fn ask(authenticator: &Authenticator, asked: &Asked, now: u64, is_open: bool, served: &mut Served) {
    let (path, body) = (asked.path.text(), asked.body.as_slice());
    let answer = |hmac: Option<&[u8]>, bound: Option<&[u8]>| {
        authenticator.authenticate(&Call { path, hmac, bound, body, encode_anew, certificate: None })
    };
    match &asked.header {
        Header::None => check_without(&answer(None, None), asked.path, is_open),
        Header::Any(hmac, bound) => {
            let _ = answer(Some(hmac), Some(bound));
            match BoundAuth::parse(bound) {
                Ok(read) => assert_eq!(BoundAuth::parse(read.to_header().as_bytes()), Ok(read)),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
        Header::Hmac { anew, changes } => {
            let anew = encode_anew(path, body).filter(|_| *anew);
            let mac = secret("the reference's").hmac(&[anew.as_deref().unwrap_or(body)]);
            let good = STANDARD.encode(mac);
            let mut header = good.clone().into_bytes();
            change(&mut header, changes);
            let answer = answer(Some(&header), None);
            if matches!(asked.path, Path::Vote | Path::Other) {
                // That HMAC does not say which method it is for.
                check_without(&answer, asked.path, is_open);
            } else if header == good.as_bytes() {
                assert_eq!(name(&answer), Some("fpd"));
            } else {
                // What needs none is served to anybody, and in nobody's name.
                assert_eq!(answer.is_ok(), matches!(asked.path, Path::Ping), "{answer:?}");
                assert_eq!(name(&answer), None);
            }
        }
        Header::Bound { ahead, nonce, changes } => {
            let time = now.saturating_add_signed((*ahead).into());
            let good = BoundAuth::new(&secret("the bound one's"), path, body, time, [*nonce; 16]);
            let mut header = good.to_header().into_bytes();
            change(&mut header, changes);
            let answer = answer(None, Some(&header));
            // Upper case, and zeros before the time, say the same.
            let is_good = BoundAuth::parse(&header).is_ok_and(|read| read == good);
            if answer.is_ok() {
                assert!(is_good && time.abs_diff(now) <= 30, "{answer:?}");
                assert_eq!(name(&answer), Some("operator"));
                assert!(served.insert((time, [*nonce; 16])), "served twice");
            } else if is_good && time.abs_diff(now) <= 30 {
                let nonce_or_rate =
                    matches!(answer, Err(AuthenticationError::Nonce(_) | AuthenticationError::Rate { .. }));
                assert!(nonce_or_rate, "{answer:?}");
            }
        }
    }
}

fn check_without(answer: &Result<Caller, AuthenticationError>, path: Path, is_open: bool) {
    assert_eq!(name(answer), is_open.then_some("anybody"), "{answer:?}");
    assert_eq!(answer.is_ok(), is_open || matches!(path, Path::Ping), "{answer:?}");
}

fn name(answer: &Result<Caller, AuthenticationError>) -> Option<&str> {
    match answer {
        Ok(Caller::Client(client)) => Some(client.name()),
        _ => None,
    }
}
