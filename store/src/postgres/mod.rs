//! A store in PostgreSQL, for several programs on one or more hosts, of which one leads.
//!
//! The one that leads has a lock that ends with its connection, and a *term*, a number that is raised
//! whenever the lead is taken. Every change set is written in one transaction, which first locks the row with
//! the term and compares it: so a program whose lead was taken writes nothing more, whatever it believes.
//!
//! A connection on which an answer failed to come is given up. When it was the answer to a commit, nobody
//! knows whether it was made: the error says so. Whoever comes to lead afterwards finds it decided.

mod connection;
mod database;
mod rows;
mod session;
mod tables;
mod worker;

use std::sync::mpsc;
use std::time::Duration;

pub use self::connection::PostgresConnection;
use self::database::Database;
use self::worker::Worker;
use crate::changes::ChangeSet;
use crate::error::StoreError;
use crate::schema::{Layout, Schema};
use crate::store::{Each, Store};

/// How a store in PostgreSQL is used.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Where the server is.
    pub connection: PostgresConnection,
    /// How long a connection, and each answer, may take; 10 seconds unless said otherwise.
    pub timeout: Duration,
}

impl PostgresOptions {
    /// Returns the options for a server.
    pub const fn new(connection: PostgresConnection) -> Self {
        Self { connection, timeout: Duration::from_secs(10) }
    }
}

/// A store in PostgreSQL, in the schema of the program's name. It stands by until it
/// [leads](Store::try_lead); one that stands by makes its connection again when it was lost. Dropping it ends
/// its lead.
pub struct PostgresStore {
    worker: Worker,
    layout: Layout,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("PostgresStore").field(&self.layout.program()).finish()
    }
}

impl PostgresStore {
    /// Opens a store, and makes its tables where there are none. The server must keep what it commits.
    ///
    /// An earlier version's tables are brought to the present one. Who leads with the earlier version is
    /// refused with [`StoreError::Later`] from then on.
    ///
    /// # Errors
    /// [`StoreError`]: no connection; unsafe settings; the schema has something else, is of a later program,
    /// or damaged.
    pub fn open(options: &PostgresOptions, schema: &Schema) -> Result<Self, StoreError> {
        let layout = Layout::new(schema)?;
        let worker = Worker::start(Database::new(options.clone(), layout))?;
        Ok(Self { worker, layout })
    }

    /// Runs SQL on the connection.
    #[cfg(test)]
    pub(crate) fn run(&self, sql: &'static str) -> Result<(), StoreError> {
        self.worker.run(|runtime, database| runtime.block_on(database.run(sql)))
    }

    /// Returns a setting of the connection.
    #[cfg(test)]
    pub(crate) fn setting(&self, name: &'static str) -> Result<String, StoreError> {
        self.worker.run(|runtime, database| runtime.block_on(database.setting(name)))
    }
}

impl Store for PostgresStore {
    fn try_lead(&mut self) -> Result<bool, StoreError> {
        self.worker.run(|runtime, database| runtime.block_on(database.try_lead()))
    }

    fn apply(&mut self, changes: &ChangeSet) -> Result<(), StoreError> {
        self.layout.check(changes)?;
        let changes = changes.clone();
        self.worker.run(move |runtime, database| runtime.block_on(database.apply(&changes)))
    }

    fn get(&mut self, table: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let (table, key) = (self.layout.table(table)?, key.to_vec());
        self.worker.run(move |runtime, database| runtime.block_on(database.get(table, &key)))
    }

    fn scan(&mut self, table: &str, prefix: &[u8], each: &mut Each<'_>) -> Result<(), StoreError> {
        let (table, prefix) = (self.layout.table(table)?, prefix.to_vec());
        let (sender, rows) = mpsc::sync_channel(2);
        let result =
            self.worker.ask(move |runtime, database| runtime.block_on(database.scan(table, prefix, sender)));
        let _ended = rows.iter().flatten().try_for_each(|(key, value)| each(&key, &value));
        // The thread must not wait for somebody who wants no more.
        drop(rows);
        self.worker.wait(&result)
    }

    fn count(&mut self, table: &str) -> Result<u64, StoreError> {
        let table = self.layout.table(table)?;
        self.worker.run(move |runtime, database| runtime.block_on(database.count(table)))
    }
}
