//! `watch list`: the stakes that are tracked.

use bitcoin::XOnlyPublicKey;
use serde::{Deserialize, Serialize};

use super::store::StoreArgs;
use super::view::StakeLine;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(after_help = "It reads the store, also while the watchtower runs.\n\n\
    Example:\n  btcstake watch list --store watch.db --status ACTIVE --finality-provider KEY")]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
    /// Only stakes to this finality provider.
    #[arg(long, value_name = "KEY")]
    finality_provider: Option<XOnlyPublicKey>,
    /// Only stakes of this status: PENDING, VERIFIED, ACTIVE, UNBONDING, UNBONDED, EXPIRED, WITHDRAWN or
    /// SLASHED.
    #[arg(long, value_name = "STATUS", ignore_case = true)]
    #[arg(value_parser = ["PENDING", "VERIFIED", "ACTIVE", "UNBONDING", "UNBONDED", "EXPIRED", "WITHDRAWN", "SLASHED"])]
    status: Option<String>,
}

/// The stakes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The height of the last block that the watchtower has judged.
    pub height: u32,
    /// The stakes, in no order.
    pub stakes: Vec<StakeLine>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let line = |stake: &StakeLine| {
            let accused = if stake.is_accused { "  its provider equivocated" } else { "" };
            let unsigned = if stake.is_slashable { "" } else { "  cannot be slashed" };
            format!(
                "{}  {:<9}  {:>12} sat{accused}{unsigned}",
                stake.staking_txid, stake.status, stake.amount_sat
            )
        };
        let mut lines: Vec<_> = self.stakes.iter().map(line).collect();
        lines.push(format!("{} stakes at height {}", self.stakes.len(), self.height));
        lines.join("\n")
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (_, stored) = self.store.read()?;
        let is_meant = |line: &StakeLine| {
            let status = self.status.as_ref();
            let provider = self.finality_provider.as_ref().map(ToString::to_string);
            status.is_none_or(|status| line.status.eq_ignore_ascii_case(status))
                && provider.is_none_or(|provider| line.finality_providers.contains(&provider))
        };
        let lines = stored.tracker.stakes().map(|(_, stake)| StakeLine::of(stake, &stored));
        let stakes = lines.filter(is_meant).collect();
        Printout::of(&Output { height: stored.tracker.height(), stakes })
    }
}
