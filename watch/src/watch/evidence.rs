//! From evidence to slashing transactions that are ready.

use eots::SecretKey;
use finality::Evidence;
use staking_scripts::Delegation;
use staking_scripts::delegation::SlashedOutput;

use super::{Output, Watch};
use crate::alert::Alert;
use crate::complete::Candidates;
use crate::rows;
use crate::stake::StakeId;

impl Watch {
    /// Extracts the key, and asks for everything that can be slashed with it.
    pub(super) fn accused(&mut self, evidence: &Evidence, output: &mut Output) {
        let (provider, height) = (evidence.public_key, evidence.canonical.height());
        // The chain repeats it as often as it is asked.
        if self.accused.contains(&(provider, height)) {
            return;
        }
        let key = match evidence.extract() {
            Ok(key) => key,
            Err(error) => {
                let reason = error.to_string();
                return self.tell(Alert::InvalidEvidence { provider, height, reason }, output);
            }
        };
        self.accused.insert((provider, height));
        rows::put_evidence(&mut output.changes, evidence);
        if self.keys.contains_key(&provider) {
            return;
        }
        self.keys.insert(provider, key);
        self.tell(Alert::Equivocation { provider, height }, output);
        self.want_all(&provider, output);
    }

    /// Completes the slashing transactions of stored delegations, and sends them.
    pub(super) fn loaded(&mut self, delegations: &[Delegation], output: &mut Output) {
        for delegation in delegations {
            let id = self.tracker.find(&delegation.staking_transaction.compute_txid());
            let providers = delegation.staked_to.keys();
            let key = providers.iter().find_map(|provider| self.keys.get(provider)).cloned();
            if let (Some(id), Some(key)) = (id, key) {
                self.complete(id, delegation, &key, output);
            }
        }
    }

    pub(super) fn complete(
        &mut self,
        id: StakeId,
        delegation: &Delegation,
        key: &SecretKey,
        output: &mut Output,
    ) {
        let candidates = Candidates::of(delegation, key, &self.settings.parameters);
        self.slasher.complete(id, candidates);
        let stake = delegation.staking_transaction.compute_txid();
        for which in [SlashedOutput::Staking, SlashedOutput::Unbonding] {
            if let Some(Err(reason)) = self.slasher.transaction(id, which) {
                let reason = reason.clone();
                self.tell(Alert::CannotSlash { stake, output: which, reason }, output);
            }
        }
        self.send_one(id, output);
    }
}
