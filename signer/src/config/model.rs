//! What a configuration says: plain data, which exists only when it is valid.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use endpoint::Url;
use finality::{ConsumerHeight, SignerChain};
use tracing::Level;

use super::secret::{PrivateFile, SecretFile};
use crate::auth::Operation;
use crate::keystore::{KeyName, Passphrase, PassphraseError};
use crate::node::NodeKind;

/// Where the signing database is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreSettings {
    /// In a file of SQLite.
    #[non_exhaustive]
    Sqlite {
        /// The file.
        database: PathBuf,
        /// The guard against old copies of it; `None` is beside it.
        guard: Option<PathBuf>,
    },
    /// On a server of PostgreSQL.
    #[non_exhaustive]
    Postgres {
        /// The file with the connection string.
        connection: PrivateFile,
        /// The guard: what this host remembers of it.
        guard: PathBuf,
        /// Whether other signers use it at the same time.
        shared: bool,
    },
}

impl StoreSettings {
    /// Returns a store in a file of SQLite, with the guard beside it or elsewhere.
    pub const fn sqlite(database: PathBuf, guard: Option<PathBuf>) -> Self {
        Self::Sqlite { database, guard }
    }
}

/// Where the daemon listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenSettings {
    /// The gRPC interface.
    pub grpc: SocketAddr,
    /// Metrics and health; `None` is nowhere.
    pub metrics: Option<SocketAddr>,
    /// TLS of the gRPC interface; `None` is plaintext.
    pub tls: Option<TlsSettings>,
}

/// The files of TLS, which are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsSettings {
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its secret key, PEM.
    pub secret_key: PrivateFile,
    /// The certificates of the authorities that sign clients' certificates, PEM; `None` is no mutual TLS.
    pub client_authorities: Option<PathBuf>,
}

/// Bounds of what clients may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitSettings {
    /// The heights whose randomness is being listed for one client at one time.
    pub randomness_outstanding: u64,
    /// The requests of one client in a second, unless it has its own limit.
    pub requests_per_second: u32,
    /// The connections at one time.
    pub connections: u32,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// As text.
    Text,
    /// As JSON, one object in a line.
    Json,
}

/// What is logged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogSettings {
    /// How logs are written.
    pub format: LogFormat,
    /// The least important level that is logged.
    pub level: Level,
}

/// A key that is signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeySettings {
    /// Its name in the keystore.
    pub name: KeyName,
    /// What unlocks it at start; `None` leaves it locked until it is unlocked over the interface.
    pub passphrase: Option<PassphraseOrigin>,
}

/// Where the passphrase of a key is read at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PassphraseOrigin {
    /// From a credential of the service manager.
    Credential(KeyName),
    /// From a private file.
    File(PathBuf),
}

impl PassphraseOrigin {
    /// Reads the passphrase.
    ///
    /// # Errors
    /// [`PassphraseError`] when it cannot be read, or is not valid.
    pub fn read(&self) -> Result<Passphrase, PassphraseError> {
        match self {
            Self::Credential(name) => Passphrase::from_credential(name),
            Self::File(path) => Passphrase::from_file(path),
        }
    }
}

/// A chain that is signed for, and the rules of votes on it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChainSettings {
    /// Its id and signing contexts.
    pub chain: SignerChain,
    /// Whether votes are signed for committed heights alone.
    pub committed_only: bool,
    /// How far above the highest height, or the first committed one, a vote may be.
    pub most_above: u64,
    /// The votes of one key in a minute.
    pub votes_per_minute: u32,
    /// How many at once.
    pub votes_at_once: u32,
    /// Whether `SignEOTS` signs what is no vote.
    pub sign_any_message: bool,
    /// The highest votes that were seen on the chain.
    pub highest_votes: Vec<HighestVote>,
    /// The chain's own node; `None` is not asked.
    pub node: Option<NodeSettings>,
}

/// The chain's own node.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeSettings {
    /// What it speaks.
    pub kind: NodeKind,
    /// Its address.
    pub url: Url,
}

/// The highest vote of a key that was seen on a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HighestVote {
    /// The key.
    pub key: KeyName,
    /// The height of the vote.
    pub height: ConsumerHeight,
}

/// Who may ask, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientSettings {
    /// Its name in metrics and logs.
    pub name: String,
    /// What says that it is this client.
    pub authentication: ClientAuthentication,
    /// The keys it may use: all configured ones unless it names some.
    pub keys: BTreeSet<KeyName>,
    /// The chains it may sign for: all configured ones unless it names some.
    pub chains: BTreeSet<String>,
    /// What it may ask for.
    pub operations: BTreeSet<Operation>,
    /// Its requests in a second.
    pub requests_per_second: u32,
}

impl ClientSettings {
    /// Returns whether nothing but a certificate says that it is this client.
    pub const fn has_certificate_alone(&self) -> bool {
        use ClientAuthentication::By;
        matches!(self.authentication, By { hmac_secrets: None, auth_secrets: None, certificates: Some(_) })
    }
}

/// What says that a client is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Nothing: whoever comes, on loopback.
    Unauthenticated,
    /// Each of these alone; there is one at least.
    #[non_exhaustive]
    By {
        /// Secrets of the reference's scheme, `x-fpd-hmac`, which binds the body alone.
        hmac_secrets: Option<SecretFile>,
        /// Secrets of the scheme `x-btcstake-auth`, which binds method, time and nonce as well.
        auth_secrets: Option<SecretFile>,
        /// Client certificates, PEM.
        certificates: Option<PathBuf>,
    },
}
