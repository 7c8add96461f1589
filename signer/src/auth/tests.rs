use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{
    Allowed, Authenticator, BoundAuth, Call, Caller, Client, Clock, Credentials, InvalidBoundAuth,
    NonceError, Nonces, Operation, Permissions, RateExceeded, RateLimit, SharedSecret,
};

/// A clock that is set: seconds since 1970, and milliseconds of the other.
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
        Duration::from_millis(self.monotonic.load(Ordering::Relaxed))
    }
}

fn shared(text: &str) -> SharedSecret {
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

const PATH: &str = "/btcstake.signer.v1.Signer/Vote";
const NONCE: [u8; 16] = [7; 16];

fn bound_call<'a>(header: &'a str, path: &'a str, body: &'a [u8]) -> Call<'a> {
    let bound = Some(header.as_bytes());
    Call { path, hmac: None, bound, body, encode_anew: |_, _| None, certificate: None }
}

fn name(caller: &Caller) -> &str {
    match caller {
        Caller::Client(client) => client.name(),
        Caller::Anybody => "anybody",
    }
}

#[test]
fn a_bound_header_is_of_one_method_time_nonce_and_message() {
    let clock = Arc::new(SetClock::default());
    clock.unix.store(1_000_000, Ordering::Relaxed);
    let one = client("one", Credentials { bound: vec![shared("old"), shared("new")], ..Default::default() });
    let two = client("two", Credentials { bound: vec![shared("other")], ..Default::default() });
    let authenticator = Authenticator::new(vec![one, two], Nonces::in_memory(), clock);
    let header = |secret: &str, path: &str, body: &[u8], time, nonce| {
        BoundAuth::new(&shared(secret), path, body, time, nonce).to_header()
    };
    let asked = |header: &str, path: &str, body: &[u8]| {
        authenticator.authenticate(&bound_call(header, path, body)).map(|caller| name(&caller).to_owned())
    };
    let good = header("old", PATH, b"body", 1_000_000, NONCE);
    assert_eq!(asked(&good, PATH, b"body").unwrap(), "one");
    assert_eq!(asked(&good, PATH, b"body").unwrap_err().as_str(), "replayed");
    // The other secret, at the edges of time; each client has nonces of its own.
    assert_eq!(asked(&header("new", PATH, b"body", 1_000_030, NONCE), PATH, b"body").unwrap(), "one");
    assert_eq!(asked(&header("other", PATH, b"body", 999_970, NONCE), PATH, b"body").unwrap(), "two");
    for (header, path, body, rule) in [
        (header("wrong", PATH, b"body", 1_000_000, [1; 16]), PATH, b"body".as_slice(), "invalid_bound"),
        (header("old", PATH, b"body", 1_000_000, [1; 16]), PATH, b"other", "invalid_bound"),
        (
            header("old", PATH, b"body", 1_000_000, [1; 16]),
            "/proto.EOTSManager/SignEOTS",
            b"body",
            "invalid_bound",
        ),
        (header("old", PATH, b"body", 1_000_031, [1; 16]), PATH, b"body", "time"),
        (header("old", PATH, b"body", 999_969, [1; 16]), PATH, b"body", "time"),
        (good.replace("v1 ", "v2 "), PATH, b"body", "invalid_bound"),
        (format!("{good} more"), PATH, b"body", "invalid_bound"),
        (good.replace("1000000", "+1000000"), PATH, b"body", "invalid_bound"),
        (good.replace("1000000", "1000001"), PATH, b"body", "invalid_bound"),
        (String::new(), PATH, b"body", "invalid_bound"),
    ] {
        assert_eq!(asked(&header, path, body).unwrap_err().as_str(), rule, "{header}");
    }
    // A refused one has spent no nonce.
    assert_eq!(asked(&header("old", PATH, b"body", 1_000_000, [1; 16]), PATH, b"body").unwrap(), "one");
}

