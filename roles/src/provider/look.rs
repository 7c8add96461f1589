//! What the chain says of a finality provider, and of what changes slowly.

use babylon::node::{ChainNode, NodeError};
use babylon::query::{self, CommittedRandomness, FinalityParameters, FinalityProvider};
use eots::XOnlyPublicKey;
use finality::{AccountAddress, ConsumerHeight};

/// What was found.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// `None` where the chain does not know the provider.
    pub(super) provider: Option<FinalityProvider>,
    pub(super) parameters: FinalityParameters,
    pub(super) committed: Vec<CommittedRandomness>,
    pub(super) finalized_epoch: Option<u64>,
    pub(super) activated: Option<ConsumerHeight>,
    pub(super) last_final: Option<ConsumerHeight>,
    pub(super) balance: u128,
    pub(super) missed: u64,
}

impl Look {
    /// Asks a node.
    pub(super) fn at(
        node: &dyn ChainNode,
        provider: &XOnlyPublicKey,
        account: &AccountAddress,
        denom: &str,
    ) -> Result<Self, NodeError> {
        Ok(Self {
            provider: query::finality_provider(node, provider)?,
            parameters: query::finality_parameters(node)?,
            committed: query::commitments(node, provider)?,
            finalized_epoch: query::last_finalized_epoch(node)?,
            activated: query::activated_height(node)?,
            last_final: query::last_final_height(node)?,
            balance: query::balance(node, account, denom)?,
            missed: query::signing_info(node, provider)?.map_or(0, |info| info.missed),
        })
    }
}
