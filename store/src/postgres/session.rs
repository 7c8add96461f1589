//! One connection, as this program wants it: on a server that keeps what it commits.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{AsyncMessage, Client, NoTls, Row, Statement};

use super::PostgresOptions;
use super::tables::own;
use crate::error::{Place, StoreError};
use crate::schema::Layout;

/// PostgreSQL 13, the oldest that the tests know.
const LEAST_VERSION: i32 = 130_000;

/// No answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct Late(Duration);

/// The server warned while it committed.
#[derive(Debug, thiserror::Error)]
#[error("it warned: {0}")]
struct Warned(String);

/// Another backend answers than the one that was connected to: a proxy shares connections.
#[derive(Debug, thiserror::Error)]
#[error("another backend of PostgreSQL answers than before; a proxy must keep one for each connection")]
struct OtherBackend;

/// The task that reads and writes. It ends with its session, also where that is dropped while it connects.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection whose settings were checked.
pub(super) struct Session {
    pub(super) client: Client,
    driver: Driver,
    statements: HashMap<String, Statement>,
    /// What the server warned of.
    warning: Arc<Mutex<Option<String>>>,
    /// `on`, or `remote_apply` where the server has it so.
    synchronous_commit: &'static str,
    backend: i32,
    limit: Duration,
    place: Place,
}

/// What a transaction of a writer finds, and has locked until it ends.
pub(super) struct Locked {
    pub(super) version: i32,
    pub(super) term: i64,
}

