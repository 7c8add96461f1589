//! The signing database of a finality provider, and the lane in it: a key on one chain.

use std::path::PathBuf;

use anyhow::{Context, anyhow, bail, ensure};
use eots::XOnlyPublicKey;
use finality::ConsumerHeight;
use signer::config::{Configuration, StoreSettings};
use signer::daemon::{OpenedStore, StartError};
use signer::protection::{FirstHeight, HeightRange, Lane};

use super::not_opened::{NotOpened, check_is_there};

/// The signing database.
#[derive(clap::Args)]
#[group(id = "store", required = true, multiple = true, args = ["protection", "config"])]
pub(crate) struct ProtectionArgs {
    /// The signing database: what was signed, so that nothing is signed twice.
    #[arg(long, value_name = "FILE")]
    protection: Option<PathBuf>,
    /// The configuration of `signer start`, which says where the signing database is, in place of
    /// --protection.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["protection", "guard"])]
    config: Option<PathBuf>,
    #[command(flatten)]
    guard: GuardArgs,
}

/// The guard of the signing database.
#[derive(clap::Args)]
pub(crate) struct GuardArgs {
    /// The guard that notices an old copy of the signing database; on another disk it also notices when the
    /// whole folder is restored [default: FILE.guard, beside it].
    #[arg(long, value_name = "FILE", requires = "protection")]
    guard: Option<PathBuf>,
}

/// Opens a store that a flag names. Nothing is left beside one that is not there.
fn open(settings: &StoreSettings, flag: &'static str) -> anyhow::Result<OpenedStore> {
    let opened = check_is_there(settings).and_then(|()| OpenedStore::open(settings));
    opened.map_err(|cause| NotOpened::new(cause, settings)).context(flag)
}

impl GuardArgs {
    /// Opens the store in a file.
    pub(crate) fn open(&self, database: &std::path::Path) -> anyhow::Result<OpenedStore> {
        open(&StoreSettings::sqlite(database.to_owned(), self.guard.clone()), "--protection")
    }
}

impl ProtectionArgs {
    const fn flag(&self) -> &'static str {
        if self.protection.is_some() { "--protection" } else { "--config" }
    }

    /// Returns where the store is.
    fn settings(&self) -> anyhow::Result<StoreSettings> {
        match (&self.protection, &self.config) {
            (Some(database), _) => Ok(StoreSettings::sqlite(database.clone(), self.guard.guard.clone())),
            (None, Some(config)) => {
                let read = Configuration::load_without_files(config, std::env::vars_os());
                Ok(read.context("--config")?.store)
            }
            (None, None) => bail!("--protection is absent; must be given, or --config"),
        }
    }

    /// Opens the store.
    pub(crate) fn open(&self) -> anyhow::Result<OpenedStore> {
        open(&self.settings()?, self.flag())
    }

    /// Registers lanes in the store; makes it, or takes it over, and returns why that was needed.
    pub(crate) fn initialise(
        &self,
        first: &[FirstHeight],
    ) -> anyhow::Result<(OpenedStore, Option<StartError>)> {
        let settings = self.settings()?;
        let made = OpenedStore::initialise(&settings, first);
        made.map_err(|cause| NotOpened::new(cause, &settings)).context(self.flag())
    }

    /// Opens the store, which must have this lane.
    pub(crate) fn open_with(&self, lane: &LaneArgs) -> anyhow::Result<(OpenedStore, Lane)> {
        let (opened, lane) = (self.open()?, lane.lane());
        let is_there = opened.store.lanes()?.contains(&lane);
        ensure!(is_there, "{lane} is not in the signing database; must be (`signer init`)");
        Ok((opened, lane))
    }
}

/// A lane.
#[derive(clap::Args)]
pub(crate) struct LaneArgs {
    /// The finality provider's public key.
    #[arg(long, value_name = "64 HEX DIGITS")]
    public_key: XOnlyPublicKey,
    /// The chain whose blocks are voted on.
    #[arg(long)]
    chain_id: String,
}

impl LaneArgs {
    /// Returns the lane.
    pub(crate) fn lane(&self) -> Lane {
        Lane { public_key: self.public_key, chain_id: self.chain_id.clone().into_bytes() }
    }
}

/// Parses a lane with its first height, PUBLIC_KEY:CHAIN_ID:HEIGHT.
pub(crate) fn first_height(text: &str) -> anyhow::Result<FirstHeight> {
    let form = "not a key on a chain with its first height; must be PUBLIC_KEY:CHAIN_ID:HEIGHT";
    let (key, rest) = text.split_once(':').context(form)?;
    let (chain_id, height) = rest.rsplit_once(':').context(form)?;
    ensure!(!chain_id.is_empty(), "the chain id is empty; must name a chain, such as bbn-1");
    // What was found is not told: it may be a secret key.
    let public_key = key.parse().map_err(|_| anyhow!("not a public key; must be 64 hex digits of one"))?;
    let height = height.parse().map(ConsumerHeight).map_err(|_| anyhow!("{height:?} is not a height"))?;
    Ok(FirstHeight { lane: Lane { public_key, chain_id: chain_id.as_bytes().to_vec() }, height })
}

/// Parses a range of heights, FIRST:LAST.
pub(crate) fn height_range(text: &str) -> anyhow::Result<HeightRange> {
    let (first, last) = text.split_once(':').context("not a range of heights; must be FIRST:LAST")?;
    let height =
        |text: &str| text.parse().map(ConsumerHeight).with_context(|| format!("{text:?} is not a height"));
    let range = HeightRange { first: height(first)?, last: height(last)? };
    ensure!(range.first <= range.last, "the last height is below the first; must not be");
    Ok(range)
}
