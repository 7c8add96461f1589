//! The alerts that are raised: each is told once when it begins, and once when it ends.

use std::collections::BTreeSet;

/// Who is told of alerts.
pub(crate) trait Tell<A> {
    fn raised(&self, alert: A, reason: String);
    fn cleared(&self, alert: A);
}

/// The alerts that are raised.
#[derive(Debug)]
pub(crate) struct Alerts<A> {
    raised: BTreeSet<A>,
}

impl<A> Default for Alerts<A> {
    fn default() -> Self {
        Self { raised: BTreeSet::new() }
    }
}

impl<A: Ord + Copy> Alerts<A> {
    /// Raises an alert, unless it is.
    pub(crate) fn raise<T: Tell<A> + ?Sized>(
        &mut self,
        observer: &T,
        alert: A,
        reason: impl FnOnce() -> String,
    ) {
        if self.raised.insert(alert) {
            observer.raised(alert, reason());
        }
    }

    /// Clears an alert, where it is raised.
    pub(crate) fn clear<T: Tell<A> + ?Sized>(&mut self, observer: &T, alert: A) {
        if self.raised.remove(&alert) {
            observer.cleared(alert);
        }
    }

    /// Raises or clears an alert.
    pub(crate) fn set<T: Tell<A> + ?Sized>(
        &mut self,
        observer: &T,
        alert: A,
        is_so: bool,
        reason: impl FnOnce() -> String,
    ) {
        if is_so { self.raise(observer, alert, reason) } else { self.clear(observer, alert) }
    }

    /// Returns the alerts that are raised.
    pub(crate) fn raised(&self) -> impl Iterator<Item = A> {
        self.raised.iter().copied()
    }
}
