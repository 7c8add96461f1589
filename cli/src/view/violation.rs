//! Violations of rules.

use serde::{Deserialize, Serialize};
use spv::{HeadersError, InclusionError};
use staking_scripts::StakeViolation;

use super::output::{CommandOutput, Exit};
use super::text::{BAD, broken, plain};

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

/// A negative answer in place of a command's output: the stake breaks rules. Exit code 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// Always false.
    pub accepted: bool,
    /// The rules that are broken.
    pub violations: Vec<Violation>,
}

impl Refused {
    /// Returns the answer for one rule that is none of a delegation's own.
    pub(crate) fn because(rule: &str, message: String) -> Self {
        Self { accepted: false, violations: vec![Violation { rule: rule.to_owned(), message }] }
    }

    /// Returns the answer for these rules of a delegation.
    pub(crate) fn new(found: &[StakeViolation]) -> Self {
        Self { accepted: false, violations: found.iter().map(Violation::from).collect() }
    }
}

impl CommandOutput for Refused {
    fn text(&self) -> String {
        let head = format!("{BAD}refused{BAD:#}: {}", broken(self.violations.len()));
        [head].into_iter().chain(lines(&self.violations)).collect::<Vec<_>>().join("\n")
    }

    fn exit(&self) -> Exit {
        Exit::Negative
    }
}

/// So that a step can end with it as with an error.
impl std::error::Error for Refused {}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<_> = self.violations.iter().map(|found| found.message.as_str()).collect();
        write!(f, "{}: {}", broken(all.len()), all.join("; "))
    }
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
