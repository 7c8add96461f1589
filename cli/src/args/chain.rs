//! The chains of a stake, and what ties an inclusion to Bitcoin's.

use bitcoin::Work;
use clap::Args;
use finality::SigningContext;
use spv::{Anchor, TrustedHeader};
use staking_scripts::{ChainRules, Delegation};

use super::input;
use super::network::NetworkName;

/// The chains of a stake.
#[derive(Args, Clone, Copy)]
pub(crate) struct ChainArgs {
    /// The Bitcoin network: of every address, and of a delegation that says where it was included.
    #[arg(long, default_value = "mainnet")]
    pub(crate) network: NetworkName,
    /// How many blocks must be on top of the block that includes it [default: that of --chain-node, or
    /// mainnet's]
    #[arg(long, value_name = "BLOCKS")]
    depth: Option<u32>,
    /// The signing context of stakers' proofs of possession on a consumer chain; absent on
    /// Babylon Genesis.
    #[arg(long, value_name = "64 HEX DIGITS")]
    pub(crate) signing_context: Option<SigningContext>,
    /// The least total work of the headers of an inclusion, in hex, as `getblockheader` has `chainwork`:
    /// headers of low difficulty are cheap to forge. An inclusion without this, --trusted-header or a --node
    /// of one's own is called unanchored: nothing ties it to the chain that nodes follow.
    #[arg(long, value_name = "HEX", value_parser = input::work)]
    min_work: Option<Work>,
    /// A block of your own node's chain that must be among the headers of an inclusion, or the parent of the
    /// first, with its height: the height that a delegation says is the staker's word.
    #[arg(long, value_name = "HASH[:HEIGHT]", value_parser = input::trusted_header)]
    trusted_header: Option<TrustedHeader>,
}

impl ChainArgs {
    /// Returns the defaults on a network.
    pub(crate) const fn of(network: NetworkName) -> Self {
        Self { network, depth: None, signing_context: None, min_work: None, trusted_header: None }
    }

    /// Returns how many blocks must be on top of the block that includes a stake.
    pub(crate) fn depth(&self) -> u32 {
        self.depth.unwrap_or(ChainRules::MAINNET.depth)
    }

    /// Returns whether the depth is given.
    #[cfg(feature = "babylon")]
    pub(super) const fn has_depth(&self) -> bool {
        self.depth.is_some()
    }

    /// Returns the chain with this depth.
    #[cfg(feature = "babylon")]
    pub(super) const fn with_depth(self, depth: u32) -> Self {
        Self { depth: Some(depth), ..self }
    }

    /// Returns the chain with this block of the caller's node.
    pub(super) const fn trusting(self, header: TrustedHeader) -> Self {
        Self { trusted_header: Some(header), ..self }
    }

    pub(super) fn rules(self) -> ChainRules {
        let signing_context = self.signing_context.unwrap_or(SigningContext::GENESIS);
        let anchor = Anchor { min_work: self.min_work, header: self.trusted_header };
        ChainRules { network: self.network.into(), depth: self.depth(), signing_context, anchor }
    }

    /// Returns warnings for an inclusion that nothing ties to the chain that nodes follow, or whose height is
    /// the staker's word.
    pub(crate) fn unanchored(&self, delegation: &Delegation) -> Vec<String> {
        if delegation.inclusion.is_none() {
            return Vec::new();
        }
        let is_held = self.min_work.is_some() || self.trusted_header.is_some();
        let unanchored = (!is_held).then_some(
            "unanchored: the headers show work, but not that they are of the chain that nodes follow, and a few are \
             cheap to forge; a --node of your own, --trusted-header and --min-work tie them to it",
        );
        let has_height = self.trusted_header.is_some_and(|trusted| trusted.height.is_some());
        let height = (!has_height).then_some(
            "the height of the inclusion is the delegation's word, and with it how much of the staking time is left; \
             a --node of your own or --trusted-header HASH:HEIGHT tells it",
        );
        unanchored.into_iter().chain(height).map(ToOwned::to_owned).collect()
    }
}
