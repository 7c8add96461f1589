//! `watch show`: one stake.

use anyhow::Context;
use bitcoin::Txid;
use serde::{Deserialize, Serialize};
use watch::{StakeOutput, stored_delegations};

use super::store::StoreArgs;
use super::view::{SpentBy, StakeLine, spent_by};
use crate::view::output::{CommandOutput, Printout};
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake watch show STAKING_TXID --store watch.db")]
pub(crate) struct Args {
    /// The id of the staking transaction.
    #[arg(value_name = "STAKING_TXID")]
    stake: Txid,
    #[command(flatten)]
    store: StoreArgs,
}

/// A stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The height of the last block that the watchtower has judged.
    pub height: u32,
    /// The stake.
    pub stake: StakeLine,
    /// The staking time in blocks.
    pub staking_time_blocks: u32,
    /// The unbonding time in blocks.
    pub unbonding_time_blocks: u32,
    /// Whether it was found in a block by its announcement, and nobody registered it.
    pub is_phase1: bool,
    /// The first height at which a withdrawal is valid; null when nothing can be withdrawn.
    pub withdrawable_from: Option<u32>,
    /// What spends the staking output.
    pub spent_by: Option<SpentBy>,
    /// What spends the unbonding output.
    pub unbonding_spent_by: Option<SpentBy>,
    /// What spends the slashing refund output.
    pub refund_spent_by: Option<SpentBy>,
    /// The delegation, in this program's JSON; null where none was registered.
    pub delegation: Option<serde_json::Value>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let StakeLine { staking_txid, status, amount_sat, finality_providers, included_height, .. } =
            &self.stake;
        let mut lines = vec![
            format!("stake {staking_txid}: {status} at height {}", self.height),
            format!("{amount_sat} sat for {} blocks", self.staking_time_blocks),
        ];
        lines.extend(finality_providers.iter().map(|key| format!("finality provider {key}")));
        let included =
            included_height.map_or_else(|| "in no block".to_owned(), |at| format!("in block {at}"));
        lines.push(included);
        let spends = [
            ("staking", &self.spent_by),
            ("unbonding", &self.unbonding_spent_by),
            ("slashing refund", &self.refund_spent_by),
        ];
        for (output, spent) in spends {
            if let Some(SpentBy { txid, path, height }) = spent {
                let path = path.as_deref().unwrap_or("no known");
                lines.push(format!(
                    "{output} output spent by {txid} through the {path} path at height {height}"
                ));
            }
        }
        if !self.stake.is_slashable {
            lines.push("no slashing transactions that could be completed".to_owned());
        }
        lines.join("\n")
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (mut store, stored) = self.store.read()?;
        let found = stored.tracker.find(&self.stake).and_then(|id| stored.tracker.stake(id));
        let Some(stake) = found else {
            let reason = format!("no stake {} is tracked", self.stake);
            return Err(Refused::because("unknown_stake", reason).into());
        };
        let delegation = stored_delegations(&mut *store, &[self.stake])?.pop();
        let delegation = delegation.map(|delegation| serde_json::from_str(&delegation.to_json())).transpose();
        let state = stake.state(stored.tracker.height(), stored.depth);
        Printout::of(&Output {
            height: stored.tracker.height(),
            stake: StakeLine::of(stake, &stored),
            staking_time_blocks: stake.times().staking.blocks().into(),
            unbonding_time_blocks: stake.times().unbonding.blocks().into(),
            is_phase1: stake.is_phase1(),
            withdrawable_from: state.withdrawable_from,
            spent_by: spent_by(stake, StakeOutput::Staking),
            unbonding_spent_by: spent_by(stake, StakeOutput::Unbonding),
            refund_spent_by: spent_by(stake, StakeOutput::Refund),
            delegation: delegation.context("the stored delegation is no JSON")?,
        })
    }
}
