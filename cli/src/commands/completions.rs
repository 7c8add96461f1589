//! `completions`: a completion script for a shell.

use clap_complete::Shell;

use crate::output::Output;

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake completions bash")]
pub(crate) struct Args {
    /// For which shell.
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::command_line(), "btcstake", &mut script);
        let script = String::from_utf8(script)?;
        Output::new(script.trim_end(), &serde_json::json!({ "script": script }))
    }
}
