//! Why a store is not opened, and what it refuses or fails to do.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The cause of a failure, as the database's library tells it. It never has a password.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Where a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A file of SQLite.
    File(PathBuf),
    /// A schema in a database of PostgreSQL.
    Schema(&'static str),
    /// The memory of this process.
    Memory,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Schema(name) => write!(f, "the schema {name} in PostgreSQL"),
            Self::Memory => f.write_str("the store in memory"),
        }
    }
}

/// A store cannot be opened, refuses what is asked, or failed to do it.
///
/// After every variant but [`Unknown`](Self::Unknown) nothing of a change set is written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The schema cannot be one.
    #[error("the schema of the program {program:?} is not valid: {rule}")]
    InvalidSchema {
        /// The program's name.
        program: &'static str,
        /// What was found, and what must be.
        rule: String,
    },
    /// The table is not in the schema.
    #[error("the schema of {program} has no table {table:?}")]
    UnknownTable {
        /// The program's name.
        program: &'static str,
        /// The table asked for.
        table: String,
    },
    /// A key or a value is too long.
    #[error("a {what} of the table {table} has {length} bytes; must have at most {most}")]
    TooLong {
        /// "key" or "value".
        what: &'static str,
        /// The table.
        table: &'static str,
        /// The bytes it has.
        length: usize,
        /// The most that it may have.
        most: usize,
    },

    /// Another process has the file open.
    #[error("{} is open in another process; must be in one", .0.display())]
    InUse(PathBuf),
    /// A file cannot be read or written.
    #[error("the file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: std::io::Error,
    },
    /// A file with a password may be read by others than its owner.
    #[error("the file {} has mode {mode:03o}; must be 600, as it has a password", .path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },

    /// Something else is there: no database, or one of another program. It is left as it was.
    #[error("{place} is no store of this program: {rule}")]
    Other {
        /// Where it is.
        place: Place,
        /// What was found, and what must be.
        rule: String,
    },
    /// A later program made the tables. It is left as it was.
    #[error("the version of {place} is {found}; must be at most {most}")]
    Later {
        /// Where it is.
        place: Place,
        /// The version found.
        found: u32,
        /// The version of this program.
        most: u32,
    },
    /// An earlier program made the tables, and the store is opened to be read alone: nothing is changed then.
    #[error(
        "the version of {place} is {found}; must be {expected}, which it becomes when it is opened to write"
    )]
    Earlier {
        /// Where it is.
        place: Place,
        /// The version found.
        found: u32,
        /// The version of this program.
        expected: u32,
    },
    /// The tables, or the pages they are on, are not as they were made.
    #[error("{place} is damaged: {what}")]
    Damaged {
        /// Where it is.
        place: Place,
        /// What was found.
        what: String,
    },
    /// The database may only be read: a file without the right to write, or a standby.
    #[error("{0} may only be read; must take writes")]
    ReadOnly(Place),
    /// A setting lets a change set be lost that was said to be written.
    #[error("the setting {name} of {place} is {found:?}; must be {expected:?}, or a commit may be lost")]
    NotDurable {
        /// Where it is.
        place: Place,
        /// The setting.
        name: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        expected: &'static str,
    },

    /// The database did not do what was asked. Nothing was written.
    #[error("{place} did not do what was asked; nothing was written")]
    Failed {
        /// Where it is.
        place: Place,
        /// What went wrong.
        #[source]
        cause: Cause,
    },
    /// There was no answer in time, and the change set was not to be committed yet. Nothing was written.
    #[error("{place} did not answer within {limit:?}; nothing was written")]
    TimedOut {
        /// Where it is.
        place: Place,
        /// How long was waited.
        limit: Duration,
    },
    /// Nobody knows whether the change set was written. The store must be opened anew, must lead, and then be
    /// read: that tells, and not before it leads.
    #[error(
        "whether the change set was written to {place} is not known; it must be opened anew, lead, and be read"
    )]
    Unknown {
        /// Where it is.
        place: Place,
        /// What went wrong while it was committed.
        #[source]
        cause: Cause,
    },
    /// This handle is done: after [`Unknown`](Self::Unknown), or when the connection of the one that led was
    /// lost. What the program holds in memory may be behind.
    #[error("{0} was lost by an earlier failure; it must be opened anew and be read")]
    Lost(Place),
    /// This handle stands by, and only one that leads writes.
    #[error("another may lead {0}; only the one that leads writes")]
    StandingBy(Place),
    /// Another handle came to lead since this one did.
    #[error("another leads {place}: its term is {found}; must be {own}, which this one has led")]
    Deposed {
        /// Where it is.
        place: Place,
        /// The term of this handle.
        own: u64,
        /// The term found.
        found: u64,
    },

    /// The text says no connection. What is wrong with it is not repeated, as it may be a part of a password.
    #[error(
        "the connection to PostgreSQL cannot be read; must be as \"postgresql://watch@localhost/watch\", or \"host=/run/postgresql dbname=watch user=watch\""
    )]
    InvalidConnection,
    /// No server is named.
    #[error(
        "the connection to PostgreSQL names no host; must name the folder of a Unix socket, or a loopback address"
    )]
    NoHost,
    /// The connection would cross a network in plain text.
    #[error(
        "the host of PostgreSQL is {0}; must be the folder of a Unix socket or a loopback address, as this program has no TLS for PostgreSQL (a tunnel or a proxy on this machine may have it)"
    )]
    Plaintext(String),
    /// TLS is demanded.
    #[error(
        "the connection to PostgreSQL demands TLS, which this program has not; must be without, over a Unix socket or a loopback address"
    )]
    NoTls,
    /// No session could be had.
    #[error("PostgreSQL gives no connection")]
    Connect(#[source] Cause),
    /// The server is too old.
    #[error("the version of PostgreSQL is {found}; must be at least {least}")]
    TooOld {
        /// The number found, as `server_version_num` has it.
        found: i32,
        /// The least number.
        least: i32,
    },
    /// The store's thread cannot be started.
    #[error("the store's thread cannot be started")]
    Thread(#[source] std::io::Error),
}
