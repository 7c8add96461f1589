//! What follows from blocks: sending what is not deep enough, and telling of what ended.

use staking_scripts::SpendPath;

use super::{Output, Watch};
use crate::alert::Alert;
use crate::event::Action;
use crate::slasher::{Aim, aim};
use crate::stake::StakeId;
use crate::tracker::StakeChange;

impl Watch {
    /// Stores what a block changed, and tells of spends that need somebody.
    pub(super) fn changed(&mut self, changes: Vec<StakeChange>, output: &mut Output) {
        for change in changes {
            let id = change.stake();
            self.put(id, output);
            let StakeChange::Spent { spend, .. } = &change else { continue };
            let Some(stake) = self.tracker.stake(id) else { continue };
            let mut providers = stake.providers.iter().filter_map(|id| self.tracker.provider(*id));
            let is_known = providers.any(|provider| self.keys.contains_key(provider));
            if spend.path == Some(SpendPath::Slashing) && !is_known {
                let alert = Alert::SelectiveSlashing { stake: stake.outpoint.txid, by: spend.txid };
                self.tell(alert, output);
            }
        }
    }

    /// Sends the slashing transaction of every stake of which none is deep enough.
    pub(super) fn send(&mut self, output: &mut Output) {
        self.sent_at = self.seconds;
        self.slasher.begin_round();
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
