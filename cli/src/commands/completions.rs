//! `completions`: a completion script for a shell.

use clap_complete::Shell;
use serde::{Deserialize, Serialize};

use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(after_help = "Example:\n  btcstake completions bash")]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

/// The completion script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The script.
    pub script: String,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.script.trim_end().to_owned()
    }
}

impl Args {
    pub(crate) fn run(self, mut command_line: clap::Command) -> anyhow::Result<Printout> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command_line, "btcstake", &mut script);
        Printout::of(&Output { script: String::from_utf8(script)? })
    }
}
