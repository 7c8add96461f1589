//! A store in PostgreSQL, for one signer or for several that share a provider's key.
//!
//! One thread owns one connection, and commits all requests that wait together. In one transaction for each
//! group it locks the store's row and the lanes' rows, reads the earlier records, decides, has the votes
//! signed, inserts and commits; then it answers. The unique key of key, chain and height is the last line: a
//! row that is there although its lane was locked is an error, and nothing leaves.
//!
//! A connection on which anything failed or took too long is given up and made again. When the commit itself
//! was not answered, nobody knows whether it was made: that is an error which says so, and the same request
//! again waits for the lock of the old transaction and tells.
//!
//! A *guard* on each host remembers what it saw of the database, so that an old copy or a standby that lacked
//! commits is refused: at the start, when the connection is made again, and in every transaction.

mod changes;
mod connection;
mod database;
mod error;
mod rows;
mod schema;
mod session;
mod transaction;

use std::path::PathBuf;
use std::time::Duration;

use finality::ConsumerHeight;

pub use self::connection::PostgresConnection;
use self::database::Database;
pub use self::error::{PostgresError, PostgresFailure};
use self::transaction::Expected;
use super::guard::Guard;
use super::lock::{Locked, with_ending};
use super::rules::check_first;
use super::store::{ChangeKind, Changed, LaneChange, Reply, Store, StoreError};
use super::types::{FirstHeight, Lane, LaneState, Outcome, SigningRecord, VoteRequest};
use super::worker::{Handle, StartError};

/// Whether a signer has the database for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresMode {
    /// One signer alone; a second one does not start.
    Exclusive,
    /// Several signers serve, and one wins a height.
    Shared,
}

/// How a store in PostgreSQL is used.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Where the server is.
    pub connection: PostgresConnection,
    /// The schema that has the tables; `btcstake_signer` unless said otherwise.
    pub schema: String,
    /// The guard against an old copy of the database: a file on this host, for this signer alone.
    pub guard: PathBuf,
    /// Whether other signers use the database too.
    pub mode: PostgresMode,
    /// How long a request, and how long a connection, may take; 10 seconds unless said otherwise.
    pub timeout: Duration,
}

impl PostgresOptions {
    /// Returns the options of a signer that has the database for itself.
    pub fn new(connection: PostgresConnection, guard: impl Into<PathBuf>) -> Self {
        Self {
            connection,
            schema: "btcstake_signer".to_owned(),
            guard: guard.into(),
            mode: PostgresMode::Exclusive,
            timeout: Duration::from_secs(10),
        }
    }

    /// Refuses a name that would have to be escaped.
    fn check(&self) -> Result<(), PostgresError> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let name = &self.schema;
        if (1..=63).contains(&name.len())
            && name.bytes().all(is_plain)
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && !name.starts_with("pg_")
        {
            return Ok(());
        }
        Err(PostgresError::SchemaName(name.clone()))
    }

    /// Keeps the guard from a second process.
    fn lock(&self) -> Result<Locked, PostgresError> {
        let path = with_ending(&self.guard, ".lock");
        match Locked::empty(&path) {
            Ok(Some(file)) => Ok(file),
            Ok(None) => Err(PostgresError::GuardInUse(self.guard.clone())),
            Err(cause) => Err(PostgresError::File { path, cause }),
        }
    }
}

/// A store in PostgreSQL. Closing it (dropping it) finishes what was asked for.
pub struct PostgresStore {
    handle: Handle<Database>,
    /// Held as long as the store is open.
    _lock: Locked,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresStore")
    }
}

impl PostgresStore {
    /// Opens a store, which must be there, and newer than or as new as its guard knows. The server must keep
    /// what it commits.
    ///
    /// # Errors
    /// [`PostgresError`]: no connection; unsafe settings; another signer; the database or the guard is
    /// missing, older than the other, or of another store. [`initialise`](Self::initialise) is the explicit
    /// way on.
    pub fn open(options: &PostgresOptions) -> Result<Self, PostgresError> {
        Self::start(options, |options| {
            let guard = Guard::open_alone(&options.guard)?;
            let (schema, path) = (options.schema.clone(), options.guard.clone());
            let (database, summary) = Database::connect(options, false)?;
            let (summary, mut guard) = match (summary, guard) {
                (Some(summary), Some(guard)) => (summary, guard),
                (Some(_), None) => return Err(PostgresError::GuardAbsent(path)),
                (None, Some(_)) => return Err(PostgresError::DatabaseAbsent(schema)),
                (None, None) => return Err(PostgresError::Absent(schema)),
            };
            summary.check(&guard)?;
            guard.advance(summary.generation, &summary.highest())?;
            guard.sync()?;
            Ok((database, guard))
        })
    }