#[test]
fn the_reference_hmac_is_over_the_bytes_or_their_canonical_form() {
    use base64::Engine as _;
    let clock = Arc::new(SetClock::default());
    let one = client("one", Credentials { hmac: vec![shared("first")], ..Default::default() });
    let two = client("two", Credentials { hmac: vec![shared("second")], ..Default::default() });
    let authenticator = Authenticator::new(vec![one, two], Nonces::in_memory(), clock);
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    // The canonical form of one message is another.
    fn encode_anew(_: &str, body: &[u8]) -> Option<Vec<u8>> {
        (body == b"other form").then(|| b"raw".to_vec())
    }
    let asked = |path: &str, hmac: Option<&str>, body: &[u8]| {
        let hmac = hmac.map(str::as_bytes);
        let call = Call { path, hmac, bound: None, body, encode_anew, certificate: None };
        authenticator.authenticate(&call).map(|caller| name(&caller).to_owned())
    };
    let sign = "/proto.EOTSManager/SignEOTS";
    let mac = encode(&shared("second").hmac(&[b"raw"]));
    assert_eq!(asked(sign, Some(&mac), b"raw").unwrap(), "two");
    assert_eq!(asked(sign, Some(&mac), b"other form").unwrap(), "two");
    let empty = encode(&shared("first").hmac(&[]));
    assert_eq!(asked(sign, Some(&empty), b"").unwrap(), "one");
    assert_eq!(asked(sign, Some(&mac), b"other").unwrap_err().to_string(), "invalid HMAC");
    for wrong in ["", "hex", &hex::encode(shared("first").hmac(&[b"raw"])), &encode(b"short")] {
        assert_eq!(asked(sign, Some(wrong), b"raw").unwrap_err().to_string(), "invalid HMAC");
    }
    assert_eq!(asked(sign, None, b"raw").unwrap_err().to_string(), "HMAC not provided");
    for free in ["/proto.EOTSManager/Ping", "/proto.EOTSManager/SaveEOTSKeyName"] {
        assert_eq!(asked(free, None, b"").unwrap(), "anybody");
        assert_eq!(asked(free, Some("wrong"), b"").unwrap(), "anybody");
    }
}

#[test]
fn a_certificate_and_nothing_at_all_are_clients_too() {
    let clock = Arc::new(SetClock::default());
    let shown = client("shown", Credentials { certificates: vec![[1; 32]], ..Default::default() });
    let free = client("free", Credentials { unauthenticated: true, ..Default::default() });
    let authenticator = Authenticator::new(vec![shown, free], Nonces::in_memory(), clock);
    for (certificate, expected) in [(Some([1; 32]), "shown"), (Some([2; 32]), "free"), (None, "free")] {
        let call = Call {
            path: PATH,
            hmac: Some(b"any"),
            bound: None,
            body: b"",
            encode_anew: |_, _| None,
            certificate,
        };
        assert_eq!(name(&authenticator.authenticate(&call).unwrap()), expected);
    }
}

