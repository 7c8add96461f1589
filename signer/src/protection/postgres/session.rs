//! One connection, as this program wants it: on a server that keeps what it commits, alone or shared.

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::{AsyncMessage, Client, NoTls, Statement};

use super::error::{PostgresError, PostgresFailure, Warned, failed};
use super::{PostgresMode, PostgresOptions, schema};
use crate::protection::store::StoreError;

/// PostgreSQL 13: it makes random ids by itself.
const LEAST_VERSION: i32 = 130_000;
/// The first number of our advisory locks: "btcs".
const LOCK_CLASS: i32 = 0x6274_6373;

/// The statements of a transaction.
pub(super) struct Statements {
    pub(super) lock_store: Statement,
    pub(super) lock_lanes: Statement,
    pub(super) earlier: Statement,
    pub(super) insert: Statement,
    pub(super) fill: Statement,
    pub(super) write_lanes: Statement,
    pub(super) bump: Statement,
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, StoreError> {
        let (lock_store, lock_lanes, earlier, insert, fill, write_lanes, bump) = tokio::try_join!(
            // What is set is read in every transaction: a server that is reloaded may have changed it.
            client.prepare(
                "SELECT id, generation, pg_backend_pid(), pg_is_in_recovery(), \
                 current_setting('synchronous_commit'), current_setting('fsync'), \
                 current_setting('full_page_writes') FROM store FOR UPDATE"
            ),
            client.prepare(
                "SELECT public_key, chain_id, low, high, highest FROM lane WHERE (public_key, chain_id) IN \
                 (SELECT * FROM unnest($1::bytea[], $2::bytea[])) ORDER BY public_key, chain_id FOR UPDATE OF lane"
            ),
            client.prepare(
                "SELECT public_key, chain_id, height, message, signature FROM \
                 unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS asked (public_key, chain_id, height) \
                 JOIN record USING (public_key, chain_id, height)"
            ),
            client.prepare(
                "INSERT INTO record (public_key, chain_id, height, message, signature) \
                 SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[]) \
                 ON CONFLICT DO NOTHING RETURNING true"
            ),
            client.prepare(
                "UPDATE record SET signature = new.signature FROM \
                 unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[]) \
                 AS new (public_key, chain_id, height, message, signature) \
                 WHERE record.public_key = new.public_key AND record.chain_id = new.chain_id \
                 AND record.height = new.height AND record.message = new.message AND record.signature IS NULL"
            ),
            client.prepare(
                "UPDATE lane SET low = new.low, high = new.high, highest = new.highest FROM \
                 unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[]) \
                 AS new (public_key, chain_id, low, high, highest) \
                 WHERE lane.public_key = new.public_key AND lane.chain_id = new.chain_id"
            ),
            client.prepare("UPDATE store SET generation = $1 WHERE generation = $2"),
        )
        .map_err(failed)?;
        Ok(Self { lock_store, lock_lanes, earlier, insert, fill, write_lanes, bump })
    }
}

/// The task that reads and writes. It ends with its session, also where that is dropped while it connects.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A connection whose settings were checked, and which holds its advisory lock.
pub(super) struct Session {
    pub(super) client: Client,
    /// `None` until there are tables.
    statements: Option<Statements>,
    driver: Driver,
    /// What the server warned of.
    warning: Arc<Mutex<Option<String>>>,
    /// `on`, or `remote_apply` where the server has it so.
    pub(super) synchronous_commit: &'static str,
    pub(super) backend: i32,
    /// Whether nobody knows any more if the transaction is recorded.
    pub(super) is_committing: Cell<bool>,
}

