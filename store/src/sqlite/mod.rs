//! A store in an SQLite file, on one machine, for one process that writes and any number that read.
//!
//! Beside the database `FILE` is `FILE.lock`, which keeps a second writer out. (A lock on the database file
//! itself would not meet SQLite's, and closing the file would drop those.)

mod files;
mod tables;

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Params, Row, TransactionBehavior, params};

use self::files::Locked;
use crate::changes::{self, ChangeSet};
use crate::error::{Place, StoreError};
use crate::schema::{Layout, Schema};
use crate::store::{Each, Store, prefix_end};

/// A store in an SQLite file. Whoever has opened it to write leads, as nobody else can.
#[derive(Debug)]
pub struct SqliteStore {
    /// None once a failure left open what is written.
    connection: Option<Connection>,
    layout: Layout,
    place: Place,
    /// Held as long as the store is open to be written, and let go after the connection.
    lock: Option<Locked>,
}

impl SqliteStore {
    /// Opens a store, and makes it where there is no file. The file can be read by its owner alone.
    ///
    /// What another process left when it was killed is brought to the disk before this returns.
    ///
    /// # Errors
    /// [`StoreError`]: another process has it open; the file is something else, of another or of a later
    /// program, damaged, or cannot be written.
    pub fn open(path: impl AsRef<Path>, schema: &Schema) -> Result<Self, StoreError> {
        let layout = Layout::new(schema)?;
        let path = files::real_path(path.as_ref())?;
        let lock = files::lock(&path)?;
        if !files::look(&path, &layout)? {
            files::create(&path, &layout)?;
        }
        // Also where the process before was killed in between.
        files::sync_folder(&path)?;
        let connection = tables::open(&path, &layout)?;
        Ok(Self { connection: Some(connection), layout, place: Place::File(path), lock: Some(lock) })
    }

    /// Opens a store that is there to read it, also while another process writes to it: it never leads, and
    /// applies nothing. A scan has the rows of one moment; several may be of different ones.
    ///
    /// # Errors
    /// [`StoreError`]: there is no file; it is something else, of another, an earlier or a later program,
    /// damaged, or cannot be read.
    pub fn open_to_read(path: impl AsRef<Path>, schema: &Schema) -> Result<Self, StoreError> {
        let layout = Layout::new(schema)?;
        let path = files::real_path(path.as_ref())?;
        if !files::look(&path, &layout)? {
            return Err(StoreError::File { path, cause: std::io::ErrorKind::NotFound.into() });
        }
        let connection = tables::open_to_read(&path, &layout)?;
        Ok(Self { connection: Some(connection), layout, place: Place::File(path), lock: None })
    }

    fn connection(&mut self) -> Result<&mut Connection, StoreError> {
        self.connection.as_mut().ok_or_else(|| StoreError::Lost(self.place.clone()))
    }

    /// Reads one row.
    fn row<T>(
        &mut self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let place = self.place.clone();
        let connection = self.connection()?;
        let row =
            connection.prepare_cached(sql).and_then(|mut select| select.query_row(params, read).optional());
        row.map_err(|error| failed(&place, error))
    }

    /// Sets the number of a pragma.
    #[cfg(test)]
    pub(crate) fn set_pragma(&mut self, name: &str, number: u32) {
        self.connection().unwrap().pragma_update(None, name, number).unwrap();
    }

    /// Returns the number of a pragma.
    #[cfg(test)]
    pub(crate) fn pragma(&mut self, name: &str) -> i64 {
        self.connection().unwrap().pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }
}

/// A failure of SQLite, which has rolled back or will.
fn failed(place: &Place, error: rusqlite::Error) -> StoreError {
    let place = place.clone();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { place, what: error.to_string() }
        }
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly(place),
        _ => StoreError::Failed { place, cause: Box::new(error) },
    }
}

/// A failure of SQLite while it committed. A disk that is full had no room for the end of the log, so that
/// nothing counts; after others the end may be there, though it was not synced.
fn uncommitted(place: &Place, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => failed(place, error),
        _ => StoreError::Unknown { place: place.clone(), cause: Box::new(error) },
    }
}

/// Writes the rows of a table.
fn write<'a>(
    connection: &Connection,
    table: &str,
    rows: impl Iterator<Item = changes::Row<'a>>,
) -> rusqlite::Result<()> {
    let mut put =
        connection.prepare_cached(&format!("INSERT OR REPLACE INTO \"{table}\" VALUES (?1, ?2)"))?;
    let mut delete = connection.prepare_cached(&format!("DELETE FROM \"{table}\" WHERE key = ?1"))?;
    for (key, value) in rows {
        match value {
            Some(value) => put.execute(params![key, value])?,
            None => delete.execute(params![key])?,
        };
    }
    Ok(())
}

impl Store for SqliteStore {
    fn try_lead(&mut self) -> Result<bool, StoreError> {
        self.connection()?;
        Ok(self.lock.is_some())
    }

    fn apply(&mut self, changes: &ChangeSet) -> Result<(), StoreError> {
        self.layout.check(changes)?;
        let place = self.place.clone();
        if self.lock.is_none() {
            return Err(StoreError::ReadOnly(place));
        }
        let connection = self.connection()?;
        if changes.is_empty() {
            return Ok(());
        }
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| failed(&place, error))?;
        let written = changes.tables().try_for_each(|(table, rows)| write(&transaction, table, rows));
        let done = match written {
            Ok(()) => transaction.commit().map_err(|error| uncommitted(&place, error)),
            Err(error) => {
                // SQLite may have done it already, and says so then.
                let _rolled_back = transaction.rollback();
                Err(failed(&place, error))
            }
        };
        // What cannot be rolled back must not become a part of the next change set.
        if matches!(done, Err(StoreError::Unknown { .. })) || !connection.is_autocommit() {
            self.connection = None;
        }
        done
    }

    fn get(&mut self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.layout.table(table)?;
        let sql = format!("SELECT value FROM \"{table}\" WHERE key = ?1");
        self.row(&sql, params![key], |row| row.get(0))
    }

    fn scan(&mut self, table: &str, prefix: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        let table = self.layout.table(table)?;
        let place = self.place.clone();
        let connection = self.connection()?;
        let end = prefix_end(prefix);
        let below = if end.is_some() { "AND key < ?2" } else { "AND ?2 IS NULL" };
        let sql = format!("SELECT key, value FROM \"{table}\" WHERE key >= ?1 {below} ORDER BY key");
        let mut scan = || {
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(params![prefix, end])?;
            while let Some(row) = rows.next()? {
                let (key, value) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
                if each(key, value).is_break() {
                    break;
                }
            }
            Ok(())
        };
        scan().map_err(|error| failed(&place, error))
    }

    fn count(&mut self, table: &str) -> Result<u64, StoreError> {
        let table = self.layout.table(table)?;
        let count = self.row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get::<_, i64>(0))?;
        Ok(count.and_then(|count| count.try_into().ok()).unwrap_or_default())
    }
}
