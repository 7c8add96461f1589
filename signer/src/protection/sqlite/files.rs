//! The files of a store: the lock, and the database as it is found or made.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::database::{Database, failed};
use super::error::OpenError;
use super::log::check_log;
use super::schema::{self, Found};
use crate::protection::guard::sync_folder;
use crate::protection::lock::{Locked, with_ending};
use crate::protection::steps::passed;

/// Keeps a second process out, also one that names the database by a symbolic link.
pub(super) fn lock(database: &Path) -> Result<Locked, OpenError> {
    let path = std::fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let path = with_ending(&path, ".lock");
    match Locked::empty(&path) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(OpenError::InUse(database.to_owned())),
        Err(cause) => Err(OpenError::File { path, cause }),
    }
}

/// Opens the database; `None` when there is no file, or an empty one.
pub(super) fn load(path: &Path) -> Result<Option<Database>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    check_magic(path)?;
    check_log(path)?;
    let mut connection = connect(path)?;
    match schema::migrate(&mut connection).map_err(failed)? {
        Found::Store => Ok(Some(Database::load(connection)?)),
        Found::Empty => Ok(None),
        Found::Other(rule) => Err(OpenError::OtherFile { path: path.to_owned(), rule }),
    }
}

/// Refuses a file of something else, and names it: SQLite takes one of a single byte for an empty database,
/// and writes over it. It is read before the database is opened, as closing it later would drop SQLite's
/// locks.
fn check_magic(path: &Path) -> Result<(), OpenError> {
    const MAGIC: &[u8; 16] = b"SQLite format 3\0";
    let mut beginning = Vec::new();
    File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut beginning))
        .map_err(|cause| OpenError::File { path: path.to_owned(), cause })?;
    if beginning.is_empty() || beginning == MAGIC {
        return Ok(());
    }
    let rule = "it does not begin as one of SQLite's".to_owned();
    Err(OpenError::OtherFile { path: path.to_owned(), rule })
}

/// Makes a database without a lane.
pub(super) fn create(path: &Path) -> Result<Database, OpenError> {
    let file = |cause| OpenError::File { path: path.to_owned(), cause };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path).map_err(file)?);
    passed("database file made");
    let mut connection = connect(path)?;
    let transaction = connection.transaction().map_err(failed)?;
    schema::create(&transaction).map_err(failed)?;
    transaction
        .execute("INSERT INTO store (only, id, generation) VALUES (1, randomblob(16), 0)", [])
        .map_err(failed)?;
    passed("tables made");
    transaction.commit().map_err(failed)?;
    passed("tables committed");
    sync_folder(path).map_err(file)?;
    Ok(Database::load(connection)?)
}

/// Opens a connection whose commits are durable, and which no other process shares.
fn connect(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(failed)?;
    // In this mode before the first access, the index of the log is in memory.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(32);
    let mode: String =
        connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failed)?;
    let synchronous: i64 =
        connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(failed)?;
    if mode != "wal" || synchronous != 2 {
        return Err(OpenError::NotDurable { mode, synchronous });
    }
    Ok(connection)
}
