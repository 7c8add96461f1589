//! The rules of a stake that is in a block: its depth, and the staking time left.

use bitcoin::Network;
use bitcoin::absolute::Height;
use bitcoin::block::Header;
use bitcoin::params::Params;
use finality::SigningContext;

use super::data::Delegation;
use super::rules::StakeViolation;
use crate::parameters::{CheckpointParameters, Parameters};
use spv::{Anchor, HeadersError, InclusionProof};

/// The rules of the two chains of a stake: the Bitcoin network and the depth in it, and the kind of stake:
/// for Babylon Genesis, or for consumer chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainRules {
    /// The Bitcoin network, which sets the least work of its blocks.
    pub network: Network,
    /// The depth of a stake: the number of blocks on the one that includes it.
    pub depth: u32,
    /// The signing context of stakers' proofs of possession: a consumer chain's, or that of Babylon Genesis,
    /// which is empty.
    pub signing_context: SigningContext,
    /// What ties the headers of an inclusion to the chain that nodes follow.
    pub anchor: Anchor,
}

impl ChainRules {
    /// The rules of Babylon Genesis on mainnet.
    pub const MAINNET: Self = Self {
        network: Network::Bitcoin,
        depth: CheckpointParameters::MAINNET.confirmation_depth,
        signing_context: SigningContext::GENESIS,
        anchor: Anchor::NONE,
    };
}

/// The SPV proof of a staking transaction: its block, the blocks on it and the Merkle proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeInclusion {
    /// The block's height. Headers do not have it, so it is not proven.
    pub height: u32,
    /// The Merkle proof of the transaction.
    pub proof: InclusionProof,
    /// The headers of the block and of the blocks on it.
    pub headers: Vec<Header>,
}

impl Delegation {
    /// Returns the height of the block that includes the stake, where it is deep enough and the anchor tells
    /// the height: what the delegation says of it is the staker's word. `None` for an extension: Babylon
    /// Genesis registers it before its inclusion.
    pub(super) fn proven_height(&self, rules: ChainRules) -> Option<Height> {
        let inclusion = self.inclusion.as_ref().filter(|_| self.extends.is_none())?;
        let (params, headers) = (Params::new(rules.network), &inclusion.headers);
        inclusion.proof.verify_deep(&self.staking_transaction, headers, rules.depth, &params).ok()?;
        Height::from_consensus(rules.anchor.check(headers).ok()??).ok()
    }

    /// Returns the rules that a stake in a block breaks: it must be deep enough, its parameters in force
    /// there, and `depth + unbonding time < staking time`. `tip` is the height of a tip that the caller
    /// knows: who withholds the later headers does not make the stake younger, and who makes headers above
    /// the tip does not make it deeper.
    pub(super) fn check_included(
        &self,
        parameters: &Parameters,
        rules: ChainRules,
        tip: Option<Height>,
    ) -> Vec<StakeViolation> {
        let Some(inclusion) = &self.inclusion else { return Vec::new() };
        let mut found = Vec::new();
        let (params, headers) = (Params::new(rules.network), &inclusion.headers);
        let verified = inclusion.proof.verify_deep(&self.staking_transaction, headers, rules.depth, &params);
        let depth = verified.clone().map_err(|reason| found.push(StakeViolation::Inclusion(reason))).ok();
        // The height that the delegation says is nobody's word but the staker's.
        let mut height = inclusion.height;
        match depth.map(|_| rules.anchor.check(headers)) {
            Some(Err(reason)) => found.push(StakeViolation::Inclusion(reason.into())),
            Some(Ok(Some(known))) => height = known,
            Some(Ok(None)) | None => {}
        }
        if height != inclusion.height {
            found.push(StakeViolation::OtherInclusionHeight(inclusion.height, height));
        }
        let activation = parameters.activation_height().to_consensus_u32();
        if activation > height {
            found.push(StakeViolation::ParametersTooNew { activation, inclusion: height });
        }
        let tip = tip.map(Height::to_consensus_u32);
        if let Some(tip) = tip.filter(|tip| height > *tip) {
            found.push(StakeViolation::InclusionHeight(height, tip));
        }
        let at_tip = tip.and_then(|tip| tip.checked_sub(height));
        // Headers above the caller's tip may be anybody's: they make nothing deep.
        if let (Some(depth), Some(first)) = (at_tip.filter(|depth| *depth < rules.depth), headers.first())
            && verified.is_ok()
        {
            let (block, least) = (first.block_hash(), rules.depth);
            let shallow = HeadersError::TooShallow { block, depth, least };
            found.push(StakeViolation::Inclusion(shallow.into()));
        }
        if let Some(depth) = depth {
            let depth = depth.max(at_tip.unwrap_or_default());
            let (unbonding, staking) = (self.unbonding_time_blocks, self.staking_time_blocks);
            if depth.saturating_add(unbonding) >= staking {
                found.push(StakeViolation::EndsTooSoon { depth, unbonding, staking });
            }
        }
        found
    }
}
