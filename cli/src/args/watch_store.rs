//! The store of a watchtower, which commands look into while it runs.

use std::path::PathBuf;

use anyhow::{Context, bail};
use store::{PostgresConnection, PostgresOptions, PostgresStore, SqliteStore, Store, StoreError};
use watch::{SCHEMA, Stored};

/// The store.
#[derive(Clone, clap::Args)]
pub(crate) struct WatchStoreArgs {
    /// The watchtower's store, an SQLite file.
    #[arg(long, value_name = "FILE", conflicts_with = "store_postgres_file")]
    store: Option<PathBuf>,
    /// A file with the connection to PostgreSQL, postgresql://USER:PASSWORD@HOST/DATABASE, which its owner
    /// alone may read: several watchtowers share the store there, and one of them works.
    #[arg(long, value_name = "FILE")]
    store_postgres_file: Option<PathBuf>,
}

/// Where a store is.
pub(crate) enum Place {
    File(PathBuf),
    Postgres(Box<PostgresConnection>),
}

impl WatchStoreArgs {
    /// Returns where the store is, `None` where none is given. Nothing is opened yet.
    pub(crate) fn place(&self) -> anyhow::Result<Option<Place>> {
        match (&self.store, &self.store_postgres_file) {
            (Some(file), None) => Ok(Some(Place::File(file.clone()))),
            (None, Some(file)) => {
                let connection = PostgresConnection::read(file).context("--store-postgres-file")?;
                Ok(Some(Place::Postgres(Box::new(connection))))
            }
            (None, None) => Ok(None),
            (Some(_), Some(_)) => bail!("--store is given with --store-postgres-file; must be one of them"),
        }
    }
}

impl Place {
    /// Returns the flag that gave it.
    pub(crate) const fn flag(&self) -> &'static str {
        match self {
            Self::File(_) => "--store",
            Self::Postgres(_) => "--store-postgres-file",
        }
    }

    /// Returns what is stored, and the store, opened to read.
    pub(crate) fn read(&self) -> anyhow::Result<(Box<dyn Store>, Stored)> {
        let mut store = self.open_to_read().context(self.flag())?;
        let stored = Stored::read(&mut *store).context(self.flag())?;
        let stored =
            stored.with_context(|| format!("{}: it is empty; `btcstake watch run` fills it", self.flag()))?;
        Ok((store, stored))
    }

    pub(crate) fn open(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Self::File(file) => Box::new(SqliteStore::open(file, &SCHEMA)?),
            Self::Postgres(connection) => {
                Box::new(PostgresStore::open(&PostgresOptions::new((**connection).clone()), &SCHEMA)?)
            }
        })
    }

    pub(crate) fn open_to_read(&self) -> Result<Box<dyn Store>, StoreError> {
        match self {
            Self::File(file) => Ok(Box::new(SqliteStore::open_to_read(file, &SCHEMA)?)),
            // It does not lead, and so changes nothing.
            Self::Postgres(_) => self.open(),
        }
    }
}
