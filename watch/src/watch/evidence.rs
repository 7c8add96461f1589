//! From evidence to slashing transactions that are ready.

use std::collections::BTreeMap;

use bitcoin::{Txid, XOnlyPublicKey};
use eots::SecretKey;
use finality::Evidence;
use staking_scripts::Delegation;
use staking_scripts::delegation::SlashedOutput;

use super::{Output, Watch};
use crate::alert::Alert;
use crate::complete::{Candidates, ReadyStake};
use crate::event::Action;
use crate::rows;
use crate::stake::StakeId;

/// How much evidence of one provider is kept: its key follows from any of it.
const MOST_KEPT: usize = 8;
/// Of how many providers without a known stake evidence is kept.
const MOST_STRANGERS: usize = if cfg!(test) { 20 } else { 10_000 };

impl Watch {
    /// Extracts the key, and asks for everything that can be slashed with it.
    pub(super) fn accused(&mut self, evidence: &Evidence, output: &mut Output) {
        let (provider, height) = (evidence.public_key, evidence.canonical.height());
        // The chain repeats it as often as it is asked.
        let kept = self.accused.get(&provider);
        if kept.is_some_and(|kept| kept.contains(&height) || kept.len() >= MOST_KEPT) {
            return;
        }
        if kept.is_none() && !self.has_room(&provider) {
            return self.tell(Alert::TooManyAccused { providers: MOST_STRANGERS }, output);
        }
        let key = match evidence.extract() {
            Ok(key) => key,
            Err(error) => {
                let reason = error.to_string();
                return self.tell_of_untrusted(Alert::InvalidEvidence { provider, height, reason }, output);
            }
        };
        let is_first = kept.is_none();
        self.accused.entry(provider).or_default().insert(height);
        rows::put_evidence(&mut output.changes, evidence);
        self.keys.entry(provider).or_insert(key);
        if is_first {
            self.tell(Alert::Equivocation { provider, height }, output);
            self.want_all(&provider, output);
        }
    }

    /// Returns whether evidence against a provider is kept of whom there is none: anybody can make evidence
    /// against a key of his own. What is not kept counts when a stake of the provider is known and it comes
    /// again.
    fn has_room(&self, provider: &XOnlyPublicKey) -> bool {
        let is_stranger = |provider: &XOnlyPublicKey| self.tracker.provider_id(provider).is_none();
        self.accused.len() < MOST_STRANGERS
            || !is_stranger(provider)
            || self.accused.keys().filter(|accused| is_stranger(accused)).count() < MOST_STRANGERS
    }

    /// Completes slashing transactions that are ready, and sends them. Where one cannot be completed so, its
    /// delegation may have other signatures, or says why not.
    pub(super) fn ready(&mut self, ready: &[(Txid, ReadyStake)], others: &[Txid], output: &mut Output) {
        let mut of_provider: BTreeMap<XOnlyPublicKey, Vec<(StakeId, Txid, &ReadyStake)>> = BTreeMap::new();
        let mut left = others.to_vec();
        for (txid, ready) in ready {
            let found = self.tracker.find(txid).and_then(|id| Some((id, self.slashed_provider(id)?)));
            match found {
                Some((id, provider)) => of_provider.entry(provider).or_default().push((id, *txid, ready)),
                None => left.push(*txid),
            }
        }
        for (provider, stakes) in of_provider {
            let Some(key) = self.keys.get(&provider) else { continue };
            let all: Vec<&ReadyStake> = stakes.iter().map(|(.., ready)| *ready).collect();
            let completed = ReadyStake::complete(&all, key);
            for ((id, txid, _), candidates) in stakes.into_iter().zip(completed) {
                match candidates {
                    Some(candidates) => {
                        self.slasher.complete(id, candidates);
                        self.send_one(id, output);
                    }
                    None => left.push(txid),
                }
            }
        }
        if !left.is_empty() {
            output.actions.push(Action::LoadDelegations { stakes: left });
        }
    }

    /// Returns a provider of a stake whose key is known.
    fn slashed_provider(&self, id: StakeId) -> Option<XOnlyPublicKey> {
        let mut providers =
            self.tracker.stake(id)?.providers.iter().filter_map(|id| self.tracker.provider(*id));
        providers.find(|provider| self.keys.contains_key(provider)).copied()
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
