//! A delegation that a command has changed.

use serde::{Deserialize, Serialize};
use staking_scripts::Delegation;

use super::output::CommandOutput;

/// A delegation, as in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DelegationOutput {
    /// The delegation.
    pub delegation: Delegation,
    /// Where it was written to.
    #[serde(skip)]
    written: Option<String>,
    #[serde(skip)]
    warnings: Vec<String>,
}

impl DelegationOutput {
    /// Returns the output of a delegation, and the path of the file that it was written to.
    pub(crate) fn new(delegation: Delegation, written: Option<String>) -> Self {
        Self { delegation, written, warnings: Vec::new() }
    }

    /// Returns the output with these warnings, which are printed to standard error.
    pub(crate) fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }
}

impl CommandOutput for DelegationOutput {
    fn text(&self) -> String {
        match &self.written {
            None => self.delegation.to_json(),
            Some(path) => format!("written to {path}"),
        }
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