impl Session {
    /// Connects. The session must be closed or abandoned afterwards.
    pub(super) async fn connect(options: &PostgresOptions, layout: &Layout) -> Result<Self, StoreError> {
        let limit = options.timeout;
        let mut config = options.connection.config.clone();
        if config.get_application_name().is_none() {
            config.application_name(layout.program());
        }
        let connected = timeout(limit, config.connect(NoTls)).await;
        let connected = connected.map_err(|_| StoreError::Connect(Box::new(Late(limit))))?;
        let (client, mut connection) = connected.map_err(|error| StoreError::Connect(Box::new(error)))?;
        let warning = Arc::new(Mutex::new(None));
        let noted = warning.clone();
        let driver = tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notice(notice) = message
                    && notice.parsed_severity() == Some(Severity::Warning)
                {
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(notice.to_string());
                }
            }
        });
        let mut session = Self {
            client,
            driver: Driver(driver),
            statements: HashMap::new(),
            warning,
            synchronous_commit: "on",
            backend: 0,
            limit,
            place: Place::Schema(layout.program()),
        };
        match session.prepare().await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.abandon().await;
                Err(error)
            }
        }
    }

    async fn prepare(&mut self) -> Result<(), StoreError> {
        let sql = "SELECT current_setting('server_version_num')::integer, pg_is_in_recovery(), \
                   current_setting('transaction_read_only')::boolean, pg_backend_pid(), current_setting('fsync'), \
                   current_setting('full_page_writes'), current_setting('zero_damaged_pages'), \
                   current_setting('ignore_checksum_failure'), current_setting('synchronous_commit')";
        let row = self.step(self.client.query_one(sql, &[])).await?;
        let version: i32 = self.column(&row, 0)?;
        if version < LEAST_VERSION {
            return Err(StoreError::TooOld { found: version, least: LEAST_VERSION });
        }
        if self.column(&row, 1)? || self.column(&row, 2)? {
            return Err(StoreError::ReadOnly(self.place.clone()));
        }
        self.backend = self.column(&row, 3)?;
        self.check("fsync", self.column(&row, 4)?, "on")?;
        self.check("full_page_writes", self.column(&row, 5)?, "on")?;
        // A row on a damaged page must be an error, not forgotten.
        self.check("zero_damaged_pages", self.column(&row, 6)?, "off")?;
        self.check("ignore_checksum_failure", self.column(&row, 7)?, "off")?;
        // It is stricter than `on`, so that it stays.
        if self.column::<String>(&row, 8)? == "remote_apply" {
            self.synchronous_commit = "remote_apply";
        }
        self.set().await
    }

    /// Sets what holds for the session.
    async fn set(&self) -> Result<(), StoreError> {
        // The server gives up before we do, so that we hear of it.
        let [lock, statement, idle] = [2, 3, 4].map(|number| quarters(self.limit, number));
        let synchronous_commit = self.synchronous_commit;
        // Rows are looked up by their key, however little the server knows of the tables' sizes.
        let sql = format!(
            "SET search_path = pg_catalog, pg_temp; SET synchronous_commit = {synchronous_commit};
             SET statement_timeout = {statement}; SET lock_timeout = {lock};
             SET idle_in_transaction_session_timeout = {idle};
             SET enable_seqscan = off; SET enable_bitmapscan = off; SET jit = off;
             SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
        );
        self.step(self.client.batch_execute(&sql)).await?;
        // A client that died lets go of its locks, also in the middle of a statement; one that is idle keeps
        // its own. PostgreSQL 13 has neither, and on some systems the first cannot be set.
        let check = "SELECT set_config(name, CASE name WHEN 'idle_session_timeout' THEN '0' ELSE '1000' END, false) \
                     FROM pg_settings WHERE name IN ('client_connection_check_interval', 'idle_session_timeout')";
        match timeout(self.limit, self.client.batch_execute(check)).await {
            Ok(Err(error)) if error.code() != Some(&SqlState::INVALID_PARAMETER_VALUE) => {
                Err(self.failed(error))
            }
            done => done.map(|_| ()).map_err(|_| self.late()),
        }
    }

    /// Refuses a setting that has another value.
    fn check(&self, name: &'static str, found: String, expected: &'static str) -> Result<(), StoreError> {
        let place = self.place.clone();
        if found == expected { Ok(()) } else { Err(StoreError::NotDurable { place, name, found, expected }) }
    }

    fn late(&self) -> StoreError {
        StoreError::TimedOut { place: self.place.clone(), limit: self.limit }
    }

    fn failed(&self, error: tokio_postgres::Error) -> StoreError {
        let place = self.place.clone();
        match error.code() {
            Some(&(SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED)) => StoreError::Damaged {
                place,
                what: error.as_db_error().map_or("", |it| it.message()).to_owned(),
            },
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => StoreError::ReadOnly(place),
            _ => StoreError::Failed { place, cause: Box::new(error) },
        }
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { place: self.place.clone(), what: what.into() }
    }

    /// Waits for an answer, within the limit.
    pub(super) async fn step<T>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, StoreError> {
        match timeout(self.limit, work).await {
            Ok(done) => done.map_err(|error| self.failed(error)),
            Err(_) => Err(self.late()),
        }
    }

    /// Runs SQL without parameters, one statement or several.
    pub(super) async fn run(&self, sql: &str) -> Result<(), StoreError> {
        self.step(self.client.batch_execute(sql)).await
    }

    /// Returns a statement, which is prepared once.
    pub(super) async fn statement(&mut self, sql: &str) -> Result<Statement, StoreError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.step(self.client.prepare(sql)).await?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Reads a column.
    pub(super) fn column<'a, T: tokio_postgres::types::FromSql<'a>>(
        &self,
        row: &'a Row,
        number: usize,
    ) -> Result<T, StoreError> {
        row.try_get(number).map_err(|error| self.failed(error))
    }

    /// Begins a transaction, in which nobody else leads or writes, on a server that keeps what it commits:
    /// one that is reloaded may have other settings than at the start.
    pub(super) async fn begin(&mut self, layout: &Layout) -> Result<Locked, StoreError> {
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL synchronous_commit = {}",
            self.synchronous_commit
        );
        self.run(&begin).await?;
        let lock = format!(
            "SELECT version, term, pg_backend_pid(), pg_is_in_recovery(), current_setting('synchronous_commit'), \
             current_setting('fsync'), current_setting('full_page_writes') FROM {} FOR UPDATE",
            own(layout)
        );
        let lock = self.statement(&lock).await?;
        let rows = self.step(self.client.query(&lock, &[])).await?;
        let [row] = rows.as_slice() else { return Err(self.damaged("its table _store has not one row")) };
        if self.column::<i32>(row, 2)? != self.backend {
            return Err(StoreError::Connect(Box::new(OtherBackend)));
        }
        if self.column(row, 3)? {
            return Err(StoreError::ReadOnly(self.place.clone()));
        }
        self.check("synchronous_commit", self.column(row, 4)?, self.synchronous_commit)?;
        self.check("fsync", self.column(row, 5)?, "on")?;
        self.check("full_page_writes", self.column(row, 6)?, "on")?;
        Ok(Locked { version: self.column(row, 0)?, term: self.column(row, 1)? })
    }

    /// Commits the transaction. It is committed only when the server says so in time, and warns of nothing:
    /// it warns when it is told not to wait for its standbys any more.
    pub(super) async fn commit(&self) -> Result<(), StoreError> {
        // A commit that waits for a standby must not be told to wait no longer: it would be made.
        self.run("SET LOCAL statement_timeout = 0").await?;
        let warning = || self.warning.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _earlier = warning();
        let unknown = |cause| StoreError::Unknown { place: self.place.clone(), cause };
        match timeout(self.limit, self.client.batch_execute("COMMIT")).await {
            Err(_) => Err(unknown(Box::new(Late(self.limit)))),
            Ok(Err(error)) => Err(unknown(Box::new(error))),
            Ok(Ok(())) => warning().map_or(Ok(()), |warning| Err(unknown(Box::new(Warned(warning))))),
        }
    }

    /// Ends whatever transaction is open, and returns whether none is: then the session can be used further.
    pub(super) async fn roll_back(&self) -> bool {
        self.run("ROLLBACK").await.is_ok()
    }

    /// Closes the connection at once, whatever it does.
    pub(super) async fn abandon(mut self) {
        self.driver.0.abort();
        let _ended = (&mut self.driver.0).await;
    }

    /// Lets go of its locks, says goodbye, and closes the connection.
    pub(super) async fn close(self) {
        const PATIENCE: Duration = Duration::from_secs(1);
        let Self { client, mut driver, .. } = self;
        let _unlocked = timeout(PATIENCE, client.batch_execute("SELECT pg_advisory_unlock_all()")).await;
        drop(client);
        let _late = timeout(PATIENCE, &mut driver.0).await;
    }
}

/// Returns some quarters of a time limit, in milliseconds; never 0, which the server takes for no limit.
fn quarters(limit: Duration, number: u128) -> u128 {
    let quarters = limit.as_millis().saturating_mul(number) / 4;
    quarters.clamp(1, i32::MAX.unsigned_abs().into())
}
