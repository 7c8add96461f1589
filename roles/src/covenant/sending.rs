//! Signatures on their way to the chain.

use std::fmt::Display;
use std::time::SystemTime;

use babylon::client::SendError;
use babylon::node::RefusalKind;
use babylon::with_causes;
use staking_scripts::CovenantRecord;

use super::alert::{CovenantAlert, CovenantEvent};
use super::daemon::{CovenantDaemon, Ready};
use crate::refusals::{culprit, is_too_large, refusal};

/// What the chain says of signatures that it has, or needs no more (v4.1.0).
const SETTLED: [&str; 2] =
    ["the covenant signature is already submitted", "the BTC delegation is already unbonded"];

impl<R> CovenantDaemon<'_, R>
where
    R: CovenantRecord,
    R::Error: Display,
{
    /// Sends signatures in one transaction; what makes it fail is cut out, and the rest sent again.
    pub(super) fn send(&mut self, mut ready: Vec<Ready>, now: SystemTime) {
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
            let place = match culprit(&error) {
                Some((place, _)) if place < ready.len() => place,
                // Nobody says which one it is: fewer tell.
                _ if is_of_content(&error) && ready.len() > 1 => {
                    ready.truncate(ready.len().div_ceil(2));
                    continue;
                }
                _ if is_of_content(&error) => 0,
                _ => {
                    failed = Some(with_causes(&error));
                    break;
                }
            };
            let stake = ready.remove(place).stake;
            let is_settled =
                refusal(&error).is_some_and(|refusal| SETTLED.iter().any(|text| refusal.log.contains(text)));
            if is_settled {
                self.submitted.insert(stake);
            } else {
                self.refuse(stake, with_causes(&error), now);
            }
        }
        self.alerts.set(observer, CovenantAlert::Sending, failed.is_some(), || failed.unwrap_or_default());
    }
}

/// Returns whether it is what is sent that fails, and not the account or the way.
fn is_of_content(error: &SendError) -> bool {
    let is_refused = refusal(error).is_some_and(|refusal| refusal.kind() == RefusalKind::Other);
    is_refused || is_too_large(error)
}
