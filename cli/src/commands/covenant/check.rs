//! `covenant check`: does a member's answer hold?

use anyhow::Context;
use staking_scripts::AnswerField;

use crate::files::DelegationArgs;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake covenant check --delegation signed.json --params params.json --answer answer.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// What `covenant sign --json` printed; - is standard input.
    #[arg(long, value_name = "FILE")]
    answer: String,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let name = || format!("--answer {}", self.answer.escape_debug());
        let text = input::text_file(&self.answer).with_context(name)?;
        let answer: AnswerField = serde_json::from_str(&text).with_context(name)?;
        let accepted = self.files.accepted()?;
        Ok(Output::verdict(accepted.verify_answer(&(&answer).into()).map_err(Into::into)))
    }
}
