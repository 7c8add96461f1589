//! Phase-1 stakes, which nobody registered yet: they are found in the blocks themselves.

use bitcoin::absolute::Height;
use bitcoin::{Block, Transaction};
use staking_scripts::outputs::OpReturnData;
use staking_scripts::parameters::StakingCap;
use staking_scripts::phase1::{Phase1Rules, Phase1Stake};
use staking_scripts::{Delegation, ParametersHistory, Phase1Parameters};

use super::Watch;
use crate::facts::StakeFacts;

impl Watch {
    /// Learns the phase-1 stakes of a block that is judged next, which finds their inclusion and what spends
    /// them. A stake that is known already, registered or not, stays as it is.
    ///
    /// The block is read already, so each output is looked at where it stands: its script's length, first
    /// bytes and tag. A stake that breaks a rule which its block shows (tag, times, amount, heights) was not
    /// counted, and is not learned; a cap on the sum of all stakes is not looked at.
    pub(super) fn find_phase1(&mut self, block: &Block, height: u32) {
        let Some(rules) = self.settings.phase1.as_ref().and_then(|history| rules_at(history, height)) else {
            return;
        };
        let found: Vec<_> = block.txdata.iter().filter_map(|staking| stake(staking, rules)).collect();
        for facts in found {
            self.tracker.learn_phase1(&facts);
        }
    }
}

/// Returns the rules of a block of this height; `None` where no stake of it counts.
fn rules_at(history: &ParametersHistory<Phase1Parameters>, height: u32) -> Option<Phase1Rules<'_>> {
    let height = Height::from_consensus(height).ok()?;
    let (number, version) = history.in_force(height).ok()?;
    if let StakingCap::Height(last) = version.cap
        && height > last
    {
        return None;
    }
    Some(Phase1Rules::of_history(history).get(number)?.at(height))
}

/// Returns what is known of the phase-1 stake that a transaction makes; `None` where it makes none that
/// counts.
fn stake(staking: &Transaction, rules: Phase1Rules<'_>) -> Option<StakeFacts> {
    let said = OpReturnData::of(staking).ok()?;
    if rules.parameters().tag != Some(said.tag) {
        return None;
    }
    let found = Phase1Stake::find(staking, rules).ok().filter(|found| found.broken.is_empty())?;
    let delegation = Delegation::phase1(staking, rules).ok()?;
    let facts = StakeFacts::under(&delegation, rules.parameters().covenant).ok()?;
    // Whatever spends it by the unbonding leaf unbonds it: nobody registered a transaction for that.
    (facts.outpoint == found.staking.outpoint()).then_some(StakeFacts { unbonding_txid: None, ..facts })
}
