//! The source of parameters: a file, or the versions built in.

use anyhow::Context;
use clap::ValueEnum;
use staking_scripts::ParametersHistory;

use crate::args::argument::{self, Argument};
use crate::args::input;
use crate::args::parameters::AnyParameters;

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

/// Parses the path of a file; its form is known when it is read.
pub(super) fn text_file() -> argument::Parser<String> {
    argument::file(input::text_file)
}

impl Source {
    /// Returns the versions, and whether they are those built in.
    pub(super) fn read(&self, phase1: bool) -> anyhow::Result<(AnyParameters, bool)> {
        let (versions, built_in) = match (&self.params, self.network) {
            (Some(file), _) => {
                let versions = AnyParameters::from_json(&file.read()?, phase1);
                (versions.with_context(|| file.name())?, false)
            }
            (None, _) if phase1 => (AnyParameters::Phase1(ParametersHistory::mainnet_phase1()?), true),
            (None, _) => (AnyParameters::Genesis(ParametersHistory::mainnet()?), true),
        };
        Ok((versions, built_in))
    }
}
