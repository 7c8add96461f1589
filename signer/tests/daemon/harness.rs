//! A daemon in a temporary folder, and clients of it.

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eots::{SecretKey, XOnlyPublicKey};
use finality::ConsumerHeight;
use signer::auth::{Clock, SystemClock};
use signer::config::Configuration;
use signer::daemon::Daemon;
use signer::keystore::{Keystore, Passphrase, WorkFactor};
use signer::protection::{
    ChangeKind, FirstHeight, HeightRange, Lane, LaneChange, SqlitePaths, SqliteStore, Store as _,
};
use signer::wire::own::signer_client::SignerClient;
use signer::wire::reference::eots_manager_client::EotsManagerClient;
use tempfile::TempDir;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use zeroize::Zeroizing;

/// Babylon Genesis, and a consumer chain.
pub(crate) const CHAINS: [&str; 2] = ["bbn-1", "consumer-1"];
/// The heights whose randomness was committed elsewhere, and the lowest that is signed.
pub(crate) const COMMITTED: HeightRange =
    HeightRange { first: ConsumerHeight(100), last: ConsumerHeight(10_000) };
/// Alice's key is unlocked at the start, Bob's is not.
pub(crate) const ALICE: u8 = 1;
pub(crate) const BOB: u8 = 2;
pub(crate) const BOB_PASSPHRASE: &str = "bob's own words";

/// One client that shows nothing, and may do everything.
pub(crate) const ANYBODY: &str = r#"
[[client]]
name = "anybody"
unauthenticated = true
requests_per_second = 100000
operations = ["randomness", "vote", "commit", "digest", "possession", "unlock", "lock", "backup", "save-key-name", "status"]
"#;

pub(crate) fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32]).unwrap()
}

pub(crate) fn public(number: u8) -> XOnlyPublicKey {
    *secret(number).public_key()
}

pub(crate) fn uid(number: u8) -> Vec<u8> {
    public(number).serialize().to_vec()
}

pub(crate) fn chain_id(number: usize) -> Vec<u8> {
    CHAINS[number].as_bytes().to_vec()
}

/// The message of a vote on Babylon Genesis.
pub(crate) fn vote(height: u64, block: u8) -> Vec<u8> {
    [height.to_be_bytes().as_slice(), &[block; 32]].concat()
}

/// A folder with keys and a signing database.
pub(crate) struct Home {
    pub(crate) folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let home = Self { folder };
        let keys = home.path("keys");
        std::fs::create_dir(&keys).unwrap();
        std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o700)).unwrap();
        let keystore = Keystore::open(&keys).unwrap().with_work_factor(WorkFactor::new(2).unwrap());
        let passphrase = |text: &str| Passphrase::new(Zeroizing::new(text.to_owned())).unwrap();
        keystore.add(&"alice".parse().unwrap(), &secret(ALICE), &passphrase("alice's words")).unwrap();
        keystore.add(&"bob".parse().unwrap(), &secret(BOB), &passphrase(BOB_PASSPHRASE)).unwrap();
        home.write("alice.passphrase", "alice's words\n");
        let first = home.lanes().map(|lane| FirstHeight { lane, height: COMMITTED.first });
        let store = SqliteStore::initialise(&home.database(), &first.collect::<Vec<_>>()).unwrap();
        let committed = home.lanes().map(|lane| LaneChange { lane, kind: ChangeKind::Committed(COMMITTED) });
        store.change(committed.collect()).unwrap();
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn database(&self) -> SqlitePaths {
        SqlitePaths::beside(self.path("signing.db"))
    }

    /// Every key on every chain.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = Lane> {
        [ALICE, BOB].into_iter().flat_map(|key| {
            CHAINS.map(|chain| Lane { public_key: public(key), chain_id: chain.as_bytes().to_vec() })
        })
    }

    /// Writes a private file.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(self.path(name));
        std::io::Write::write_all(&mut file.unwrap(), text.as_ref()).unwrap();
    }

    /// Writes a configuration with more tables after the usual ones, and reads it.
    pub(crate) fn configuration(&self, more: &str) -> Configuration {
        let text = format!(
            r#"
[store]
kind = "sqlite"
database = "signing.db"
[keystore]
folder = "keys"
[[key]]
name = "alice"
passphrase_file = "alice.passphrase"
[[key]]
name = "bob"
[[chain]]
chain_id = "bbn-1"
most_above = 5000
votes_per_minute = 1000000
votes_at_once = 10000
[[chain]]
chain_id = "consumer-1"
consumer = {{ verifying_chain_id = "consumer-1", address = "bbn1contract" }}
{more}
"#
        );
        let text = if more.contains("[listen]") {
            text
        } else {
            format!("{text}\n[listen]\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n")
        };
        self.write("signer.toml", &text);
        let read = Configuration::load(&self.path("signer.toml"), []);
        read.unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    pub(crate) async fn start(self, more: &str) -> Running {
        self.start_with_clock(more, Arc::new(SystemClock::default())).await
    }

    pub(crate) async fn start_with_clock(self, more: &str, clock: Arc<dyn Clock>) -> Running {
        let configuration = self.configuration(more);
        let daemon = Daemon::start_with_clock(configuration, clock).await;
        let daemon = daemon.unwrap_or_else(|error| panic!("{}", chain(&error)));
        Running { home: self, daemon }
    }
}

/// An error with its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// A daemon that runs.
pub(crate) struct Running {
    pub(crate) home: Home,
    pub(crate) daemon: Daemon,
}

impl Running {
    /// One that anybody may ask for anything.
    pub(crate) async fn open() -> Self {
        Home::new().start(ANYBODY).await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.daemon.grpc_address())
    }

    pub(crate) async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url()).unwrap().tcp_nodelay(true).connect().await.unwrap()
    }

    pub(crate) async fn reference(&self) -> EotsManagerClient<Channel> {
        EotsManagerClient::new(self.channel().await)
            .max_decoding_message_size(64 << 20)
            .max_encoding_message_size(64 << 20)
    }

    pub(crate) async fn own(&self) -> SignerClient<Channel> {
        SignerClient::new(self.channel().await)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    /// Stops the daemon, and returns its folder.
    pub(crate) async fn stop(self) -> Home {
        self.daemon.stop().await;
        self.home
    }

    /// Returns the metrics and the health.
    pub(crate) async fn get(&self, path: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let address = self.daemon.metrics_address().unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: signer\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// The code and text of an answer that must be an error.
pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) -> (Code, String) {
    let status = answer.expect_err("an error");
    // Existing clients take this word, in whatever is said, for a double sign.
    assert!(!status.message().contains("FailedPrecondition"), "{status}");
    (status.code(), status.message().to_owned())
}

/// The files of a folder.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
