//! Storing and doing what the core says, in order.

use std::collections::VecDeque;

use bitcoin::{Amount, Transaction, Txid};
use chain::{NodeError, RejectionClass};
use staking_scripts::delegation::SlashedOutput;
use store::ChangeSet;

use super::{Driver, DriverError};
use crate::alert::Alert;
use crate::event::{Action, Event, Verdict};
use crate::rows::{StoredReady, stored_delegations, stored_ready, stored_slashing};
use crate::told::Told;
use crate::watch::Output;

/// By how much a slashing transaction counts as paying more on the own node: above what anybody pays.
const PRIORITY: Amount = Amount::from_sat(10_000_000);
/// What the node says where a transaction pays less than any that waits: its parent's fee may count with it.
const PAYS_TOO_LITTLE: [&str; 2] = ["mempool min fee not met", "min relay fee not met"];

/// What is still to be told, stored and done of an output.
pub(super) struct Pending {
    alerts: Vec<Alert>,
    changes: ChangeSet,
    actions: VecDeque<Action>,
}

impl From<Output> for Pending {
    fn from(Output { changes, actions }: Output) -> Self {
        let mut pending = Self { alerts: Vec::new(), changes, actions: VecDeque::new() };
        for action in actions {
            match action {
                Action::Alert(alert) => pending.alerts.push(alert),
                action => pending.actions.push_back(action),
            }
        }
        pending
    }
}

impl Driver<'_> {
    /// Stores and does what is pending. What fails stays pending, and is stored before anything later.
    pub(super) fn carry_out(&mut self) -> Result<(), DriverError> {
        while let Some(pending) = self.pending.front_mut() {
            // Somebody is told before it is stored that he was: after a crash he is told again, and not
            // never.
            for alert in pending.alerts.drain(..) {
                self.observer.told(&Told::Alert(&alert));
            }
            // Nothing else is done that would not be done again after a crash.
            if !pending.changes.is_empty() {
                self.store.apply(&pending.changes)?;
                pending.changes = ChangeSet::new();
            }
            let Some(action) = pending.actions.pop_front() else {
                self.pending.pop_front();
                continue;
            };
            match self.act(&action) {
                Ok(followed) => self.pending.extend(followed.map(Pending::from)),
                Err(error) => {
                    if let Some(pending) = self.pending.front_mut() {
                        pending.actions.push_front(action);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Does something, and returns what follows.
    fn act(&mut self, action: &Action) -> Result<Option<Output>, DriverError> {
        Ok(match action {
            // They are told apart from the others.
            Action::Alert(_) => None,
            Action::Load { stakes } => {
                let StoredReady { ready, others } = stored_ready(&mut *self.store, stakes)?;
                Some(self.watch.handle(Event::Ready { ready: &ready, others: &others }))
            }
            Action::LoadDelegations { stakes } => {
                let delegations = stored_delegations(&mut *self.store, stakes)?;
                Some(self.watch.handle(Event::Loaded { delegations: &delegations }))
            }
            Action::Recover { stake } => {
                let found = stored_slashing(&mut *self.store, stake)?;
                found.map(|(delegation, transaction)| {
                    let (delegation, transaction) = (&delegation, &transaction);
                    self.watch.handle(Event::Slashing { delegation, transaction })
                })
            }
            Action::LookBack { stakes } => {
                self.look_back.extend(stakes.iter().copied());
                None
            }
            Action::LookBackAll { since } => {
                let least = self.look_back_all.map_or(*since, |earlier| earlier.min(*since));
                self.look_back_all = Some(least);
                None
            }
            Action::Broadcast { stake, output, transaction } => self.send(*stake, *output, transaction),
        })
    }

    fn send(&mut self, stake: Txid, output: SlashedOutput, transaction: &Transaction) -> Option<Output> {
        let verdict = self.sends.then(|| self.hand_over(stake, output, transaction));
        self.observer.told(&Told::Sent { stake, output, transaction, verdict: verdict.as_ref() });
        verdict.map(|verdict| self.watch.handle(Event::Verdict { stake, output, verdict }))
    }

    /// Hands a transaction to the node. Where its mempool has something dearer, it is tried with the parent
    /// that waits there, and then as if it paid more, where that is wanted.
    fn hand_over(&mut self, stake: Txid, output: SlashedOutput, transaction: &Transaction) -> Verdict {
        let first = verdict(self.node.broadcast(transaction));
        let Verdict::Refused { class: RejectionClass::Mempool, reason } = &first else { return first };
        // Its input is there, or it would be refused for that.
        if PAYS_TOO_LITTLE.iter().any(|words| reason.contains(words))
            && !self.has_source_in_block(stake, output)
            && let Some(parent) = transaction.input.first().map(|input| input.previous_output.txid)
            && let Ok(Some(found)) = self.node.transaction(&parent)
        {
            let second = verdict(self.node.broadcast_with_parent(&found.transaction, transaction));
            if !is_too_cheap(&second) {
                return second;
            }
        }
        let txid = transaction.compute_txid();
        // It adds up, and holds until the node is started again.
        if self.prioritises
            && !self.prioritised.contains(&txid)
            && self.node.prioritise(&txid, PRIORITY).is_ok()
        {
            self.prioritised.insert(txid);
            return verdict(self.node.broadcast(transaction));
        }
        first
    }

    /// Whether a block has the transaction whose output is slashed.
    fn has_source_in_block(&self, stake: Txid, output: SlashedOutput) -> bool {
        let tracker = self.watch.tracker();
        let stake = tracker.find(&stake).and_then(|id| tracker.stake(id));
        stake.is_some_and(|stake| match output {
            SlashedOutput::Staking => stake.included_height().is_some(),
            SlashedOutput::Unbonding => stake.unbonding_output().is_some(),
        })
    }
}

/// Whether the node refuses a transaction for what it, or others, pay.
const fn is_too_cheap(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Refused { class: RejectionClass::Mempool, .. })
}

/// What a node's answer to a broadcast means.
fn verdict(answer: Result<Txid, NodeError>) -> Verdict {
    match answer {
        Ok(_) => Verdict::Taken,
        Err(error) => match error.rejection_class() {
            Some(class) => Verdict::Refused { class, reason: error.to_string() },
            None => Verdict::Unanswered,
        },
    }
}
