//! How a tracked stake is shown.

use serde::{Deserialize, Serialize};
use watch::{Spend, StakeOutput, Stored, TrackedStake, Tracker};

/// A stake on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StakeLine {
    /// The id of the staking transaction, in display order.
    pub staking_txid: String,
    /// The index of the staking output.
    pub staking_output_index: u32,
    /// The staked amount in satoshis.
    pub amount_sat: u64,
    /// What Bitcoin says of it: PENDING, VERIFIED, ACTIVE, UNBONDING, UNBONDED, EXPIRED, WITHDRAWN, SLASHED.
    pub status: String,
    /// The public keys of the finality providers that it is staked to.
    pub finality_providers: Vec<String>,
    /// Whether one of them equivocated, by evidence that is known.
    pub is_accused: bool,
    /// Whether a quorum of the covenant committee and the staker have signed both slashing transactions.
    pub is_slashable: bool,
    /// The height of the block with the staking transaction; null while there is none.
    pub included_height: Option<u32>,
}

/// What spends an output of a stake, in a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpentBy {
    /// The transaction's id, in display order.
    pub txid: String,
    /// The path: timelock, unbonding or slashing; null where its witness reveals no leaf of the output.
    pub path: Option<String>,
    /// The height of its block.
    pub height: u32,
}

impl From<Spend> for SpentBy {
    fn from(Spend { txid, path, height }: Spend) -> Self {
        Self { txid: txid.to_string(), path: path.map(|path| path.to_string()), height }
    }
}

/// Returns the public keys of a stake's providers.
pub(super) fn providers(stake: &TrackedStake, tracker: &Tracker) -> Vec<String> {
    let keys = stake.providers().iter().filter_map(|id| tracker.provider(*id));
    keys.map(ToString::to_string).collect()
}

impl StakeLine {
    pub(super) fn of(stake: &TrackedStake, stored: &Stored) -> Self {
        let tracker = &stored.tracker;
        let mut keys = stake.providers().iter().filter_map(|id| tracker.provider(*id));
        Self {
            staking_txid: stake.outpoint().txid.to_string(),
            staking_output_index: stake.outpoint().vout,
            amount_sat: stake.amount_sat(),
            status: stake.state(tracker.height(), stored.depth).status.as_str().to_owned(),
            finality_providers: providers(stake, tracker),
            is_accused: keys.any(|key| stored.accused.contains(key)),
            is_slashable: stake.is_slashable(),
            included_height: stake.included_height(),
        }
    }
}

/// Returns what spends an output of a stake.
pub(super) fn spent_by(stake: &TrackedStake, output: StakeOutput) -> Option<SpentBy> {
    stake.spend(output).map(SpentBy::from)
}
