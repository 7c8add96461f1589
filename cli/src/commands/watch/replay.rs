//! `watch replay`: Bitcoin's blocks again.

use std::time::Instant;

use anyhow::Context;
use chain::BlockHeight;
use serde::{Deserialize, Serialize};
use watch::{Driver, Observer, Told, WatchedNode};

use super::bitcoin::BitcoinArgs;
use super::rules::RulesArgs;
use super::store::StoreArgs;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "What blocks at this height and above had of the stakes is forgotten, and read again from the node; evidence and delegations stay. The watchtower must not run meanwhile. \
    Nothing is handed to the node.\n\n\
    Example:\n  btcstake watch replay --from 900000 --store watch.db --node URL --cookie-file FILE --chain-id bbn-1 --chain-node URL"
)]
pub(crate) struct Args {
    /// The first height that is read again.
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u32).range(1..500_000_000))]
    from: u32,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    bitcoin: BitcoinArgs,
    #[command(flatten)]
    rules: RulesArgs,
}

/// What was read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The first height.
    pub from: u32,
    /// The height of the last block.
    pub height: u32,
    /// How many stakes are in another state now than before.
    pub changed: usize,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        format!("read again from {} to {}; {} stakes changed", self.from, self.height, self.changed)
    }
}

/// Tells nobody: the watchtower told it before, or will.
struct Silent;

impl Observer for Silent {
    fn told(&self, _: &Told<'_>) {}
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let chain = self.rules.chain()?;
        let settings = self.rules.read(chain.as_ref())?.settings;
        let node = self.bitcoin.connect()?;
        let watched: &dyn WatchedNode = &node;
        let place = self.store.place()?;
        // One that is absent is not made.
        drop(place.open_to_read().context(place.flag())?);
        let store = place.open().context(place.flag())?;
        let start = BlockHeight::new(self.from.saturating_sub(1));
        let mut driver = Driver::open(settings, watched, store, &Silent, start)?.without_sending();
        let before: Vec<_> = driver.watch().tracker().stakes().map(|(_, stake)| stake.clone()).collect();
        driver.rewind(start).context("--from")?;
        while !driver.step(Instant::now())? {}
        let tracker = driver.watch().tracker();
        let after = tracker.stakes().map(|(_, stake)| stake);
        let changed = before.iter().zip(after).filter(|(before, after)| *before != *after).count();
        Printout::of(&Output { from: self.from, height: tracker.height(), changed })
    }
}
