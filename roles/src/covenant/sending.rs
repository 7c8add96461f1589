//! Signatures on their way to the chain.

use std::fmt::Display;

use babylon::with_causes;
use staking_scripts::CovenantRecord;

use super::alert::{CovenantAlert, CovenantEvent};
use super::daemon::{CovenantDaemon, Ready};
use crate::refusals::{culprit, is_too_large};

/// What the chain says of signatures that it has, or needs no more (v4.1.0).
const SETTLED: [&str; 2] =
    ["the covenant signature is already submitted", "the BTC delegation is already unbonded"];

impl<R> CovenantDaemon<'_, R>
where
    R: CovenantRecord,
    R::Error: Display,
{
    /// Sends signatures in one transaction; what makes it fail is cut out, and the rest sent again.
    pub(super) fn send(&mut self, mut ready: Vec<Ready>) {
        let observer = self.parts.observer;
        let mut failed = None;
        while !ready.is_empty() {
            let messages: Vec<_> = ready.iter().map(|ready| ready.message.clone()).collect();
            let error = match self.parts.account.send(&messages) {
                Ok(_) => {
                    for Ready { stake, .. } in ready.drain(..) {
                        self.submitted.insert(stake);
                        self.facts.submitted = self.facts.submitted.saturating_add(1);
                        observer.observe(&CovenantEvent::Submitted(stake));
                    }
                    break;
                }
                Err(error) => error,
            };
            match culprit(&error) {
                Some((place, refusal)) if place < ready.len() => {
                    let stake = ready.remove(place).stake;
                    if SETTLED.iter().any(|text| refusal.log.contains(text)) {
                        self.submitted.insert(stake);
                    } else {
                        failed = Some(format!("{stake}: {}", with_causes(&error)));
                    }
                }
                _ if is_too_large(&error) && ready.len() > 1 => ready.truncate(ready.len().div_ceil(2)),
                _ => {
                    failed = Some(with_causes(&error));
                    break;
                }
            }
        }
        self.alerts.set(observer, CovenantAlert::Sending, failed.is_some(), || failed.unwrap_or_default());
    }
}