/// A clock at this many seconds of its life, when everybody's is at `unix`.
fn clock_at(unix: u64, monotonic: u64) -> SetClock {
    SetClock { unix: unix.into(), monotonic: monotonic.saturating_mul(1000).into() }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn nonces_are_kept_across_restarts_and_forgotten_safely() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("nonces");
    let nonces = Nonces::open(&path).unwrap();
    nonces.spend("one", 1000, NONCE, &clock_at(1000, 0)).unwrap();
    nonces.spend("two", 1000, NONCE, &clock_at(1000, 0)).unwrap();
    drop(nonces);
    // Half a record at the end, as a crash leaves it.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([9; 11]);
    std::fs::write(&path, bytes).unwrap();
    let nonces = Nonces::open(&path).unwrap();
    assert!(matches!(nonces.spend("one", 1000, NONCE, &clock_at(1000, 0)), Err(NonceError::Again)));
    nonces.spend("one", 1001, NONCE, &clock_at(1000, 0)).unwrap();
    nonces.spend("one", 1000, [8; 16], &clock_at(1119, 119)).unwrap();
    // After two minutes the first are forgotten, and nothing of their time is served again.
    for time in [999, 1000, 1001] {
        let forgotten = nonces.spend("one", time, NONCE, &clock_at(1121, 121));
        assert!(matches!(forgotten, Err(NonceError::Forgotten { forgotten: 1001, .. })), "{time}");
    }
    nonces.spend("one", 1002, NONCE, &clock_at(1121, 121)).unwrap();
    // Nor after a restart, when the file was written anew.
    drop(nonces);
    let again = Nonces::open(&path).unwrap();
    assert!(matches!(again.spend("one", 1002, NONCE, &clock_at(1000, 0)), Err(NonceError::Again)));
    assert!(matches!(again.spend("one", 1001, NONCE, &clock_at(1000, 0)), Err(NonceError::Again)));
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// A clock that jumps ahead and back shuts nobody out, and serves nothing twice.
#[test]
fn a_clock_that_jumps_serves_nothing_twice() {
    let clock = Arc::new(SetClock::default());
    let at = |unix: u64, monotonic: u64| {
        clock.unix.store(unix, Ordering::Relaxed);
        clock.monotonic.store(monotonic * 1000, Ordering::Relaxed);
    };
    let one = client("one", Credentials { bound: vec![shared("secret")], ..Default::default() });
    let authenticator = Authenticator::new(vec![one], Nonces::in_memory(), clock.clone());
    let header = |time, nonce| BoundAuth::new(&shared("secret"), PATH, b"", time, nonce).to_header();
    let asked = |header: &str| {
        let asked = authenticator.authenticate(&bound_call(header, PATH, b""));
        asked.map(drop).map_err(|error| error.as_str())
    };
    at(100_000, 0);
    let first = header(100_000, [1; 16]);
    asked(&first).unwrap();
    // An hour ahead.
    at(103_600, 1);
    assert_eq!(asked(&first), Err("time"));
    asked(&header(103_600, [2; 16])).unwrap();
    // And back: what was served is still known.
    at(100_001, 2);
    assert_eq!(asked(&first), Err("replayed"));
    asked(&header(100_001, [3; 16])).unwrap();
    // Minutes later what came while the clock was ahead still shuts nobody out, and is not served again.
    at(100_300, 300);
    asked(&header(100_300, [4; 16])).unwrap();
    at(103_600, 3600);
    assert_ne!(asked(&header(103_600, [2; 16])), Ok(()));
    // The first is forgotten, and the clock goes back to its time.
    at(100_000, 3700);
    assert_ne!(asked(&first), Ok(()));
}

#[test]
fn a_rate_has_bursts_and_recovers() {
    let limit = RateLimit::new(2, seconds(1), 4);
    for _ in 0..4 {
        limit.take(1, seconds(5)).unwrap();
    }
    let refused = limit.take(1, seconds(5)).unwrap_err();
    assert_eq!(refused, RateExceeded::ForNow { wait: Duration::from_millis(500) });
    assert_eq!(refused.to_string(), "more than the limit; must wait 500 ms");
    limit.take(1, Duration::from_millis(5500)).unwrap();
    assert!(limit.take(1, Duration::from_millis(5500)).is_err());
    limit.take(4, seconds(60)).unwrap();
    let never = limit.take(5, seconds(600)).unwrap_err();
    assert_eq!(never.to_string(), "5 at once; must be at most 4");
    assert!(RateLimit::new(0, seconds(1), 0).take(1, seconds(600)).is_err());
}

#[test]
fn lists_outstanding_are_bounded_and_given_back() {
    let one = client("one", Credentials::default());
    let held = one.reserve(60).unwrap();
    assert!(one.reserve(41).is_none());
    let more = one.reserve(40).unwrap();
    drop(held);
    assert!(one.reserve(61).is_none());
    drop(more);
    one.reserve(100).unwrap();
    assert!(one.reserve(u64::MAX).is_none());
}

#[test]
fn no_secret_is_shown() {
    let secret = shared("a secret that must not be shown");
    let credentials = Credentials { hmac: vec![secret.clone()], bound: vec![secret], ..Default::default() };
    let one = client("one", credentials);
    let text = format!("{one:?} {:?}", one.credentials());
    assert!(!text.contains("must not") && !text.contains("97, 32"), "{text}");
    assert_eq!(InvalidBoundAuth::Form.to_string().matches("v1").count(), 1);
}

/// The reference's HMAC does not say for which method it is, so it opens the reference's interface alone; and
/// a client that asks too often spends no nonce.
#[test]
fn an_hmac_is_for_the_reference_and_limits_come_before_nonces() {
    use base64::Engine as _;
    let clock = Arc::new(SetClock::default());
    let credentials =
        Credentials { hmac: vec![shared("hmac")], bound: vec![shared("bound")], ..Default::default() };
    let permissions = Permissions {
        operations: BTreeSet::from(Operation::DEFAULT),
        keys: Allowed::All,
        chains: Allowed::All,
    };
    let rate = RateLimit::new(1, Duration::from_secs(1), 1);
    let one = Arc::new(Client::new("one", permissions, credentials, rate, 100));
    let authenticator = Authenticator::new(vec![one], Nonces::in_memory(), clock.clone());
    let mac = base64::engine::general_purpose::STANDARD.encode(shared("hmac").hmac(&[b"body"]));
    let call = |path| Call {
        path,
        hmac: Some(mac.as_bytes()),
        bound: None,
        body: b"body",
        encode_anew: |_, _| None,
        certificate: None,
    };
    let refused = authenticator.authenticate(&call("/btcstake.signer.v1.Signer/Lock")).unwrap_err();
    assert_eq!(refused.as_str(), "not_provided");
    authenticator.authenticate(&call("/proto.EOTSManager/SignEOTS")).unwrap();
    let header = BoundAuth::new(&shared("bound"), PATH, b"body", 0, NONCE).to_header();
    let asked = || authenticator.authenticate(&bound_call(&header, PATH, b"body"));
    assert_eq!(asked().unwrap_err().as_str(), "rate");
    clock.monotonic.store(1000, Ordering::Relaxed);
    assert_eq!(name(&asked().unwrap()), "one");
    clock.monotonic.store(2000, Ordering::Relaxed);
    assert_eq!(asked().unwrap_err().as_str(), "replayed");
}
