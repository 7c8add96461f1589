//! OP_RETURN data that contradict the staking output beside them.

use bitcoin::Transaction;

use super::error::Phase1Error;
use crate::outputs::op_return::OpReturnData;
use crate::outputs::output::StakingOutput;
use crate::outputs::parties::Parties;
use crate::outputs::timelock::Timelock;
use crate::parameters::CommonParameters;
use crate::transactions::funded::Funded;

/// Returns what the OP_RETURN data and the staking output beside them say differently: the staker, the
/// finality provider, the staking time.
pub fn contradictions(said: &OpReturnData, output: &StakingOutput) -> Vec<Phase1Error> {
    let parties = output.parties();
    let (staker, providers) = (*parties.staker(), parties.finality_providers().as_slice());
    let other_staker =
        (said.staker != staker).then_some(Phase1Error::OtherStaker { found: said.staker, expected: staker });
    let other_provider = (providers != [said.finality_provider]).then(|| {
        Phase1Error::OtherFinalityProvider { found: said.finality_provider, expected: providers.to_vec() }
    });
    let (found, expected) = (said.staking_time, output.staking_time());
    let other_time = (found != expected).then_some(Phase1Error::OtherStakingTime { found, expected });
    [other_staker, other_provider, other_time].into_iter().flatten().collect()
}

/// Returns what OP_RETURN data say differently from the staking output in `transaction`, which nobody
/// describes. An output shows its keys and its time to nobody, so those that a slip would make are tried: the
/// keys of the data, as they stand or swapped, with their staking time, its two bytes swapped, or the
/// shortest or longest time of the parameters. Nothing where none of these outputs is there.
///
/// It builds up to eight outputs, so it is for a transaction that somebody asks about, not for every
/// transaction of a block.
pub fn contradictions_in<'a>(
    transaction: &Transaction,
    said: &OpReturnData,
    parameters: impl Into<CommonParameters<'a>>,
) -> Vec<Phase1Error> {
    let parameters = parameters.into();
    let swapped = Timelock::from_blocks(said.staking_time.blocks().swap_bytes().into()).ok();
    let (shortest, longest) = (*parameters.staking_time.start(), *parameters.staking_time.end());
    let mut times = vec![said.staking_time];
    for time in swapped.into_iter().chain([shortest, longest]) {
        if !times.contains(&time) {
            times.push(time);
        }
    }
    let keys = [(said.staker, said.finality_provider), (said.finality_provider, said.staker)];
    for (staker, provider) in keys {
        let Ok(parties) = Parties::new(staker, [provider], parameters.covenant.clone()) else { continue };
        for time in &times {
            let output = StakingOutput::new(parties.clone(), *time).ok();
            let found = output.and_then(|output| Funded::find(output, transaction).ok());
            if let Some(found) = found {
                return contradictions(said, found.output());
            }
        }
    }
    Vec::new()
}
