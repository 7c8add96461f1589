//! Telling somebody of something, once.

use std::collections::{BTreeMap, BTreeSet};

use super::{Output, Watch};
use crate::alert::Alert;
use crate::event::Action;
use crate::rows;

/// How many alerts of a kind are told that anybody can cause who is listened to.
const MOST_OF_UNTRUSTED: u32 = 100;

/// What was told. There are a few alerts of each stake and provider that is stored; what is stored of others
/// is bounded.
#[derive(Debug, Default)]
pub(super) struct Teller {
    told: BTreeSet<String>,
    /// How many of each kind.
    counts: BTreeMap<String, u32>,
}

impl Teller {
    /// Takes note that this was told. Returns whether it was not before.
    pub(super) fn note(&mut self, key: String) -> bool {
        let kind = key.split('/').next().unwrap_or_default().to_owned();
        let is_new = self.told.insert(key);
        if is_new {
            let count = self.counts.entry(kind).or_default();
            *count = count.saturating_add(1);
        }
        is_new
    }

    fn count(&self, kind: &str) -> u32 {
        self.counts.get(kind).copied().unwrap_or_default()
    }
}

impl Watch {
    /// Tells somebody, once.
    pub(super) fn tell(&mut self, alert: Alert, output: &mut Output) {
        let key = alert.key();
        if self.teller.note(key.clone()) {
            rows::put_told(&mut output.changes, &key);
            output.actions.push(Action::Alert(alert));
        }
    }

    /// Tells somebody, once, of what anybody can cause who is listened to, with as many different things as
    /// he likes: the first ones are told, and then that there are more.
    pub(super) fn tell_of_untrusted(&mut self, alert: Alert, output: &mut Output) {
        let kind = alert.kind();
        if self.teller.count(kind) < MOST_OF_UNTRUSTED {
            self.tell(alert, output);
        } else if !self.teller.told.contains(&alert.key()) {
            self.tell(Alert::Flooded { kind, told: MOST_OF_UNTRUSTED }, output);
        }
    }
}
