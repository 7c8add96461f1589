//! Why a store is not opened.

use std::path::PathBuf;

use finality::ConsumerHeight;

use super::SqlitePaths;
use crate::protection::guard::GuardError;
use crate::protection::rules::UnsafeFirst;
use crate::protection::store::StoreError;
use crate::protection::types::Lane;

/// A store cannot be opened or initialised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is neither a database nor a guard: it was never initialised.
    #[error("there is no signing database {}; it must be initialised once, with the first height that may be signed", .0.display())]
    Absent(PathBuf),
    /// The guard knows of a database that is gone.
    #[error("the signing database {} is missing, and its guard is there; without its records a vote may be signed twice", .0.display())]
    DatabaseAbsent(PathBuf),
    /// The guard is gone, so that nobody knows whether the database is an old copy.
    #[error("the guard {} of the signing database is missing; whether the database is an old copy is not known", .0.display())]
    GuardAbsent(PathBuf),
    /// The database is older than its guard knows: an old copy was restored.
    #[error("the signing database {} is an old copy: its generation is {found}; must be at least {known}, as its guard knows", .path.display())]
    Stale {
        /// The database.
        path: PathBuf,
        /// The generation found.
        found: u64,
        /// The generation that the guard knows.
        known: u64,
    },
    /// The database knows of no vote as high as its guard does: an old copy was restored, and its generation
    /// raised.
    #[error("the signing database {} has forgotten votes of {lane}: its highest is {}; must be at least {}, as its guard knows", .path.display(), .found.to_u64(), .known.to_u64())]
    Forgotten {
        /// The database.
        path: PathBuf,
        /// The lane.
        lane: Box<Lane>,
        /// The highest height found.
        found: ConsumerHeight,
        /// The highest height that the guard knows.
        known: ConsumerHeight,
    },
    /// The file is a copy that a backup made.
    #[error("{} is a backup of a signing database; what was signed since is not in it", .0.display())]
    Backup(PathBuf),
    /// The database is of another provider, or of another store: its guard is not its own.
    #[error("the guard {} is of another signing database than {}", .0.guard.display(), .0.database.display())]
    OtherStore(SqlitePaths),
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
    /// Another process has the store open.
    #[error("the signing database {} is open in another process; must be in one", .0.display())]
    InUse(PathBuf),
    /// The file is something else.
    #[error("{} is not a signing database: {rule}", .path.display())]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// What was found, and what must be.
        rule: String,
    },
    /// SQLite does not do what makes a commit durable.
    #[error(
        "the database has the journal mode {mode:?} and synchronous {synchronous}; must be \"wal\" and 2"
    )]
    NotDurable {
        /// The journal mode.
        mode: String,
        /// The value of `PRAGMA synchronous`.
        synchronous: i64,
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

impl From<UnsafeFirst> for OpenError {
    fn from(first: UnsafeFirst) -> Self {
        match first {
            UnsafeFirst::NotNamed(lane) => Self::NotNamed(lane),
            UnsafeFirst::BelowKnown { lane, height, known } => Self::BelowKnown { lane, height, known },
        }
    }
}
