//! What is wrong so far, and where it stands.

use std::cell::RefCell;

use super::error::{ConfigProblem, ConfigRule};

/// More problems than anyone reads.
const MAX_PROBLEMS: usize = 200;
/// How much of a text that is refused is shown.
const MAX_SHOWN: usize = 80;

/// Where a value stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: Option<usize>,
    pub(super) key: String,
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Given<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// The problems that were found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// The position after each line break.
    line_ends: Vec<usize>,
    found: RefCell<Vec<ConfigProblem>>,
}

impl Problems {
    pub(super) fn of(text: &str) -> Self {
        let line_ends = text.match_indices('\n').map(|(position, _)| position).collect();
        Self { line_ends, found: RefCell::default() }
    }

    pub(super) fn line(&self, position: usize) -> usize {
        self.line_ends.partition_point(|end| *end < position).saturating_add(1)
    }

    pub(super) fn add(&self, place: &Place, rule: impl Into<ConfigRule>) {
        let mut found = self.found.borrow_mut();
        if found.len() < MAX_PROBLEMS {
            found.push(ConfigProblem { line: place.line, key: place.key.clone(), rule: rule.into() });
        }
    }

    /// Returns a value, or notes its problem.
    pub(super) fn take<T>(&self, place: &Place, result: Result<T, impl Into<ConfigRule>>) -> Option<T> {
        result.map_err(|rule| self.add(place, rule)).ok()
    }

    pub(super) fn into_found(self) -> Vec<ConfigProblem> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| problem.line);
        found
    }
}

/// Returns a text to be shown in an error, not at any length.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
