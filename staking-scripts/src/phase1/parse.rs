//! Parsing of one transaction as a phase-1 stake.

use std::ops::RangeInclusive;

use bitcoin::{Amount, Transaction, XOnlyPublicKey};

use crate::outputs::error::InvalidParties;
use crate::outputs::op_return::{OpReturnData, OpReturnError};
use crate::outputs::output::StakingOutput;
use crate::outputs::parties::Parties;
use crate::outputs::timelock::Timelock;
use crate::parameters::Phase1Parameters;
use crate::transactions::funded::{Funded, FundedError};

/// The transaction is not a phase-1 stake under the parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Phase1Error {
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
    #[error("the stake holds {} sat; must be {} to {}", .found.to_sat(), .allowed.start().to_sat(), .allowed.end().to_sat())]
    Amount {
        /// The amount staked.
        found: Amount,
        /// The parameters' range.
        allowed: RangeInclusive<Amount>,
    },
}

/// A phase-1 stake that a transaction makes, with the rules that it breaks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Phase1Stake {
    /// The staking output.
    pub staking: Funded<StakingOutput>,
    /// The finality provider.
    pub finality_provider: XOnlyPublicKey,
    /// The rules that it breaks: tag, staking time, amount. Such a stake was not counted, but its coins are
    /// the staker's all the same.
    pub broken: Vec<Phase1Error>,
}

impl Phase1Stake {
    /// Returns the phase-1 stake that `transaction` makes, under the parameters in force at the height of the
    /// block that includes it.
    ///
    /// # Errors
    /// [`Phase1Error`] when it makes none: it has not exactly one OP_RETURN output of a stake, the keys make
    /// no stake, or not exactly one output pays to the staking output of this data.
    pub fn find(transaction: &Transaction, parameters: &Phase1Parameters) -> Result<Self, Phase1Error> {
        let said = OpReturnData::of(transaction)?;
        let finality_provider = said.finality_provider;
        let parties = Parties::new(said.staker, [finality_provider], parameters.covenant.clone())?;
        let staking = Funded::find(StakingOutput::new(parties, said.staking_time)?, transaction)?;
        let mut broken = Vec::new();
        if said.tag != parameters.tag {
            broken.push(Phase1Error::OtherTag { found: said.tag, expected: parameters.tag });
        }
        if !parameters.staking_time.contains(&said.staking_time) {
            let allowed = parameters.staking_time.clone();
            broken.push(Phase1Error::StakingTime { found: said.staking_time, allowed });
        }
        if !parameters.staking_amount.contains(&staking.amount()) {
            let allowed = parameters.staking_amount.clone();
            broken.push(Phase1Error::Amount { found: staking.amount(), allowed });
        }
        Ok(Self { staking, finality_provider, broken })
    }
}

/// Returns the staking output of the phase-1 stake that `transaction` makes, under the parameters in force at
/// the height of the block that includes it. Whether the cap was reached and the block is deep enough is not
/// checked here.
///
/// # Errors
/// [`Phase1Error`], one for each rule: exactly one OP_RETURN output of a stake, with the parameters' tag,
/// keys on the curve that differ from each other and from the committee's, and a staking time within the
/// range; exactly one output that pays to the staking output of this data, with an amount within the range.
pub fn parse_phase1_stake(
    transaction: &Transaction,
    parameters: &Phase1Parameters,
) -> Result<Funded<StakingOutput>, Phase1Error> {
    let Phase1Stake { staking, broken, .. } = Phase1Stake::find(transaction, parameters)?;
    broken.into_iter().next().map_or(Ok(staking), Err)
}
