//! `signer config`: a configuration to begin with, or the check of one.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use signer::config::{ConfigError, Configuration};

use crate::view::output::{CommandOutput, Exit, Printout};
use crate::view::text::plain;

#[derive(clap::Args)]
#[command(
    after_help = "Without --config it prints a configuration with every setting, to begin with. Exit code 1 when the configuration is not valid.\n\n\
    Examples:\n  btcstake signer config > signer.toml\n  btcstake signer config --config signer.toml"
)]
pub(crate) struct Args {
    /// A configuration to check, with every file of secrets and certificates that it names.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What was found in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Whether the configuration is valid; whether the database opens and keys unlock, the start tells.
    pub valid: bool,
    /// Every problem, with its place.
    pub problems: Vec<String>,
    /// What is allowed, and dangerous all the same.
    pub warnings: Vec<String>,
    /// A configuration with every setting; null where one was checked.
    pub example: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        match &self.example {
            Some(example) => example.trim_end().to_owned(),
            None if self.valid => "valid".to_owned(),
            None => self.problems.iter().map(|problem| plain(problem)).collect::<Vec<_>>().join("\n"),
        }
    }

    fn exit(&self) -> Exit {
        Exit::of(self.valid)
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let nothing = Output { valid: true, problems: Vec::new(), warnings: Vec::new(), example: None };
        let Some(path) = &self.config else {
            let example = Some(Configuration::example().to_owned());
            return Printout::of(&Output { example, ..nothing });
        };
        let output = match Configuration::load(path, std::env::vars_os()) {
            Ok(read) => Output { warnings: read.warnings, ..nothing },
            Err(ConfigError::Invalid { problems, .. }) => {
                let problems = problems.iter().map(ToString::to_string).collect();
                Output { valid: false, problems, ..nothing }
            }
            Err(error) => return Err(error.into()),
        };
        Printout::of(&output)
    }
}
