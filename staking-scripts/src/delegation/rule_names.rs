//! The machine names of the rules of delegations.

use super::rules::StakeViolation;
use crate::outputs::error::InvalidParties;

impl StakeViolation {
    /// Returns the machine name of the rule: stable, in snake case.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Absent(_) => "absent",
            Self::NotInForce(_) | Self::StatedNotInForce(_) | Self::NoSuchVersion { .. } => "parameters",
            Self::Parties(InvalidParties::Unscriptable(_)) => "output",
            Self::Parties(_) => "parties",
            Self::SlashingDestination(_) => "slashing_destination",
            Self::StakingTime { .. } => "staking_time",
            Self::StakingAmount { .. } => "staking_amount",
            Self::Phase1(found) => found.rule(),
            Self::UnbondingTime { .. } => "unbonding_time",
            Self::StakingOutput(_) => "staking_output",
            Self::StakedAmount { .. } => "staked_amount",
            Self::Coinbase => "coinbase",
            Self::Impossible(_) => "impossible",
            Self::SigningContext { .. } => "signing_context",
            Self::StakeKind { .. } | Self::OtherStakeKind => "stake_kind",
            Self::ParametersVersion { .. } => "parameters_version",
            Self::Version { .. } => "version",
            Self::LockTime(_) => "lock_time",
            Self::Inputs { .. } => "inputs",
            Self::Outputs { .. } => "outputs",
            Self::Input { .. } => "input",
            Self::Spends { .. } => "spends",
            Self::OutputScript { .. } => "output_script",
            Self::OutputAmount { .. } => "output_amount",
            Self::FeeTooSmall { .. } => "fee_too_small",
            Self::UnbondingFee { .. } => "unbonding_fee",
            Self::Unpayable { .. } | Self::Differs(_) => "unpayable",
            Self::Dust { .. } => "dust",
            Self::TooHeavy { .. } => "too_heavy",
            Self::StakerSignature(_) => "staker_signature",
            Self::Possession(_) => "possession",
            Self::RunningStakeAbsent(_)
            | Self::RunningStakeParameters(_)
            | Self::RunningStakeParties(..)
            | Self::RunningStakeTime(..)
            | Self::RunningStakeOutput(..) => "running_stake",
            Self::Committee => "covenant_committee",
            Self::Timelock { .. } => "timelock",
            Self::Extension(_) => "extension",
            Self::Inclusion(_) => "inclusion",
            Self::InclusionHeight(..) | Self::OtherInclusionHeight(..) => "inclusion_height",
            Self::ParametersTooNew { .. } => "parameters_too_new",
            Self::EndsTooSoon { .. } => "ends_too_soon",
        }
    }
}
