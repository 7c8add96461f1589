//! The signing database of a finality provider, and the lane in it: a key on one chain.

use std::path::PathBuf;

use anyhow::{Context, anyhow, ensure};
use eots::XOnlyPublicKey;
use finality::ConsumerHeight;
use signer::protection::{FirstHeight, HeightRange, Lane, SqlitePaths, SqliteStore, Store as _};

/// The signing database.
#[derive(clap::Args)]
pub(crate) struct ProtectionArgs {
    /// The signing database: what was signed, so that nothing is signed twice.
    #[arg(long, value_name = "FILE")]
    pub(crate) protection: PathBuf,
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

impl GuardArgs {
    /// Returns the files of the store whose database this is.
    pub(crate) fn paths(&self, database: &std::path::Path) -> SqlitePaths {
        let beside = SqlitePaths::beside(database);
        match &self.guard {
            Some(guard) => SqlitePaths { guard: guard.clone(), ..beside },
            None => beside,
        }
    }

    /// Opens the store.
    pub(crate) fn open(&self, database: &std::path::Path) -> anyhow::Result<SqliteStore> {
        let hint = "--protection (`btcstake signer init` is the explicit way on)";
        SqliteStore::open(&self.paths(database)).context(hint)
    }
}

impl ProtectionArgs {
    /// Returns the files.
    pub(crate) fn paths(&self) -> SqlitePaths {
        self.guard.paths(&self.protection)
    }

    /// Opens the store.
    pub(crate) fn open(&self) -> anyhow::Result<SqliteStore> {
        self.guard.open(&self.protection)
    }

    /// Opens the store, which must have this lane.
    pub(crate) fn open_with(&self, lane: &LaneArgs) -> anyhow::Result<(SqliteStore, Lane)> {
        let (store, lane) = (self.open()?, lane.lane());
        let is_there = store.lanes()?.contains(&lane);
        ensure!(is_there, "{lane} is not in the signing database; must be (`signer init`)");
        Ok((store, lane))
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
