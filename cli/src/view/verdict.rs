//! A yes, or a no with its reason.

use serde::{Deserialize, Serialize};

use super::output::{CommandOutput, Exit, Printout};
use super::text::{BAD, GOOD, plain};

/// The output of a command that verifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Whether it is valid.
    pub valid: bool,
    /// Why it is not valid; null when it is.
    pub reason: Option<String>,
}

impl Verdict {
    /// Returns the verdict for an error, with its causes, or for the lack of one.
    pub(crate) fn new(verdict: anyhow::Result<()>) -> Self {
        let reason = verdict.err().map(|error| format!("{error:#}"));
        Self { valid: reason.is_none(), reason }
    }

    /// Prints the verdict.
    pub(crate) fn print(verdict: anyhow::Result<()>) -> anyhow::Result<Printout> {
        Printout::of(&Self::new(verdict))
    }
}

impl CommandOutput for Verdict {
    fn text(&self) -> String {
        match &self.reason {
            None => format!("{GOOD}valid{GOOD:#}"),
            Some(reason) => format!("{BAD}not valid{BAD:#}: {}", plain(reason)),
        }
    }

    fn exit(&self) -> Exit {
        Exit::of(self.valid)
    }
}
