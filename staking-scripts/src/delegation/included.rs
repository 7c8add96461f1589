//! A stake that is in a block already: how deep, and with enough of its time left.

use bitcoin::Network;
use bitcoin::block::Header;
use bitcoin::params::Params;
use finality::SigningContext;

use super::data::Delegation;
use super::rules::StakeViolation;
use crate::parameters::Parameters;
use spv::InclusionProof;

/// Which chains stakes are between: the Bitcoin chain that they are on, how deep in it they must be, and the
/// dialect of the secured chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainRules {
    /// The network, whose blocks have a least work.
    pub network: Network,
    /// How many blocks must stand on the one that includes a stake.
    pub depth: u32,
    /// The signing context of stakers' proofs of possession on a consumer chain; none on genesis.
    pub signing_context: SigningContext,
}

impl ChainRules {
    /// What genesis asks for.
    pub const MAINNET: Self =
        Self { network: Network::Bitcoin, depth: 30, signing_context: SigningContext::GENESIS };
}

/// That a staking transaction is in a block, and what stands on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StakeInclusion {
    /// The block's height. Headers do not say it, so it is the word of who gives the proof.
    pub height: u32,
    /// The path to the root of the block's transactions.
    pub proof: InclusionProof,
    /// The block's header, and those of the blocks on it.
    pub headers: Vec<Header>,
}

impl Delegation {
    /// The rules for a stake that is in a block: deep enough, under parameters that held there, and `tip +
    /// unbonding time < inclusion + staking time`, in which the height plays no part.
    pub(super) fn check_included(&self, parameters: &Parameters, rules: ChainRules) -> Vec<StakeViolation> {
        let Some(inclusion) = &self.inclusion else { return Vec::new() };
        let mut found = Vec::new();
        let activation = parameters.activation_height().to_consensus_u32();
        if activation > inclusion.height {
            found.push(StakeViolation::ParametersTooNew { activation, inclusion: inclusion.height });
        }
        let params = Params::new(rules.network);
        let headers = &inclusion.headers;
        match inclusion.proof.verify_deep(&self.staking_transaction, headers, rules.depth, &params) {
            Err(reason) => found.push(StakeViolation::Inclusion(reason)),
            Ok(depth) => {
                let (unbonding, staking) = (self.unbonding_time_blocks, self.staking_time_blocks);
                if depth.saturating_add(unbonding) >= staking {
                    found.push(StakeViolation::EndsTooSoon { depth, unbonding, staking });
                }
            }
        }
        found
    }
}
