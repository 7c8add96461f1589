//! The tables, and how an older version of them becomes the present one.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// What `PRAGMA application_id` says: "btcs".
const APPLICATION_ID: i32 = 0x6274_6373;

/// The steps from version to version, `PRAGMA user_version`; the first makes an empty file version 1.
///
/// Heights are 8 bytes, big-endian: they sort as numbers, and SQLite's own integers end at 2^63.
const STEPS: [&str; 1] = ["
    CREATE TABLE store (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id BLOB NOT NULL CHECK (length(id) = 16),
        generation INTEGER NOT NULL CHECK (generation >= 0),
        is_backup INTEGER NOT NULL DEFAULT 0 CHECK (is_backup IN (0, 1))
    ) STRICT;
    CREATE TABLE lane (
        number INTEGER PRIMARY KEY,
        public_key BLOB NOT NULL CHECK (length(public_key) = 32),
        chain_id BLOB NOT NULL,
        low BLOB CHECK (length(low) = 8),
        high BLOB CHECK (length(high) = 8),
        UNIQUE (public_key, chain_id)
    ) STRICT;
    CREATE TABLE record (
        lane INTEGER NOT NULL REFERENCES lane (number),
        height BLOB NOT NULL CHECK (length(height) = 8),
        message BLOB NOT NULL,
        signature BLOB CHECK (length(signature) = 32),
        PRIMARY KEY (lane, height)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE committed (
        lane INTEGER NOT NULL REFERENCES lane (number),
        first BLOB NOT NULL CHECK (length(first) = 8),
        last BLOB NOT NULL CHECK (length(last) = 8),
        PRIMARY KEY (lane, first)
    ) STRICT, WITHOUT ROWID;
"];

/// The present version.
#[cfg(test)]
pub(crate) const VERSION: usize = STEPS.len();

/// What the file says that it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A signing database, of the present version after this.
    Store,
    /// An empty file.
    Empty,
    /// Something else, or a version that a later program wrote.
    Other(String),
}

fn number(connection: &Connection, pragma: &str) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, pragma, |row| row.get(0))
}

/// Brings the tables to the present version, all steps or none.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Found> {
    let (application, version) = (number(connection, "application_id")?, number(connection, "user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if (application, version, tables) == (0, 0, 0) {
        return Ok(Found::Empty);
    }
    if application != i64::from(APPLICATION_ID) {
        return Ok(Found::Other("it is a database of another program".to_owned()));
    }
    let Some(rest) = usize::try_from(version).ok().and_then(|version| STEPS.get(version..)) else {
        let rule = format!("its version is {version}; must be at most {}", STEPS.len());
        return Ok(Found::Other(rule));
    };
    if !rest.is_empty() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        run(&transaction, rest)?;
        // As every transaction, for the check of the log.
        transaction.execute("UPDATE store SET generation = generation + 1", [])?;
        transaction.commit()?;
    }
    Ok(Found::Store)
}

/// Makes the tables in an empty file.
pub(super) fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    run(transaction, &STEPS)
}

fn run(transaction: &Transaction<'_>, steps: &[&str]) -> rusqlite::Result<()> {
    for step in steps {
        transaction.execute_batch(step)?;
    }
    // Few enough for any number.
    transaction.pragma_update(None, "user_version", i64::try_from(STEPS.len()).unwrap_or(i64::MAX))
}
