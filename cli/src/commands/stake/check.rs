//! `stake check`: what a covenant member would say of a delegation.

use serde::Serialize;

use crate::files::{self, DelegationArgs};
use crate::output::{BAD, GOOD, Output, plain};

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

#[derive(Serialize)]
struct Fields {
    accepted: bool,
    violations: Vec<Violation>,
    /// How many covenant members have answered, and how many must.
    answers: usize,
    quorum: u16,
    status: &'static str,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let quorum = self.files.parameters()?.covenant().quorum();
        let (violations, answers) = match self.files.check()? {
            Err(found) => {
                let found = found.iter();
                (found.map(|found| Violation { rule: found.rule(), message: found.to_string() }).collect(), 0)
            }
            Ok(accepted) => match files::verify_answers(&accepted, &self.files.delegation) {
                Ok(answers) => (Vec::new(), answers),
                Err(error) => (vec![Violation { rule: "covenant_answers", message: format!("{error:#}") }], 0),
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
            false => vec![format!("{BAD}not accepted{BAD:#}: {} rules are broken", fields.violations.len())],
        };
        lines.extend(fields.violations.iter().map(|found| format!("  {}: {}", found.rule, plain(&found.message))));
        let output = Output::new(lines.join("\n"), &fields)?;
        Ok(if accepted { output } else { output.negative() })
    }
}
