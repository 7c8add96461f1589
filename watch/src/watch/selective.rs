//! From a slashing transaction without evidence to its provider's key.

use bitcoin::{Transaction, Txid};
use eots::SecretKey;
use staking_scripts::Delegation;
use staking_scripts::delegation::DelegationRelation;

use super::settings::OnSelective;
use super::{Output, Watch};
use crate::alert::Alert;
use crate::event::Action;
use crate::rows;
use crate::stake::StakeId;

/// How many slashing transactions of one provider are kept: its key follows from any of them.
const MOST_KEPT: usize = 3;

impl Watch {
    /// Stores a slashing transaction in a block that may show a key which is not known, and asks for what
    /// shows it. What a block had is not told again, so it is stored with the block.
    pub(super) fn slashed(&mut self, id: StakeId, slashing: &Transaction, output: &mut Output) {
        let Some(stake) = self.tracker.stake(id) else { return };
        let txid = stake.outpoint.txid;
        let providers = stake.providers.iter().filter_map(|id| self.tracker.provider(*id));
        let are_known: Vec<bool> = providers.map(|provider| self.keys.contains_key(provider)).collect();
        let (is_known, may_be_another) = (are_known.contains(&true), are_known.contains(&false));
        if !is_known {
            self.tell(Alert::SelectiveSlashing { stake: txid, by: slashing.compute_txid() }, output);
        }
        // Of a stake to several providers, another than the known one may have done it.
        if may_be_another {
            rows::put_slashing(&mut output.changes, &txid, slashing);
            output.actions.push(Action::Recover { stake: txid });
        }
    }

    /// Recovers a provider's key, and does what the settings say.
    pub(super) fn recovered(&mut self, delegation: &Delegation, slashing: &Transaction, output: &mut Output) {
        let stake = delegation.staking_transaction.compute_txid();
        // What shows no key now may with the next delegation of the stake, which has more signatures.
        let Some(key) = self.recover(delegation, slashing) else { return };
        let provider = *key.public_key();
        if self.accused.contains_key(&provider) {
            return rows::delete_slashing(&mut output.changes, &stake);
        }
        self.tell(Alert::SelectiveSlashing { stake, by: slashing.compute_txid() }, output);
        let kept = self.shown.entry(provider).or_default();
        if kept.len() >= MOST_KEPT && !kept.contains(&stake) {
            return rows::delete_slashing(&mut output.changes, &stake);
        }
        kept.insert(stake);
        if self.settings.on_selective != OnSelective::Alert && !self.keys.contains_key(&provider) {
            self.keys.insert(provider, key);
            self.want_all(&provider, output);
        }
    }

    fn recover(&self, delegation: &Delegation, slashing: &Transaction) -> Option<SecretKey> {
        let (_, version) = delegation.parameters(&self.settings.parameters).ok()?;
        DelegationRelation::new(delegation, version).recover_provider_key(slashing)
    }

    /// Asks again for what shows a key, of a stake of which more is known now.
    pub(super) fn recover_again(&self, id: StakeId, txid: Txid, output: &mut Output) {
        if self.tracker.stake(id).is_some_and(|stake| stake.slashing().is_some()) {
            output.actions.push(Action::Recover { stake: txid });
        }
    }
}
