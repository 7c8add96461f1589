//! Why the daemon does not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::tls::TlsError;
use crate::auth::NonceError;
use crate::config::{PemError, SecretsError};
use crate::keystore::{FolderError, PassphraseError, PrivateFileError, PublicKeyError, UnlockError};
use crate::metrics::MetricsError;
use crate::node::NodeError;
use crate::protection::{OpenError, PostgresError, StoreError};
use crate::service::ServiceError;

/// The daemon does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The keystore is not usable.
    #[error(transparent)]
    Keystore(#[from] FolderError),
    /// A key is not there.
    #[error("the key {0} of the configuration")]
    Key(String, #[source] PublicKeyError),
    /// The passphrase of a key cannot be read.
    #[error("the passphrase of the key {0}")]
    Passphrase(String, #[source] PassphraseError),
    /// A key is not unlocked.
    #[error("the key {0} is not unlocked")]
    Unlock(String, #[source] UnlockError),
    /// A key is not served.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The signing database is not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The signing database cannot be read, or is behind the chain.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The signing database in PostgreSQL is not opened.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The connection string cannot be read.
    #[error("the connection string in {}", .path.display())]
    Connection {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// The secrets of a client cannot be read.
    #[error("the secrets of the client {0}")]
    Secrets(String, #[source] SecretsError),
    /// The certificates of a client cannot be read.
    #[error("the certificates of the client {0}")]
    Certificates(String, #[source] PemError),
    /// The nonces of earlier requests cannot be read.
    #[error(transparent)]
    Nonces(#[from] NonceError),
    /// The node of a chain is of another one.
    #[error("the node of the chain {0}")]
    Node(String, #[source] NodeError),
    /// TLS is not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Metrics cannot be made.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// An address cannot be listened at.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        #[source]
        cause: std::io::Error,
    },
    /// The system has no thread to give.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// A fault of the signer.
    #[error("the start has a fault; see the log")]
    Panicked,
}
