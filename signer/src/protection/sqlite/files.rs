//! The files of a store: the lock, and the database as it is found or made.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::database::{Database, failed};
use super::error::OpenError;
use super::log::check_log;
use super::schema::{self, Found};
use crate::protection::guard::sync_folder;
use crate::protection::lock::{Locked, with_ending};
use crate::protection::steps::passed;
use crate::protection::store::StoreError;

/// The pages of a new database. A vote writes two of them, and with SQLite's 4096 bytes its commit takes half
/// as long again.
const PAGE_BYTES: u32 = 1024;
/// After how many pages, 8 MB, the log is brought into the file. Votes wait while it is: with SQLite's 1000
/// pages one in a hundred did. Afterwards it is written over, which a disk syncs faster than a file that
/// grows.
const LOG_PAGES: u32 = 8000;

/// Returns where the database is, or will be, without symbolic links: SQLite takes the log beside the real
/// file for its own, so that is the one to look at.
pub(super) fn real_path(database: &Path) -> Result<PathBuf, OpenError> {
    let failed = |cause| OpenError::File { path: database.to_owned(), cause };
    match std::fs::canonicalize(database) {
        Ok(path) => Ok(path),
        // A link to nothing is refused: where it leads is not known before something is there.
        Err(absent) if absent.kind() == ErrorKind::NotFound && database.symlink_metadata().is_err() => {
            let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
            let name = database.file_name().ok_or(absent).map_err(failed)?;
            let folder = std::fs::canonicalize(folder.unwrap_or(Path::new("."))).map_err(failed)?;
            Ok(folder.join(name))
        }
        Err(cause) => Err(failed(cause)),
    }
}

/// Keeps a second process out.
pub(super) fn lock(database: &Path) -> Result<Locked, OpenError> {
    let path = with_ending(database, ".lock");
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
        Found::Store => {
            settle(&connection)?;
            Ok(Some(Database::load(connection)?))
        }
        Found::Empty => Ok(None),
        Found::Other(rule) => Err(OpenError::OtherFile { path: path.to_owned(), rule }),
    }
}

/// Brings what the log has to the disk, and into the file. Where the process before was killed, or its sync
/// failed, a commit may be known to the system alone: nothing that is read here leaves before the disk has
/// it.
fn settle(connection: &Connection) -> Result<(), OpenError> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    passed("log settled");
    // Nobody else has the file.
    if busy == 0 { Ok(()) } else { Err(StoreError::Damaged("its log is in use".to_owned()).into()) }
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
    // What a database that is there has remains.
    connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(failed)?;
    // In this mode before the first access, the index of the log is in memory.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES).map_err(failed)?;
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
