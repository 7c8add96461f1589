//! `stake add`: a delegation with more answers.

use std::path::PathBuf;

use anyhow::Context;
use staking_scripts::AnswerField;

use super::sign::finish;
use crate::files::{self, DelegationArgs};
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Every answer is verified first, and nothing is written when one does not hold. A member's answer that is there already is \
    replaced.\n\nExample:\n  btcstake stake add --delegation signed.json --params params.json --answer answer.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// A file with what `covenant sign --json` printed (once for each member); - is standard input.
    #[arg(long, value_name = "FILE", required = true)]
    answer: Vec<String>,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(mut self) -> anyhow::Result<Output> {
        let accepted = self.files.accepted()?;
        let answers = &mut self.files.delegation.covenant_answers;
        for path in &self.answer {
            let name = || format!("--answer {}", path.escape_debug());
            let answer: AnswerField =
                serde_json::from_str(&input::text_file(path).with_context(name)?).with_context(name)?;
            accepted.verify_answer(&(&answer).into()).with_context(name)?;
            answers.retain(|earlier| earlier.member != answer.member);
            answers.push(answer);
        }
        files::verify_answers(&accepted, &self.files.delegation)?;
        finish(&self.files.delegation.to_json(), self.out, &self.files.delegation)
    }
}
