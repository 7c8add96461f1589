//! The store of a watchtower, which other commands look into while it runs.

use std::path::PathBuf;

use anyhow::{Context, bail};
use store::{PostgresConnection, PostgresOptions, PostgresStore, SqliteStore, Store, StoreError};
use watch::{SCHEMA, Stored};

use crate::args::config_file::ConfigArgs;

/// The store.
#[derive(Clone, clap::Args)]
pub(super) struct StoreArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// The watchtower's store, an SQLite file.
    #[arg(long, value_name = "FILE", conflicts_with = "store_postgres_file")]
    store: Option<PathBuf>,
    /// A file with the connection to PostgreSQL, postgresql://USER:PASSWORD@HOST/DATABASE, which its owner
    /// alone may read: several watchtowers share the store there, and one of them works.
    #[arg(long, value_name = "FILE")]
    store_postgres_file: Option<PathBuf>,
}

/// Where a store is.
pub(super) enum Place {
    File(PathBuf),
    Postgres(Box<PostgresConnection>),
}

impl StoreArgs {
    /// Returns where the store is. Nothing is opened yet.
    pub(super) fn place(&self) -> anyhow::Result<Place> {
        match (&self.store, &self.store_postgres_file) {
            (Some(file), None) => Ok(Place::File(file.clone())),
            (None, Some(file)) => {
                let connection = PostgresConnection::read(file).context("--store-postgres-file")?;
                Ok(Place::Postgres(Box::new(connection)))
            }
            _ => bail!("--store is absent; must be given, or --store-postgres-file, or --config with either"),
        }
    }

    /// Returns what is stored, and the store, opened to read.
    pub(super) fn read(&self) -> anyhow::Result<(Box<dyn Store>, Stored)> {
        let place = self.place()?;
        let mut store = place.open_to_read().context(place.flag())?;
        let stored = Stored::read(&mut *store).context(place.flag())?;
        let stored = stored
            .with_context(|| format!("{}: it is empty; `btcstake watch run` fills it", place.flag()))?;
        Ok((store, stored))
    }
}

impl Place {
    /// Returns the flag that gave it.
    pub(super) const fn flag(&self) -> &'static str {
        match self {
            Self::File(_) => "--store",
            Self::Postgres(_) => "--store-postgres-file",
        }
    }

    pub(super) fn open(&self) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Self::File(file) => Box::new(SqliteStore::open(file, &SCHEMA)?),
            Self::Postgres(connection) => {
                Box::new(PostgresStore::open(&PostgresOptions::new((**connection).clone()), &SCHEMA)?)
            }
        })
    }

    pub(super) fn open_to_read(&self) -> Result<Box<dyn Store>, StoreError> {
        match self {
            Self::File(file) => Ok(Box::new(SqliteStore::open_to_read(file, &SCHEMA)?)),
            // It does not lead, and so changes nothing.
            Self::Postgres(_) => self.open(),
        }
    }
}
