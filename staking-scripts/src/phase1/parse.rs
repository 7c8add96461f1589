//! Parsing of one transaction as a phase-1 stake.

use bitcoin::{Transaction, XOnlyPublicKey};

use super::error::Phase1Error;
use super::rules::Phase1Rules;
use crate::outputs::op_return::OpReturnData;
use crate::outputs::output::StakingOutput;
use crate::outputs::parties::Parties;
use crate::transactions::funded::Funded;

/// A phase-1 stake that a transaction makes, with the rules that it breaks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Phase1Stake {
    /// The staking output.
    pub staking: Funded<StakingOutput>,
    /// The finality provider.
    pub finality_provider: XOnlyPublicKey,
    /// The tag of the OP_RETURN data.
    pub tag: [u8; 4],
    /// The rules that it breaks: tag, staking time, amount, height, cap. Such a stake was not counted, but
    /// its coins are the staker's all the same.
    pub broken: Vec<Phase1Error>,
}

impl Phase1Stake {
    /// Returns the phase-1 stake that `transaction` makes: OP_RETURN data, and beside them exactly once the
    /// output that these data and the committee of the parameters make. Data alone are no stake: anybody can
    /// write them.
    ///
    /// # Errors
    /// [`Phase1Error`] when it makes none: it has not exactly one OP_RETURN output of a stake, the keys make
    /// no stake, or not exactly one output pays to the staking output of this data.
    pub fn find<'a>(
        transaction: &Transaction,
        rules: impl Into<Phase1Rules<'a>>,
    ) -> Result<Self, Phase1Error> {
        Self::of_data(transaction, &OpReturnData::of(transaction)?, &rules.into())
    }

    /// Returns the stake of a transaction whose OP_RETURN data are read.
    pub(super) fn of_data(
        transaction: &Transaction,
        said: &OpReturnData,
        rules: &Phase1Rules<'_>,
    ) -> Result<Self, Phase1Error> {
        let parameters = rules.parameters();
        let finality_provider = said.finality_provider;
        let parties = Parties::new(said.staker, [finality_provider], parameters.covenant.clone())?;
        let staking = Funded::find(StakingOutput::new(parties, said.staking_time)?, transaction)?;
        let mut broken = Vec::new();
        if let Some(expected) = parameters.tag.filter(|expected| said.tag != *expected) {
            broken.push(Phase1Error::OtherTag { found: said.tag, expected });
        }
        if !parameters.staking_time.contains(&said.staking_time) {
            let allowed = parameters.staking_time.clone();
            broken.push(Phase1Error::StakingTime { found: said.staking_time, allowed });
        }
        if !parameters.staking_amount.contains(&staking.amount()) {
            let allowed = parameters.staking_amount.clone();
            broken.push(Phase1Error::Amount { found: staking.amount(), allowed });
        }
        broken.extend(rules.broken_by_place());
        Ok(Self { staking, finality_provider, tag: said.tag, broken })
    }
}

/// Returns the staking output of the phase-1 stake that `transaction` makes, under the parameters in force at
/// the height of the block that includes it. What the rules do not know is not checked
/// ([`Phase1Rules::not_checked`]), nor whether the block is deep enough.
///
/// # Errors
/// [`Phase1Error`], one for each rule: exactly one OP_RETURN output of a stake, with the parameters' tag,
/// keys on the curve that differ from each other and from the committee's, and a staking time within the
/// range; exactly one output that pays to the staking output of this data, with an amount within the range;
/// the height and the cap.
pub fn parse_phase1_stake<'a>(
    transaction: &Transaction,
    rules: impl Into<Phase1Rules<'a>>,
) -> Result<Funded<StakingOutput>, Phase1Error> {
    let Phase1Stake { staking, broken, .. } = Phase1Stake::find(transaction, rules)?;
    broken.into_iter().next().map_or(Ok(staking), Err)
}
