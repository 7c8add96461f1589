//! The connection, and the tables: how they are made, and how those of an earlier version become the present
//! ones.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, Transaction, TransactionBehavior};

use super::failed;
use crate::error::{Place, StoreError};
use crate::schema::Layout;

/// After how many pages, 130 MB, the log is brought into the file, which the change set that is applied then
/// waits for: about as long as the log took. 10 000 rows that are put among a million change 20 000 pages.
const LOG_PAGES: u32 = 32_000;
/// What a log that had to grow is cut to afterwards.
const LOG_BYTES: u32 = 1 << 27;
/// What SQLite may keep of the file in memory, in KiB.
const CACHE_KIB: i32 = 8192;
/// How many statements are kept: a few for each table.
const STATEMENTS: usize = 128;
/// How long a program that only looks into the file may make us wait.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long at the beginning, when nobody may read what the log has: a million rows are read in some
/// seconds.
const PATIENCE_TO_OPEN: Duration = Duration::from_secs(10);

/// Returns what `PRAGMA application_id` says in a program's files.
pub(super) fn application(layout: &Layout) -> i32 {
    layout
        .number("btcstake-store file")
        .to_be_bytes()
        .first_chunk()
        .map_or(0, |bytes| i32::from_be_bytes(*bytes))
}

fn connect(path: &Path, place: &Place, access: OpenFlags) -> Result<Connection, StoreError> {
    // The connection is not shared between threads, and moves as a whole.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failed(place, error))?;
    connection.busy_timeout(PATIENCE).map_err(|error| failed(place, error))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Makes a database of the present version in an empty file. Not in the log: the file says from the beginning
/// of which program it is.
pub(super) fn create(path: &Path, layout: &Layout) -> Result<(), StoreError> {
    let place = Place::File(path.to_owned());
    let mut connection = connect(path, &place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut make = || {
        connection.pragma_update(None, "synchronous", "FULL")?;
        let transaction = connection.transaction()?;
        transaction.pragma_update(None, "application_id", application(layout))?;
        add(&transaction, layout, 0)?;
        transaction.commit()
    };
    make().map_err(|error| failed(&place, error))?;
    connection.close().map_err(|(_, error)| failed(&place, error))
}

/// Makes the tables of the versions above one.
fn add(transaction: &Transaction<'_>, layout: &Layout, above: u32) -> rusqlite::Result<()> {
    layout
        .tables(above, layout.version())
        .try_for_each(|table| transaction.execute_batch(&definition(table)))?;
    transaction.pragma_update(None, "user_version", layout.version())
}

/// Returns how a table is made, as SQLite keeps it.
fn definition(table: &str) -> String {
    format!("CREATE TABLE \"{table}\" (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID")
}

/// Opens a database that this program made, so that its commits are durable. Others may read meanwhile.
pub(super) fn open(path: &Path, layout: &Layout) -> Result<Connection, StoreError> {
    let place = Place::File(path.to_owned());
    let mut connection = connect(path, &place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse(path.to_owned()),
        _ => failed(&place, error),
    };
    if connection.is_readonly(MAIN_DB).map_err(failed)? {
        return Err(StoreError::ReadOnly(place.clone()));
    }
    let set = || {
        connection.busy_timeout(PATIENCE_TO_OPEN)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
        connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
        connection.pragma_update(None, "cache_size", CACHE_KIB.saturating_neg())?;
        // Damage is an error, rather than rows of something else.
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?;
        let synchronous = connection.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?;
        rusqlite::Result::Ok([("journal_mode", mode, "wal"), ("synchronous", synchronous.to_string(), "2")])
    };
    for (name, found, expected) in set().map_err(failed)? {
        if found != expected {
            return Err(StoreError::NotDurable { place: place.clone(), name, found, expected });
        }
    }
    let found = check(&connection, layout, &place, failed)?;
    if found < layout.version() {
        let mut migrate = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            add(&transaction, layout, found)?;
            transaction.commit()
        };
        migrate().map_err(failed)?;
    }
    if settle(&connection).map_err(failed)? {
        return Err(StoreError::InUse(path.to_owned()));
    }
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    Ok(connection)
}

/// Opens a database that this program made to read it, whoever writes to it meanwhile.
pub(super) fn open_to_read(path: &Path, layout: &Layout) -> Result<Connection, StoreError> {
    let place = Place::File(path.to_owned());
    let connection = connect(path, &place, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let failed = |error| failed(&place, error);
    let found = check(&connection, layout, &place, failed)?;
    if found < layout.version() {
        return Err(StoreError::Earlier { place: place.clone(), found, expected: layout.version() });
    }
    let set = || {
        connection.pragma_update(None, "cell_size_check", true)?;
        connection.pragma_update(None, "trusted_schema", false)
    };
    set().map_err(failed)?;
    Ok(connection)
}

/// Checks that the tables are those of a version of this program, and returns which.
fn check(
    connection: &Connection,
    layout: &Layout,
    place: &Place,
    failed: impl Fn(rusqlite::Error) -> StoreError,
) -> Result<u32, StoreError> {
    let damaged = |what| StoreError::Damaged { place: place.clone(), what };
    let found: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(&failed)?;
    let found = match u32::try_from(found) {
        Ok(found) if found > 0 => found,
        _ => return Err(damaged(format!("its version is {found}; must be at least 1"))),
    };
    let most = layout.version();
    if found > most {
        return Err(StoreError::Later { place: place.clone(), found, most });
    }
    let mut expected: Vec<_> = layout.tables(0, found).map(definition).collect();
    // SQLite's own tables are those of statistics.
    let sql = "SELECT coalesce(sql, name) FROM sqlite_schema WHERE name NOT GLOB 'sqlite_*'";
    let read = || connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect();
    let mut there: Vec<String> = rusqlite::Result::from(read()).map_err(&failed)?;
    expected.sort();
    there.sort();
    if there == expected {
        return Ok(found);
    }
    let odd = |one: &[String], other: &[String]| one.iter().find(|line| !other.contains(line)).cloned();
    let what = odd(&expected, &there).or_else(|| odd(&there, &expected)).unwrap_or_default();
    Err(damaged(format!("its tables are not as they were made, in {what:?}")))
}

/// Brings what the log has to the disk, and into the file. Where the process before was killed, or its sync
/// failed, a change set may be known to the system alone: nothing that is read leaves before the disk has it.
/// Returns whether somebody else kept it from that.
fn settle(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
}
