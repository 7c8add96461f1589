//! Rules that are broken.

use serde::{Deserialize, Serialize};
use spv::{HeadersError, InclusionError};
use staking_scripts::StakeViolation;

use super::text::plain;

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The rule's name.
    pub rule: String,
    /// What was found, and what the rule is.
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

/// Says what a delegation breaks, for people. Blocks of a test network are the commonest slip, and their own
/// message does not tell.
pub(crate) fn message(found: &StakeViolation) -> String {
    match found {
        StakeViolation::Inclusion(InclusionError::Headers(HeadersError::TargetTooHigh { .. })) => {
            format!("{found}; of a block on another network, --network says which")
        }
        found => found.to_string(),
    }
}
