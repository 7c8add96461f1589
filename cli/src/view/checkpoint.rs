//! How checkpoints are shown.

use babylon::query::CheckpointStatus;
use serde::{Deserialize, Serialize};
use spv::HeaderChain;
use spv::anchors::PartPlace;

/// Where a part of a checkpoint is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CheckpointPart {
    /// The transaction's id, in display order.
    pub txid: String,
    /// The hash of the block.
    pub bitcoin_block: String,
    /// The height of the block; null where the headers do not tell.
    pub height: Option<u32>,
    /// The transaction's position in the block, from 0.
    pub position: u32,
}

impl CheckpointPart {
    pub(crate) fn new(place: &PartPlace, chain: &HeaderChain) -> Self {
        let PartPlace { txid, block, position } = place;
        Self {
            txid: txid.to_string(),
            bitcoin_block: block.to_string(),
            height: chain.height(block),
            position: *position,
        }
    }
}

/// Returns the name of what the chain says of a checkpoint.
pub(crate) const fn status_name(status: CheckpointStatus) -> &'static str {
    match status {
        CheckpointStatus::Accumulating => "ACCUMULATING",
        CheckpointStatus::Sealed => "SEALED",
        CheckpointStatus::Submitted => "SUBMITTED",
        CheckpointStatus::Confirmed => "CONFIRMED",
        CheckpointStatus::Finalized => "FINALIZED",
    }
}
