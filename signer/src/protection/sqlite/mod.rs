//! A store in an SQLite file, on one machine, for one process.
//!
//! One thread owns the connection. It takes all requests that wait and commits them together: one sync of the
//! disk serves every vote that arrived meanwhile (group commit), and nobody waits for more to arrive.
//!
//! Beside the database `FILE` are `FILE.lock`, which keeps a second process out, and `FILE.guard`, which
//! notices an old copy of the database. (A lock on the database file itself would not meet SQLite's, and
//! closing the file would drop those.)

mod backup;
mod database;
mod error;
mod files;
mod log;
mod schema;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use finality::ConsumerHeight;

pub use self::backup::UnpublishedBackup;
use self::database::Database;
#[cfg(test)]
use self::database::failed;
pub use self::error::OpenError;
use self::files::{create, load, lock, real_path};
#[cfg(test)]
pub(crate) use self::schema::VERSION;
use super::guard::Guard;
use super::lock::{Locked, with_ending};
use super::rules::check_first;
use super::steps::passed;
use super::store::{ChangeKind, Changed, LaneChange, Reply, Store, StoreError};
use super::types::{FirstHeight, Lane, LaneState, Outcome, SigningRecord, VoteRequest};
use super::worker::{Handle, StartError};

/// The files of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlitePaths {
    /// The database.
    pub database: PathBuf,
    /// The guard against an old copy of the database. On another disk it also notices when the whole folder
    /// is restored.
    pub guard: PathBuf,
}

impl SqlitePaths {
    /// Returns the files of a store at this path, with the guard beside the database.
    pub fn beside(database: impl Into<PathBuf>) -> Self {
        let database = database.into();
        let guard = with_ending(&database, ".guard");
        Self { database, guard }
    }
}

/// A store in an SQLite file. Closing it (dropping it) finishes what was asked for.
#[derive(Debug)]
pub struct SqliteStore {
    handle: Handle<Database>,
    /// Where the database is.
    database: PathBuf,
    /// Whether a copy is being made.
    copying: Arc<AtomicBool>,
    /// Held as long as the store is open.
    _lock: Locked,
}

impl SqliteStore {
    /// Opens a store, which must be there, and newer than or as new as its guard knows.
    ///
    /// # Errors
    /// [`OpenError`]: another process has it open; the database or the guard is missing, older than the
    /// other, or of another store. [`initialise`](Self::initialise) is the explicit way on.
    pub fn open(paths: &SqlitePaths) -> Result<Self, OpenError> {
        Self::start(paths, |paths| {
            let (database, mut guard) = match (load(&paths.database)?, Guard::open_alone(&paths.guard)?) {
                (Some(database), Some(guard)) => (database, guard),
                (Some(_), None) => return Err(OpenError::GuardAbsent(paths.guard.clone())),
                (None, Some(_)) => return Err(OpenError::DatabaseAbsent(paths.database.clone())),
                (None, None) => return Err(OpenError::Absent(paths.database.clone())),
            };
            check_sound(paths, &database, &guard)?;
            let highest: Vec<_> = database.highest().collect();
            guard.advance(database.generation, &highest)?;
            // What the process before noted may be known to the system alone.
            guard.sync()?;
            Ok((database, guard))
        })
    }

    /// Makes a store, or takes over one that [`open`](Self::open) refuses: an old copy, a file of a backup,
    /// or one whose guard is lost. Whoever does this says below which height nothing is signed, for each
    /// lane: above every vote that was ever made. Of a database that is taken over every lane must be named:
    /// votes of each may be forgotten.
    ///
    /// # Errors
    /// [`OpenError`]: another process has it open; it is no signing database; a first height is at or below
    /// what the guard or the database knows to be signed; a lane of a database that is taken over is not
    /// named.
    pub fn initialise(paths: &SqlitePaths, first: &[FirstHeight]) -> Result<Self, OpenError> {
        let first = first.to_vec();
        Self::start(paths, move |paths| initialise(paths, &first))
    }

    /// Opens the files on the store's thread, which has the connection to the database to its end.
    fn start(
        paths: &SqlitePaths,
        open: impl FnOnce(&SqlitePaths) -> Result<(Database, Guard), OpenError> + Send + 'static,
    ) -> Result<Self, OpenError> {
        let database = real_path(&paths.database)?;
        let (lock, paths) = (lock(&database)?, SqlitePaths { database: database.clone(), ..paths.clone() });
        let handle = Handle::start(move || open(&paths)).map_err(|error| match error {
            StartError::Thread(cause) => OpenError::Thread(cause),
            StartError::Open(error) => error,
            StartError::Ended => StoreError::Closed.into(),
        })?;
        Ok(Self { handle, database, copying: Arc::default(), _lock: lock })
    }

