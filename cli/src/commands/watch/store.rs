//! The store of a watchtower, as the commands of `watch` are given it: by flags, or by the configuration.

use anyhow::Context;
use store::Store;
use watch::Stored;

use crate::args::config_file::ConfigArgs;
use crate::args::watch_store::{Place, WatchStoreArgs};

/// The store.
#[derive(Clone, clap::Args)]
pub(super) struct StoreArgs {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    store: WatchStoreArgs,
}

impl StoreArgs {
    /// Returns where the store is. Nothing is opened yet.
    pub(super) fn place(&self) -> anyhow::Result<Place> {
        self.store
            .place()?
            .context("--store is absent; must be given, or --store-postgres-file, or --config with either")
    }

    /// Returns what is stored, and the store, opened to read.
    pub(super) fn read(&self) -> anyhow::Result<(Box<dyn Store>, Stored)> {
        self.place()?.read()
    }
}
