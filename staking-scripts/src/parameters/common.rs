//! What both forms of parameters have in common.

use std::ops::RangeInclusive;

use bitcoin::Amount;
use bitcoin::absolute::Height;

use super::{Parameters, Phase1Parameters, StakingCap};
use crate::outputs::committee::CovenantCommittee;
use crate::outputs::timelock::Timelock;

/// One version of the parameters of either form, of Babylon Genesis or of phase 1: what the outputs and the
/// unbonding of a stake depend on. The versions of both forms are the same where both are in force, so either
/// file tells of a phase-1 stake; tag and cap stand in those of phase 1 alone.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct CommonParameters<'a> {
    /// The Bitcoin height from which on this version is in force.
    pub activation_height: Height,
    /// The covenant committee.
    pub covenant: &'a CovenantCommittee,
    /// The range of the staking amount.
    pub staking_amount: &'a RangeInclusive<Amount>,
    /// The range of the staking time.
    pub staking_time: &'a RangeInclusive<Timelock>,
    /// The unbonding time.
    pub unbonding_time: Timelock,
    /// The fee of an unbonding transaction, exactly.
    pub unbonding_fee: Amount,
    /// The tag of the network; `None` in the parameters of Babylon Genesis.
    pub tag: Option<[u8; 4]>,
    /// The cap on stakes; `None` in the parameters of Babylon Genesis.
    pub cap: Option<StakingCap>,
    /// The parameters of Babylon Genesis, which have the rules of slashing; `None` in those of phase 1.
    pub genesis: Option<&'a Parameters>,
}

impl<'a> From<&'a Parameters> for CommonParameters<'a> {
    fn from(parameters: &'a Parameters) -> Self {
        Self {
            activation_height: parameters.activation_height(),
            covenant: parameters.covenant(),
            staking_amount: parameters.staking_amount(),
            staking_time: parameters.staking_time(),
            unbonding_time: parameters.unbonding_time(),
            unbonding_fee: parameters.unbonding_fee(),
            tag: None,
            cap: None,
            genesis: Some(parameters),
        }
    }
}

impl<'a> From<&'a Phase1Parameters> for CommonParameters<'a> {
    fn from(parameters: &'a Phase1Parameters) -> Self {
        Self {
            activation_height: parameters.activation_height,
            covenant: &parameters.covenant,
            staking_amount: &parameters.staking_amount,
            staking_time: &parameters.staking_time,
            unbonding_time: parameters.unbonding_time,
            unbonding_fee: parameters.unbonding_fee,
            tag: Some(parameters.tag),
            cap: Some(parameters.cap),
            genesis: None,
        }
    }
}
