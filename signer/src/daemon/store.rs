//! The signing database of a configuration, in SQLite or PostgreSQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::StartError;
use crate::config::{PrivateFile, StoreSettings};
use crate::protection::{
    ChangeKind, FirstHeight, LaneChange, OpenError, PostgresConnection, PostgresError, PostgresMode,
    PostgresOptions, PostgresStore, SqlitePaths, SqliteStore, Store, with_ending,
};

/// A signing database that is open.
pub struct OpenedStore {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Who copies it; `None` where that is the server's own affair.
    pub back_up: Option<Arc<SqliteStore>>,
    nonces: PathBuf,
}

impl std::fmt::Debug for OpenedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedStore").finish_non_exhaustive()
    }
}

impl OpenedStore {
    /// Opens a store, which must be there, and newer than or as new as its guard knows.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(settings: &StoreSettings) -> Result<Self, StartError> {
        match settings {
            StoreSettings::Sqlite { database, guard } => {
                let paths = sqlite_paths(database, guard.as_deref());
                Ok(Self::sqlite(SqliteStore::open(&paths)?, &paths.database))
            }
            StoreSettings::Postgres { connection, guard, shared } => {
                let options = postgres_options(connection, guard, *shared)?;
                Ok(Self::postgres(PostgresStore::open(&options)?, &options.guard))
            }
        }
    }

    /// Registers lanes with their first heights in a store; makes it, or takes over one that
    /// [`open`](Self::open) refuses, and returns why it was refused.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn initialise(
        settings: &StoreSettings,
        first: &[FirstHeight],
    ) -> Result<(Self, Option<StartError>), StartError> {
        let refused = match Self::open(settings) {
            Ok(opened) => {
                check_above_known(&*opened.store, settings, first)?;
                let register = first.iter().map(|FirstHeight { lane, height }| LaneChange {
                    lane: lane.clone(),
                    kind: ChangeKind::Register(*height),
                });
                opened.store.change(register.collect())?;
                return Ok((opened, None));
            }
            Err(
                error @ (StartError::Open(OpenError::InUse(_) | OpenError::OtherFile { .. })
                | StartError::Postgres(PostgresError::InUse | PostgresError::GuardInUse(_))),
            ) => return Err(error),
            Err(refused) => refused,
        };
        let made = match settings {
            StoreSettings::Sqlite { database, guard } => {
                let paths = sqlite_paths(database, guard.as_deref());
                Self::sqlite(SqliteStore::initialise(&paths, first)?, &paths.database)
            }
            StoreSettings::Postgres { connection, guard, shared } => {
                let options = postgres_options(connection, guard, *shared)?;
                Self::postgres(PostgresStore::initialise(&options, first)?, &options.guard)
            }
        };
        let was_there = !matches!(
            refused,
            StartError::Open(OpenError::Absent(_)) | StartError::Postgres(PostgresError::Absent(_))
        );
        Ok((made, was_there.then_some(refused)))
    }

    fn sqlite(store: SqliteStore, database: &Path) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), back_up: Some(store), nonces: with_ending(database, ".nonces") }
    }

    fn postgres(store: PostgresStore, guard: &Path) -> Self {
        Self { store: Arc::new(store), back_up: None, nonces: with_ending(guard, ".nonces") }
    }

    /// Returns where the nonces are: beside the database, or beside the guard of one that is elsewhere.
    pub(super) fn nonces(&self) -> &Path {
        &self.nonces
    }
}

/// Refuses first heights that are not above what a sound store knows to be signed, as the stores do that are
/// taken over: whoever gives one is mistaken about the key.
fn check_above_known(
    store: &dyn Store,
    settings: &StoreSettings,
    first: &[FirstHeight],
) -> Result<(), StartError> {
    for FirstHeight { lane, height } in first {
        let known = store.state(lane)?.highest;
        if let Some(known) = known.filter(|known| known >= height) {
            let (lane, height) = (Box::new(lane.clone()), *height);
            return Err(match settings {
                StoreSettings::Sqlite { .. } => OpenError::BelowKnown { lane, height, known }.into(),
                StoreSettings::Postgres { .. } => PostgresError::BelowKnown { lane, height, known }.into(),
            });
        }
    }
    Ok(())
}

fn sqlite_paths(database: &Path, guard: Option<&Path>) -> SqlitePaths {
    let beside = SqlitePaths::beside(database);
    match guard {
        Some(guard) => SqlitePaths { guard: guard.to_owned(), ..beside },
        None => beside,
    }
}

fn postgres_options(
    connection: &PrivateFile,
    guard: &Path,
    shared: bool,
) -> Result<PostgresOptions, StartError> {
    let mut options = PostgresOptions::new(read_connection(connection)?, guard);
    if shared {
        options.mode = PostgresMode::Shared;
    }
    Ok(options)
}

/// Reads the connection string of a private file.
fn read_connection(file: &PrivateFile) -> Result<PostgresConnection, StartError> {
    let bytes = file.read_connection().map_err(|cause| {
        let path = file.path().to_owned();
        StartError::Connection { path, cause }
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| PostgresError::ConnectionString)?;
    Ok(text.trim().parse()?)
}
