//! `params`: the parameters that stakes are made under.

mod check;
mod file;
mod show;

use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use staking_scripts::{Parameters, ParametersError, Phase1Parameters, Versions};

use crate::input;
use crate::output::Output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show a version of the parameters: the one in force at a height, or the last; or all, as a file.
    Show(show::Args),
    /// Check a parameters file against every rule.
    Check(check::Args),
}

impl Command {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        match self {
            Self::Show(args) => args.run(),
            Self::Check(args) => args.run(),
        }
    }
}

/// Where the versions come from: exactly one of the two.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A parameters file, as a node of the secured chain prints it or in the form of phase 1; - is standard
    /// input.
    #[arg(long, value_name = "FILE")]
    params: Option<String>,
    /// The versions that are built in.
    #[arg(long)]
    network: Option<BuiltIn>,
}

/// The networks whose versions are built in.
#[derive(Clone, Copy, ValueEnum)]
enum BuiltIn {
    Mainnet,
}

/// All versions, in either form.
enum AnyVersions {
    Live(Versions<Parameters>),
    Phase1(Versions<Phase1Parameters>),
}

impl AnyVersions {
    /// The versions in a file's text. A file of phase 1 is known by its `versions`.
    fn from_json(text: &str, phase1: bool) -> Result<Self, ParametersError> {
        #[derive(serde::Deserialize)]
        struct Phase1File {
            #[serde(rename = "versions")]
            _versions: serde::de::IgnoredAny,
        }
        // An array would be read as the struct's fields.
        let is_object = text.trim_start().starts_with('{');
        if phase1 || (is_object && serde_json::from_str::<Phase1File>(text).is_ok()) {
            Versions::from_json(text).map(Self::Phase1)
        } else {
            Versions::from_json(text).map(Self::Live)
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Live(versions) => versions.iter().len(),
            Self::Phase1(versions) => versions.iter().len(),
        }
    }
}

/// The text of the file that `--params` names.
fn file(path: &str) -> anyhow::Result<String> {
    input::text_file(path).context("--params")
}

impl Source {
    /// The versions, and whether they are those built in.
    fn read(&self, phase1: bool) -> anyhow::Result<(AnyVersions, bool)> {
        let (versions, built_in) = match (&self.params, self.network) {
            (Some(path), _) => (AnyVersions::from_json(&file(path)?, phase1).context("--params")?, false),
            (None, _) if phase1 => (AnyVersions::Phase1(Versions::mainnet_phase1()?), true),
            (None, _) => (AnyVersions::Live(Versions::mainnet()?), true),
        };
        Ok((versions, built_in))
    }
}
