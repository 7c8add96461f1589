//! `risk check`: whether an attack pays.

use serde::{Deserialize, Serialize};

use crate::args::risk::{ReadRisk, RiskArgs};
use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::risk::{RiskSecurity, RiskVerdict};
use crate::view::text::{BAD, GOOD};

#[derive(clap::Args)]
#[command(
    after_help = "An attack is a set of chains and the providers that corrupt each of them: with at least the chain's threshold of its power. It pays when the chains' values together are \
    more than what the providers are slashed: stake × slashing rate, once for all chains. Exit code 1 when one pays, and also when the search ends before it knows (undecided).\n\n\
    Example:\n  btcstake risk check --input risk.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    input: RiskArgs,
}

/// Whether an attack pays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The height of Bitcoin that the stakes are of; null where the input has them.
    pub height: Option<u32>,
    /// The answer in one line.
    pub answer: String,
    /// The verdict, with its witness.
    pub security: RiskSecurity,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let verdict = match self.security.verdict {
            RiskVerdict::Secure => format!("{GOOD}secure{GOOD:#}"),
            RiskVerdict::AttackPays | RiskVerdict::Undecided => format!("{BAD}not secure{BAD:#}"),
        };
        format!("{verdict}: {}", self.answer)
    }

    fn exit(&self) -> Exit {
        self.security.exit()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let ReadRisk { model, height, warnings, .. } = self.input.read()?;
        let security = RiskSecurity::of(&model)?;
        Printout::of(&Output { height, answer: security.answer(), security, warnings })
    }
}