impl Session {
    /// Connects, and locks the schema. It must be closed or abandoned afterwards.
    pub(super) async fn connect(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let mut config = options.connection.config.clone();
        if config.get_application_name().is_none() {
            config.application_name("btcstake-signer");
        }
        let connected = config.connect(NoTls).await;
        let (client, mut connection) = connected.map_err(|error| PostgresError::Connect(Box::new(error)))?;
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
            statements: None,
            driver: Driver(driver),
            warning,
            synchronous_commit: "on",
            backend: 0,
            is_committing: Cell::new(false),
        };
        match session.prepare(options).await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.abandon().await;
                Err(error)
            }
        }
    }

    async fn prepare(&mut self, options: &PostgresOptions) -> Result<(), PostgresError> {
        let row = self
            .client
            .query_one(
                "SELECT current_setting('server_version_num')::integer, pg_is_in_recovery(), \
                 current_setting('transaction_read_only')::boolean, current_setting('fsync'), \
                 current_setting('full_page_writes'), current_setting('synchronous_commit'), pg_backend_pid(), \
                 current_setting('zero_damaged_pages'), current_setting('ignore_checksum_failure')",
                &[],
            )
            .await
            .map_err(failed)?;
        let version: i32 = row.try_get(0).map_err(failed)?;
        if version < LEAST_VERSION {
            return Err(PostgresError::TooOld { found: version, least: LEAST_VERSION });
        }
        if row.try_get(1).map_err(failed)? || row.try_get(2).map_err(failed)? {
            return Err(PostgresError::ReadOnly);
        }
        check("fsync", row.try_get(3).map_err(failed)?, "on")?;
        check("full_page_writes", row.try_get(4).map_err(failed)?, "on")?;
        // A record on a damaged page must be an error, not forgotten.
        check("zero_damaged_pages", row.try_get(7).map_err(failed)?, "off")?;
        check("ignore_checksum_failure", row.try_get(8).map_err(failed)?, "off")?;
        // It is stricter than `on`, so that it stays.
        let found: String = row.try_get(5).map_err(failed)?;
        if found == "remote_apply" {
            self.synchronous_commit = "remote_apply";
        }
        self.backend = row.try_get(6).map_err(failed)?;
        self.set(options).await?;
        self.lock(options).await
    }

    /// Sets what holds for the session.
    async fn set(&self, options: &PostgresOptions) -> Result<(), PostgresError> {
        let PostgresOptions { schema, timeout, .. } = options;
        // The server gives up before we do, so that we hear of it.
        let (lock, statement, idle) = (quarters(*timeout, 2), quarters(*timeout, 3), quarters(*timeout, 4));
        let synchronous_commit = self.synchronous_commit;
        // Records are looked up by their key, however little the server knows of the tables' sizes.
        let sql = format!(
            "SET search_path = {schema}, pg_temp; SET synchronous_commit = {synchronous_commit};
             SET statement_timeout = {statement}; SET lock_timeout = {lock};
             SET idle_in_transaction_session_timeout = {idle};
             SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
             SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;"
        );
        self.client.batch_execute(&sql).await.map_err(failed)?;
        // A client that died lets go of its locks, also in the middle of a statement; one that is idle keeps
        // its own. PostgreSQL 13 has neither, and on some systems the first cannot be set.
        let check = "SELECT set_config(name, CASE name WHEN 'idle_session_timeout' THEN '0' ELSE '1000' END, false) \
                     FROM pg_settings WHERE name IN ('client_connection_check_interval', 'idle_session_timeout')";
        match self.client.batch_execute(check).await {
            Err(error) if error.code() != Some(&SqlState::INVALID_PARAMETER_VALUE) => {
                Err(failed(error).into())
            }
            _ => Ok(()),
        }
    }

    /// Locks the schema for this session: for it alone, or together with others that share it. It waits a
    /// little, as the session of a signer that died may still be there.
    async fn lock(&self, options: &PostgresOptions) -> Result<(), PostgresError> {
        let sql = match options.mode {
            PostgresMode::Exclusive => "SELECT pg_advisory_lock($1, $2)",
            PostgresMode::Shared => "SELECT pg_advisory_lock_shared($1, $2)",
        };
        let hash = Sha256::digest(&options.schema);
        let number = hash.first_chunk().map_or(0, |bytes| i32::from_be_bytes(*bytes));
        match self.client.execute(sql, &[&LOCK_CLASS, &number]).await {
            Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Err(PostgresError::InUse),
            done => Ok(done.map(|_| ()).map_err(failed)?),
        }
    }

    /// Brings the tables to the present version, and makes them where `create` says so. Returns whether they
    /// are there.
    pub(super) async fn migrate(&mut self, schema: &str, create: bool) -> Result<bool, PostgresError> {
        let is_there = schema::migrate(&self.client, schema, create).await?;
        if is_there {
            self.statements = Some(Statements::prepare(&self.client).await?);
        }
        Ok(is_there)
    }

    pub(super) fn statements(&self) -> Result<&Statements, StoreError> {
        self.statements.as_ref().ok_or(StoreError::Closed)
    }

    /// Commits the transaction. It is committed only when the server says so and warns of nothing: it warns
    /// when it is told not to wait for its standbys any more.
    pub(super) async fn commit(&self) -> Result<(), StoreError> {
        let warning = || self.warning.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _earlier = warning();
        self.is_committing.set(true);
        let unconfirmed = |cause| StoreError::from(PostgresFailure::Unconfirmed(cause));
        self.client.batch_execute("COMMIT").await.map_err(|error| unconfirmed(Box::new(error)))?;
        match warning() {
            Some(warning) => Err(unconfirmed(Box::new(Warned(warning)))),
            None => Ok(()),
        }
    }

    /// Closes the connection at once, whatever it does.
    pub(super) async fn abandon(mut self) {
        self.driver.0.abort();
        let _ended = (&mut self.driver.0).await;
    }

    /// Says goodbye, and closes the connection.
    pub(super) async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        let _late = tokio::time::timeout(Duration::from_secs(1), &mut driver.0).await;
    }
}

/// Refuses a setting that has another value.
pub(super) fn check(name: &'static str, found: String, expected: &'static str) -> Result<(), PostgresError> {
    if found == expected { Ok(()) } else { Err(PostgresError::Unsafe { name, found, expected }) }
}

/// Returns some quarters of a time limit, in milliseconds; never 0, which the server takes for no limit.
fn quarters(limit: Duration, number: u128) -> u128 {
    let quarters = limit.as_millis().saturating_mul(number) / 4;
    quarters.clamp(1, i32::MAX.unsigned_abs().into())
}
