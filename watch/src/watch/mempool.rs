//! What waits in the node's mempool.

use std::collections::BTreeSet;

use bitcoin::Txid;

use super::{Output, Watch};
use crate::stake::TrackedStake;

impl Watch {
    /// Returns whether it matters what waits in the mempool: a stake is to be slashed whose staking
    /// transaction is in no block.
    pub fn needs_mempool(&self) -> bool {
        let is_nowhere = |stake: &TrackedStake| stake.included_height().is_none();
        self.slasher.stakes().filter_map(|id| self.tracker.stake(id)).any(is_nowhere)
    }

    pub(super) fn waiting(&mut self, txids: &[Txid], output: &mut Output) {
        let known: BTreeSet<Txid> =
            txids.iter().filter(|txid| self.tracker.find(txid).is_some()).copied().collect();
        let before = std::mem::replace(&mut self.waiting, known);
        let new: Vec<_> = self.waiting.difference(&before).copied().collect();
        for txid in new {
            if let Some(id) = self.tracker.find(&txid).filter(|id| self.slasher.is_wanted(*id)) {
                self.send_one(id, output);
            }
        }
    }
}
