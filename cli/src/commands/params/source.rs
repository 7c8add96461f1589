//! The source of parameters: a file, or the versions built in.

use anyhow::Context;
use clap::ValueEnum;
use staking_scripts::parameters::{ParametersError, ParametersViolation};
use staking_scripts::{Parameters, ParametersHistory, Phase1Parameters};

use crate::args::argument::{self, Argument};
use crate::args::input;

/// The source of the versions: exactly one of the two.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Source {
    /// A parameters file, as a node of Babylon Genesis prints it, as the staking API's network info has it,
    /// or in the form of phase 1; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = text_file())]
    params: Option<Argument<String>>,
    /// The versions that are built in.
    #[arg(long)]
    network: Option<BuiltIn>,
}

/// The networks whose versions are built in.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum BuiltIn {
    Mainnet,
}

/// All versions, in either form.
pub(super) enum AnyVersions {
    Live(ParametersHistory<Parameters>),
    Phase1(ParametersHistory<Phase1Parameters>),
}

impl AnyVersions {
    /// The versions in a file's text. A file of phase 1 is known by its `versions`.
    pub(super) fn from_json(text: &str, phase1: bool) -> Result<Self, ParametersError> {
        #[derive(serde::Deserialize)]
        struct Phase1File {
            #[serde(rename = "versions")]
            _versions: serde::de::IgnoredAny,
        }
        // An array would be read as the struct's fields.
        let is_object = text.trim_start().starts_with('{');
        if phase1 || (is_object && serde_json::from_str::<Phase1File>(text).is_ok()) {
            ParametersHistory::from_json(text).map(Self::Phase1)
        } else {
            ParametersHistory::from_json(text).map(Self::Live)
        }
    }

    /// Returns whether the versions' numbers are known.
    pub(super) const fn is_numbered(&self) -> bool {
        match self {
            Self::Live(versions) => versions.is_numbered(),
            Self::Phase1(versions) => versions.is_numbered(),
        }
    }

    /// Returns the rules that only new stakes must keep, and that a version breaks.
    pub(super) fn violations(&self) -> Vec<ParametersViolation> {
        match self {
            Self::Live(versions) => versions.violations(),
            Self::Phase1(_) => Vec::new(),
        }
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Self::Live(versions) => versions.iter().len(),
            Self::Phase1(versions) => versions.iter().len(),
        }
    }
}

/// Parses the path of a file; its form is known when it is read.
pub(super) fn text_file() -> argument::Parser<String> {
    argument::file(input::text_file)
}

impl Source {
    /// Returns the versions, and whether they are those built in.
    pub(super) fn read(&self, phase1: bool) -> anyhow::Result<(AnyVersions, bool)> {
        let (versions, built_in) = match (&self.params, self.network) {
            (Some(file), _) => {
                let versions = AnyVersions::from_json(&file.read()?, phase1);
                (versions.with_context(|| file.name())?, false)
            }
            (None, _) if phase1 => (AnyVersions::Phase1(ParametersHistory::mainnet_phase1()?), true),
            (None, _) => (AnyVersions::Live(ParametersHistory::mainnet()?), true),
        };
        Ok((versions, built_in))
    }
}
