//! Why a store is not opened, and what fails while it is open.

use std::path::PathBuf;
use std::time::Duration;

use finality::ConsumerHeight;

use crate::protection::guard::GuardError;
use crate::protection::rules::UnsafeFirst;
use crate::protection::store::StoreError;
use crate::protection::types::Lane;

/// The cause of a failure, as the client library tells it. It never has a password.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A store in PostgreSQL cannot be opened, opened again after its connection was lost, or initialised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The text says no connection. What is wrong with it is not repeated, as it may be a part of a password.
    #[error(
        "the connection string cannot be read; must be as \"host=/run/postgresql dbname=signer user=signer\""
    )]
    ConnectionString,
    /// No server is named.
    #[error(
        "the connection string names no host; must name the folder of a Unix socket, or a loopback address"
    )]
    NoHost,
    /// The connection would cross a network in plain text.
    #[error(
        "the host of the connection is {0}; must be the folder of a Unix socket or a loopback address, as this program has no TLS for PostgreSQL (a tunnel or a proxy on this machine may have it)"
    )]
    Plaintext(String),
    /// TLS is demanded.
    #[error(
        "the connection string demands TLS, which this program has not for PostgreSQL; must be without, over a Unix socket or a loopback address"
    )]
    NoTls,
    /// The name of the schema is not a plain one.
    #[error(
        "the schema's name is {0:?}; must be 1 to 63 lower-case letters, digits and underscores, and begin with no digit"
    )]
    SchemaName(String),
    /// No session could be had.
    #[error("PostgreSQL gives no connection")]
    Connect(#[source] Cause),
    /// The server is too old.
    #[error("PostgreSQL's version is {found}; must be at least {least}")]
    TooOld {
        /// The number found, as `server_version_num` has it.
        found: i32,
        /// The least number.
        least: i32,
    },
    /// The server is a standby, or may only be read.
    #[error("PostgreSQL is a standby or read-only; must be the primary, and take writes")]
    ReadOnly,
    /// A setting lets a commit be lost.
    #[error("PostgreSQL's setting {name} is {found:?}; must be {expected:?}, or a commit may be lost")]
    Unsafe {
        /// The setting.
        name: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: &'static str,
    },
    /// Another signer has the database, and one of the two wants it alone.
    #[error("another signer has this database; must be alone, or both must share it")]
    InUse,
    /// Another process has the guard.
    #[error("the guard {} is in use by another process; each signer must have one of its own", .0.display())]
    GuardInUse(PathBuf),
    /// There is neither a database nor a guard: it was never initialised.
    #[error(
        "there is no signing database in the schema {0}; it must be initialised once, with the first height that may be signed"
    )]
    Absent(String),
    /// The guard knows of a database that is gone.
    #[error(
        "the signing database in the schema {0} is missing, and its guard is there; without its records a vote may be signed twice"
    )]
    DatabaseAbsent(String),
    /// The guard is gone, so that nobody knows whether the database is an old copy.
    #[error("the guard {} of the signing database is missing; whether the database is an old copy is not known (a further signer of a database that is in use begins with a copy of another's guard)", .0.display())]
    GuardAbsent(PathBuf),
    /// The database is another one than the guard's.
    #[error("the guard {} is of another signing database", .0.display())]
    OtherStore(PathBuf),
    /// The database is older than the guard knows: an old copy was restored, or a standby that lacked commits
    /// was promoted.
    #[error(
        "the signing database is an old copy: its generation is {found}; must be at least {known}, as the guard knows"
    )]
    Stale {
        /// The generation found.
        found: u64,
        /// The generation that the guard knows.
        known: u64,
    },
    /// The database knows of no vote as high as the guard does.
    #[error("the signing database has forgotten votes of {lane}: its highest is {}; must be at least {}, as the guard knows", .found.map_or_else(|| "none".to_owned(), |found| found.to_u64().to_string()), .known.to_u64())]
    Forgotten {
        /// The lane.
        lane: Box<Lane>,
        /// The highest height found.
        found: Option<ConsumerHeight>,
        /// The highest height that the guard knows.
        known: ConsumerHeight,
    },
    /// A database is taken over, and one of its lanes is not named: its votes may be forgotten too.
    #[error(
        "{0} is in the signing database too; its first height must be given, as votes of it may be forgotten"
    )]
    NotNamed(Box<Lane>),
    /// A first height is not above what is known to be signed.
    #[error("the first height of {lane} is {}; must be above {}, which was signed", .height.to_u64(), .known.to_u64())]
    BelowKnown {
        /// The lane.
        lane: Box<Lane>,
        /// The first height given.
        height: ConsumerHeight,
        /// The highest height that is known.
        known: ConsumerHeight,
    },
    /// A later program made the tables.
    #[error("the version of the signing database is {found}; must be at most {most}")]
    Later {
        /// The version found.
        found: i32,
        /// The version of this program.
        most: i32,
    },
    /// A file cannot be read or written.
    #[error("the file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: std::io::Error,
    },
    /// The guard cannot be used.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store's thread cannot be started.
    #[error("the store's thread cannot be started")]
    Thread(#[source] std::io::Error),
}

/// What PostgreSQL did not do: the cause of [`StoreError::Database`]. Its connection is given up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresFailure {
    /// A statement failed; nothing was recorded.
    #[error("PostgreSQL did not do a statement; nothing was recorded")]
    Statement(#[source] Cause),
    /// There was no answer in time; the transaction was not to be committed yet.
    #[error("PostgreSQL did not answer within {0:?}; nothing was recorded")]
    TimedOut(Duration),
    /// Nobody knows whether the commit was made.
    #[error(
        "PostgreSQL did not confirm a commit; it may have been recorded, and the same request again tells"
    )]
    Unconfirmed(#[source] Cause),
    /// A record was there, although its lane was locked: somebody writes without locking.
    #[error(
        "{written} of {expected} rows were written: somebody else writes to these tables without their locks; nothing was recorded"
    )]
    Conflict {
        /// The rows that were written.
        written: u64,
        /// The rows that should have been.
        expected: u64,
    },
    /// Another backend answers than the one that was connected to: a proxy shares connections.
    #[error("another backend of PostgreSQL answers than before; a proxy must keep one for each connection")]
    OtherBackend,
    /// A chain id does not fit into an index.
    #[error("the chain id has {0} bytes; must have at most {MOST_CHAIN_ID} in PostgreSQL")]
    LongChainId(usize),
}

/// The most bytes of a chain id: a key of an index has room for about 2700.
pub(super) const MOST_CHAIN_ID: usize = 1024;

/// No answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
pub(super) struct Late(pub(super) Duration);

/// The server warned while it committed.
#[derive(Debug, thiserror::Error)]
#[error("it warned: {0}")]
pub(super) struct Warned(pub(super) String);

impl From<PostgresFailure> for StoreError {
    fn from(failure: PostgresFailure) -> Self {
        Self::Database(Box::new(failure))
    }
}

/// A statement failed.
pub(super) fn failed(error: tokio_postgres::Error) -> StoreError {
    PostgresFailure::Statement(Box::new(error)).into()
}

pub(super) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged(what.into())
}

impl From<UnsafeFirst> for PostgresError {
    fn from(first: UnsafeFirst) -> Self {
        match first {
            UnsafeFirst::NotNamed(lane) => Self::NotNamed(lane),
            UnsafeFirst::BelowKnown { lane, height, known } => Self::BelowKnown { lane, height, known },
        }
    }
}