    /// Makes a store, or takes over one that [`open`](Self::open) refuses: an old copy, a standby that was
    /// promoted, or one whose guard is lost. Whoever does this says below which height nothing is signed, for
    /// each lane: above every vote that was ever made. Of a database that is taken over every lane must be
    /// named: votes of each may be forgotten.
    ///
    /// # Errors
    /// [`PostgresError`]: as for [`open`](Self::open); a first height is at or below what the guard or the
    /// database knows to be signed; a lane of a database that is taken over is not named.
    pub fn initialise(options: &PostgresOptions, first: &[FirstHeight]) -> Result<Self, PostgresError> {
        let first = first.to_vec();
        Self::start(options, move |options| {
            let (guard, path) = (Guard::open_alone(&options.guard)?, options.guard.clone());
            let schema = options.schema.clone();
            let (mut database, summary) = Database::connect(options, true)?;
            let summary = summary.ok_or(PostgresError::DatabaseAbsent(schema))?;
            let is_sound = guard.as_ref().is_some_and(|guard| summary.check(guard).is_ok());
            let lanes: Vec<_> = summary.lanes.iter().map(|(lane, highest)| (lane, *highest)).collect();
            check_first(&first, &lanes, guard.as_ref(), is_sound)?;
            let register = first
                .into_iter()
                .map(|FirstHeight { lane, height }| LaneChange { lane, kind: ChangeKind::Register(height) });
            database.change(Expected::Anything, &register.collect::<Vec<_>>())?;
            let mut guard = match guard {
                Some(mut guard) => {
                    if guard.id() != summary.id {
                        guard.adopt(summary.id)?;
                    }
                    guard
                }
                None => Guard::create(&path, summary.id)?,
            };
            database.reach_generation(guard.generation())?;
            let summary = database.summary(Expected::Anything)?;
            guard.advance(summary.generation, &summary.highest())?;
            guard.sync()?;
            Ok((database, guard))
        })
    }

    /// Returns a setting of the session.
    #[cfg(test)]
    pub(crate) fn setting(&self, name: &'static str) -> Result<String, StoreError> {
        self.handle.read(move |database, guard| database.setting(guard, name))
    }

    fn start(
        options: &PostgresOptions,
        open: impl FnOnce(PostgresOptions) -> Result<(Database, Guard), PostgresError> + Send + 'static,
    ) -> Result<Self, PostgresError> {
        options.check()?;
        let lock = options.lock()?;
        let options = options.clone();
        let handle = Handle::start(move || open(options)).map_err(|error| match error {
            StartError::Thread(cause) => PostgresError::Thread(cause),
            StartError::Open(error) => error,
            StartError::Ended => StoreError::Closed.into(),
        })?;
        Ok(Self { handle, _lock: lock })
    }
}

impl Store for PostgresStore {
    fn check_and_record(&self, requests: Vec<VoteRequest>) -> Result<Vec<Outcome>, StoreError> {
        self.handle.votes(requests)
    }

    fn submit(&self, requests: Vec<VoteRequest>, reply: Reply) {
        self.handle.submit(requests, reply);
    }

    fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        self.handle.read(|database, guard| {
            let summary = database.summary(Expected::Guard(guard))?;
            Ok(summary.lanes.into_iter().map(|(lane, _)| lane).collect())
        })
    }

    fn state(&self, lane: &Lane) -> Result<LaneState, StoreError> {
        let lane = lane.clone();
        self.handle.read(move |database, guard| database.state(guard, &lane))
    }

    fn records(
        &self,
        lane: &Lane,
        from: ConsumerHeight,
        most: usize,
    ) -> Result<Vec<SigningRecord>, StoreError> {
        let lane = lane.clone();
        self.handle.read(move |database, guard| database.records(guard, &lane, from, most))
    }

    fn change(&self, changes: Vec<LaneChange>) -> Result<Vec<Changed>, StoreError> {
        self.handle.change(changes)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.handle.read(|database, guard| Ok(database.summary(Expected::Guard(guard))?.generation))
    }
}
