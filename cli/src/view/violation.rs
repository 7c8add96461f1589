//! Violations of rules.

use serde::{Deserialize, Serialize};
use spv::{HeadersError, InclusionError};
use staking_scripts::StakeViolation;

use super::text::plain;

/// A violation of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The rule's name.
    pub rule: String,
    /// What was found, then the rule.
    pub message: String,
}

impl From<&StakeViolation> for Violation {
    fn from(found: &StakeViolation) -> Self {
        Self { rule: found.rule().to_owned(), message: message(found) }
    }
}

/// Returns a line of text for each of these rules.
pub(crate) fn lines(violations: &[Violation]) -> impl Iterator<Item = String> {
    violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message)))
}

/// Returns the text of a violation, for people. Blocks of a test network are the commonest mistake, and their
/// own text does not name it.
pub(crate) fn message(found: &StakeViolation) -> String {
    match found {
        StakeViolation::Inclusion(InclusionError::Headers(HeadersError::TargetTooHigh { .. })) => {
            format!("{found}; of a block on another network, --network says which")
        }
        found => found.to_string(),
    }
}
