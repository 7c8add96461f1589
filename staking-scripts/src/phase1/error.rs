//! The rules of phase-1 stakes, each with a machine name.

use std::ops::RangeInclusive;

use bitcoin::absolute::Height;
use bitcoin::{Amount, XOnlyPublicKey};

use crate::outputs::error::InvalidParties;
use crate::outputs::op_return::OpReturnError;
use crate::outputs::timelock::Timelock;
use crate::transactions::funded::FundedError;

/// The transaction is not a phase-1 stake under the parameters, or one that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Phase1Error {
    /// The bytes are not a transaction.
    #[error("the bytes are not a transaction: {0}")]
    Bytes(String),
    /// The transaction does not have exactly one valid OP_RETURN output of a phase-1 stake.
    #[error(transparent)]
    OpReturn(#[from] OpReturnError),
    /// The OP_RETURN tag is not the parameters'.
    #[error("the OP_RETURN tag is {}; must be {}", hex::encode(found), hex::encode(expected))]
    OtherTag {
        /// The tag found.
        found: [u8; 4],
        /// The parameters' tag.
        expected: [u8; 4],
    },
    /// The keys make no stake with the parameters' covenant committee.
    #[error(transparent)]
    Parties(#[from] InvalidParties),
    /// The transaction does not pay to the staking output exactly once.
    #[error(transparent)]
    StakingOutput(#[from] FundedError),
    /// The staking time is outside the parameters' range.
    #[error("the staking time is {found} blocks; must be {} to {}", allowed.start(), allowed.end())]
    StakingTime {
        /// The staking time found.
        found: Timelock,
        /// The parameters' range.
        allowed: RangeInclusive<Timelock>,
    },
    /// The amount staked is outside the parameters' range.
    #[error("the stake holds {} sat; must be {} to {} sat", .found.to_sat(), .allowed.start().to_sat(), .allowed.end().to_sat())]
    Amount {
        /// The amount staked.
        found: Amount,
        /// The parameters' range.
        allowed: RangeInclusive<Amount>,
    },
    /// The version of the parameters is not in force at the height of the block.
    #[error("the block's height is {height}; must be {from}{}, where these parameters are in force", .until.map_or_else(|| " or above".to_owned(), |until| format!(" or above, and below {until}")))]
    NotInForce {
        /// The height of the block that includes the stake.
        height: Height,
        /// The activation height of the version.
        from: Height,
        /// The activation height of the next version.
        until: Option<Height>,
    },
    /// The block is above the last height at which stakes were accepted.
    #[error("the block's height is {height}; must be at most {cap}, the cap height")]
    CapHeight {
        /// The height of the block that includes the stake.
        height: Height,
        /// The cap height.
        cap: Height,
    },
    /// The stakes before it have reached the cap.
    #[error("the stakes before it hold {} sat; must be below the staking cap, {} sat", .staked.to_sat(), .cap.to_sat())]
    StakingCap {
        /// The sum of the active stakes before it.
        staked: Amount,
        /// The cap.
        cap: Amount,
    },
    /// The OP_RETURN data name another staker than the staking output beside them.
    #[error("the OP_RETURN names the staker {found}; must be {expected}, whose the staking output is")]
    OtherStaker {
        /// The staker in the data.
        found: XOnlyPublicKey,
        /// The staker of the output.
        expected: XOnlyPublicKey,
    },
    /// The OP_RETURN data name another finality provider than the staking output beside them.
    #[error("the OP_RETURN names the finality provider {found}; must be {}, as the staking output has", .expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    OtherFinalityProvider {
        /// The finality provider in the data.
        found: XOnlyPublicKey,
        /// The finality providers of the output.
        expected: Vec<XOnlyPublicKey>,
    },
    /// The OP_RETURN data name another staking time than the staking output beside them.
    #[error(
        "the OP_RETURN names a staking time of {found} blocks; must be {expected}, as the staking output has"
    )]
    OtherStakingTime {
        /// The staking time in the data.
        found: Timelock,
        /// The staking time of the output.
        expected: Timelock,
    },
}

impl Phase1Error {
    /// Returns the machine name of the rule: stable, in snake case. Rules that stakes of Babylon Genesis have
    /// too have the same name.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Bytes(_) => "transaction",
            Self::OpReturn(_) => "op_return",
            Self::OtherTag { .. } => "op_return_tag",
            Self::Parties(_) => "parties",
            Self::StakingOutput(_) => "staking_output",
            Self::StakingTime { .. } => "staking_time",
            Self::Amount { .. } => "staking_amount",
            Self::NotInForce { .. } => "height",
            Self::CapHeight { .. } => "cap_height",
            Self::StakingCap { .. } => "staking_cap",
            Self::OtherStaker { .. } => "op_return_staker",
            Self::OtherFinalityProvider { .. } => "op_return_finality_provider",
            Self::OtherStakingTime { .. } => "op_return_staking_time",
        }
    }
}
