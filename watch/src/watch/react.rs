//! What follows from blocks: sending what is not deep enough, and telling of what ended.

use staking_scripts::SpendPath;

use super::{Output, Watch};
use crate::alert::Alert;
use crate::event::Action;
use crate::slasher::{Aim, aim};
use crate::stake::StakeId;
use crate::tracker::StakeChange;

impl Watch {
    /// Stores what a block changed, and looks at slashing transactions.
    pub(super) fn changed(&mut self, changes: Vec<StakeChange>, output: &mut Output) {
        for change in changes {
            let id = change.stake();
            self.put(id, output);
            if let StakeChange::Spent { spend, transaction, .. } = &change
                && spend.path == Some(SpendPath::Slashing)
            {
                self.slashed(id, transaction, output);
            }
        }
    }

    /// Sends the slashing transaction of every stake of which none is deep enough.
    pub(super) fn send(&mut self, output: &mut Output) {
        self.sent_at = self.seconds;
        self.slasher.begin_round();
        self.begin_reports(output);
        let stakes: Vec<_> = self.slasher.stakes().collect();
        for id in stakes {
            self.send_one(id, output);
        }
    }

    pub(super) fn send_one(&mut self, id: StakeId, output: &mut Output) {
        let (tip, depth) = (self.tracker.height(), self.settings.depth);
        let Some(stake) = self.tracker.stake(id) else { return };
        let txid = stake.outpoint.txid;
        let is_seen = self.waiting.contains(&txid);
        let spent = stake.spends.as_ref().and_then(|spends| spends.unbonding.or(spends.staking));
        match (aim(stake, is_seen, tip, depth), spent) {
            (Aim::Slash(which), _) => {
                if let Some(Ok(transaction)) = self.slasher.transaction(id, which) {
                    let transaction = transaction.clone();
                    output.actions.push(Action::Broadcast { stake: txid, output: which, transaction });
                }
            }
            (Aim::Done, _) => {
                if let Some((_, spend)) = stake.slashing() {
                    self.tell(Alert::Slashed { stake: txid, by: spend.txid }, output);
                }
            }
            (Aim::Escaped, Some(spend)) => self.tell(Alert::Escaped { stake: txid, by: spend.txid }, output),
            (Aim::Extended, Some(spend)) if self.tracker.find(&spend.txid).is_none() => {
                self.tell(Alert::UnknownExtension { stake: txid, by: spend.txid }, output);
            }
            _ => {}
        }
    }
}
