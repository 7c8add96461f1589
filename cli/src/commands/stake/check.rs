//! `stake check`: what a covenant member would say of a delegation.

use serde::Serialize;
use staking_scripts::StakeViolation;

use crate::files::{self, DelegationArgs};
use crate::output::{BAD, GOOD, Output, broken, plain};

#[derive(clap::Args)]
#[command(
    after_help = "All rules that are broken are listed, not the first only. Exit code 1 when one is.\n\nExample:\n  \
    btcstake stake check --delegation signed.json --params params.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
}

/// A rule that is broken.
#[derive(Serialize)]
pub(crate) struct Violation {
    pub(crate) rule: &'static str,
    pub(crate) message: String,
}

impl From<&StakeViolation> for Violation {
    fn from(found: &StakeViolation) -> Self {
        Self { rule: found.rule(), message: files::message(found) }
    }
}

#[derive(Serialize)]
struct Fields {
    accepted: bool,
    violations: Vec<Violation>,
    /// How many covenant members have answered, and how many must: of an extension, in the running stake's
    /// committee too.
    answers: usize,
    quorum: u16,
    status: &'static str,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (violations, answers, quorum) = match self.files.check()? {
            Err(found) => {
                let quorum = self.files.parameters()?.covenant().quorum();
                (found.iter().map(Violation::from).collect(), 0, quorum)
            }
            Ok(accepted) => match files::verify_answers(&accepted, &self.files.delegation) {
                Ok(answers) => (Vec::new(), answers, accepted.quorum()),
                Err(error) => {
                    let violation = Violation { rule: "covenant_answers", message: format!("{error:#}") };
                    (vec![violation], 0, accepted.quorum())
                }
            },
        };
        let accepted = violations.is_empty();
        let status = match (accepted, answers >= usize::from(quorum)) {
            (false, _) => "REJECTED",
            (true, false) => "PENDING",
            (true, true) => "VERIFIED",
        };
        let fields = Fields { accepted, violations, answers, quorum, status };
        let mut lines = match accepted {
            true => vec![format!("{GOOD}accepted{GOOD:#}: {status}, {answers} of {quorum} covenant answers")],
            false => vec![format!("{BAD}not accepted{BAD:#}: {}", broken(fields.violations.len()))],
        };
        lines.extend(
            fields.violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message))),
        );
        let output = Output::new(lines.join("\n"), &fields)?;
        Ok(if accepted { output } else { output.negative() })
    }
}
