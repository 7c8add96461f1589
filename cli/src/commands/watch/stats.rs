//! `watch stats`: how much is staked.

use anyhow::ensure;
use serde::{Deserialize, Serialize};

use super::store::StoreArgs;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "It counts by the blocks that are in Bitcoin's chain now: a stake is active when its staking transaction is as deep as the chain demands, until it is unbonded, \
    spent, or about to expire.\n\nExample:\n  btcstake watch stats --store watch.db --height 900000"
)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// When Bitcoin's tip had this height [default: the last block that the watchtower has judged].
    #[arg(long, value_name = "HEIGHT", value_parser = clap::value_parser!(u32).range(..500_000_000))]
    height: Option<u32>,
}

/// What is staked at a height.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The height of the tip that it is of.
    pub height: u32,
    /// How many stakes are active.
    pub active_stakes: u64,
    /// The satoshis of the active stakes.
    pub active_sat: u64,
    /// Those of each finality provider, in the order of the keys. A stake to several counts for each.
    pub finality_providers: Vec<ProviderStats>,
}

/// What is staked to a finality provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ProviderStats {
    /// Its public key.
    pub finality_provider: String,
    /// How many stakes are active.
    pub active_stakes: u64,
    /// Their satoshis.
    pub active_sat: u64,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let mut lines = vec![format!(
            "height {}: {} active stakes, {} sat",
            self.height, self.active_stakes, self.active_sat
        )];
        let of = |it: &ProviderStats| {
            format!("{}  {:>8} stakes  {:>16} sat", it.finality_provider, it.active_stakes, it.active_sat)
        };
        lines.extend(self.finality_providers.iter().map(of));
        lines.join("\n")
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (_, stored) = self.store.read()?;
        let height = self.height.unwrap_or_else(|| stored.tracker.height());
        ensure!(
            height <= stored.tracker.height(),
            "--height is {height}; must be at most {}, the last block that was judged",
            stored.tracker.height()
        );
        let found = stored.tracker.statistics(height, stored.depth);
        let finality_providers = found.providers.into_iter().map(|it| ProviderStats {
            finality_provider: it.provider.to_string(),
            active_stakes: it.active_stakes,
            active_sat: it.active_sat,
        });
        Printout::of(&Output {
            height: found.height,
            active_stakes: found.active_stakes,
            active_sat: found.active_sat,
            finality_providers: finality_providers.collect(),
        })
    }
}
