//! Leaping over blocks whose spends an index tells.

use bitcoin::absolute::Height;
use chain::ChainTip;
use staking_scripts::parameters::StakingCap;

use super::{Output, Watch};
use crate::event::Action;
use crate::rows;

impl Watch {
    /// Returns whether the blocks above the last one have nothing that they alone tell: stakes of phase 1 are
    /// found in them, and nowhere else.
    pub fn may_leap(&self) -> bool {
        let Some(history) = &self.settings.phase1 else { return true };
        let next = self.tracker.height().saturating_add(1);
        let last = Height::from_consensus(u32::MAX >> 2).ok().and_then(|last| history.in_force(last).ok());
        let is_over = |cap| matches!(cap, StakingCap::Height(last) if last.to_consensus_u32() < next);
        last.is_some_and(|(_, version)| is_over(version.cap))
    }

    /// Takes note that blocks were leapt over. That is stored, so that what they have is looked for after a
    /// crash too.
    pub(super) fn leapt(&mut self, to: ChainTip, output: &mut Output) {
        let from = self.tracker.height();
        let next = from.saturating_add(1);
        let since = self.leapt_since.map_or(next, |since| since.min(next));
        self.leapt_since = Some(since);
        self.tracker.leap(to);
        rows::put_tip(&mut output.changes, to);
        rows::delete_passed_before(&mut output.changes, from, to.height.to_u32());
        rows::put_passed(&mut output.changes, to);
        rows::put_leap(&mut output.changes, since);
        output.actions.push(Action::LookBackAll { since });
    }

    /// Asks again for what was leapt over, of a store.
    pub(super) fn resume_leap(&mut self, since: u32, output: &mut Output) {
        self.leapt_since = Some(since);
        output.actions.push(Action::LookBackAll { since });
    }

    pub(super) fn all_looked_back(&mut self, output: &mut Output) {
        self.leapt_since = None;
        rows::delete_leap(&mut output.changes);
        self.send(output);
    }
}