    /// Lets the database have this many pages at most: a full disk.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) -> Result<(), StoreError> {
        self.handle.read(move |database, _| {
            database.connection().pragma_update(None, "max_page_count", pages).map_err(failed)
        })
    }

    /// Has SQLite look at every page and index.
    #[cfg(test)]
    pub(crate) fn check_integrity(&self) -> Result<(), StoreError> {
        let found = self.handle.read(|database, _| {
            let check = "PRAGMA integrity_check";
            database.connection().query_row(check, [], |row| row.get::<_, String>(0)).map_err(failed)
        })?;
        if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
    }

    /// Lets every write of the guard fail.
    #[cfg(test)]
    pub(crate) fn break_guard(&self, is_broken: bool) {
        self.handle.break_guard(is_broken);
    }
}

fn initialise(paths: &SqlitePaths, first: &[FirstHeight]) -> Result<(Database, Guard), OpenError> {
    let guard = Guard::open_alone(&paths.guard)?;
    let mut database = match load(&paths.database)? {
        Some(database) => database,
        None => create(&paths.database)?,
    };
    let is_sound = guard.as_ref().is_some_and(|guard| check_sound(paths, &database, guard).is_ok());
    let lanes = database.lanes();
    let lanes: Vec<_> = lanes.iter().map(|lane| (lane, database.state(lane).highest)).collect();
    check_first(first, &lanes, guard.as_ref(), is_sound)?;
    let register = first.iter().map(|FirstHeight { lane, height }| LaneChange {
        lane: lane.clone(),
        kind: ChangeKind::Register(*height),
    });
    database.change(register.collect())?;
    passed("first heights registered");
    // A lane that the guard knew and nobody named is unknown to the database: nothing is signed on it until
    // it is registered above what the guard knows.
    let mut guard = match guard {
        Some(mut guard) => {
            if guard.id() != database.id {
                guard.adopt(database.id)?;
            }
            guard
        }
        None => Guard::create(&paths.guard, database.id)?,
    };
    database.reach_generation(guard.generation())?;
    database.set_backup(false)?;
    let highest: Vec<_> = database.highest().collect();
    guard.advance(database.generation, &highest)?;
    guard.sync()?;
    Ok((database, guard))
}

/// Refuses a database that its guard knows to be another, a backup, or an old copy.
fn check_sound(paths: &SqlitePaths, database: &Database, guard: &Guard) -> Result<(), OpenError> {
    if database.is_backup {
        return Err(OpenError::Backup(paths.database.clone()));
    }
    if database.id != guard.id() {
        return Err(OpenError::OtherStore(paths.clone()));
    }
    let (found, known) = (database.generation, guard.generation());
    if found < known {
        return Err(OpenError::Stale { path: paths.database.clone(), found, known });
    }
    let forgotten = database.highest().find_map(|(lane, found)| {
        let known = guard.highest(lane).filter(|known| *known > found)?;
        let path = paths.database.clone();
        Some(OpenError::Forgotten { path, lane: Box::new(lane.clone()), found, known })
    });
    forgotten.map_or(Ok(()), Err)
}

impl Store for SqliteStore {
    fn check_and_record(&self, requests: Vec<VoteRequest>) -> Result<Vec<Outcome>, StoreError> {
        self.handle.votes(requests)
    }

    fn submit(&self, requests: Vec<VoteRequest>, reply: Reply) {
        self.handle.submit(requests, reply);
    }

    fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        self.handle.read(|database, _| Ok(database.lanes()))
    }

    fn state(&self, lane: &Lane) -> Result<LaneState, StoreError> {
        let lane = lane.clone();
        self.handle.read(move |database, _| Ok(database.state(&lane)))
    }

    fn records(
        &self,
        lane: &Lane,
        from: ConsumerHeight,
        most: usize,
    ) -> Result<Vec<SigningRecord>, StoreError> {
        let lane = lane.clone();
        self.handle.read(move |database, _| database.records(&lane, from, most))
    }

    fn change(&self, changes: Vec<LaneChange>) -> Result<Vec<Changed>, StoreError> {
        self.handle.change(changes)
    }

    fn generation(&self) -> Result<u64, StoreError> {
        self.handle.read(|database, _| Ok(database.generation))
    }
}
