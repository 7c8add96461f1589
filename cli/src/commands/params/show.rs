//! `params show`: prints parameters.

use anyhow::{Context, anyhow};
use bitcoin::absolute::Height;
use serde::{Deserialize, Serialize};
use staking_scripts::ParametersHistory;
use staking_scripts::parameters::ParametersVersion;

use super::file::{LiveFile, Phase1File};
use super::source::{AnyVersions, Source};
use crate::args::input;
use crate::view::output::{CommandOutput, Printout};
use crate::view::parameters::{LiveVersion, Phase1Version};
use crate::view::text::FAINT;

#[derive(clap::Args)]
#[command(
    after_help = "A stake keeps the version in force when it was made. For one on Bitcoin already, give the height of the block that \
    includes it.\n\nExamples:\n  btcstake params show --network mainnet --height 864790\n  \
    btcstake params show --params parameters.json --version 0\n  \
    btcstake params show --network mainnet --all --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    source: Source,
    /// Read the file as one of phase 1, whatever its form; with --network, show the versions of phase 1.
    #[arg(long)]
    phase1: bool,
    /// The version in force at this Bitcoin height.
    #[arg(long, value_parser = input::height, allow_negative_numbers = true, conflicts_with = "version")]
    height: Option<Height>,
    /// The version of this number.
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    version: Option<usize>,
    /// All versions; with --json, as a file that --params takes.
    #[arg(long, conflicts_with_all = ["height", "version"])]
    all: bool,
}

/// The height from which mainnet has a version that is not built in; see the README of the library's data.
const NEWER_HEIGHT: u32 = 905_634;

impl Args {
    /// The version asked for, and its number.
    fn choose<'a, P: ParametersVersion>(
        &self,
        versions: &'a ParametersHistory<P>,
    ) -> anyhow::Result<(usize, &'a P)> {
        let last = versions.iter().len().saturating_sub(1);
        match (self.height, self.version.unwrap_or(last)) {
            (Some(height), _) => versions.in_force(height).context("--height"),
            (None, number) => {
                let version = versions.get(number);
                let version = version.ok_or_else(|| anyhow!("no version {number}; must be 0 to {last}"));
                Ok((number, version.context("--version")?))
            }
        }
    }

    /// Returns the warnings about an output from the versions that are built in.
    fn warnings(&self, built_in: bool, phase1: bool, last: bool) -> Vec<String> {
        let mut warnings = Vec::new();
        if !built_in {
            return warnings;
        }
        if !phase1 && last && self.height.is_none_or(|height| height.to_consensus_u32() >= NEWER_HEIGHT) {
            warnings.push(format!(
                "From height {NEWER_HEIGHT} on the chain has a newer version, which is not built in."
            ));
        }
        let (which, added) = if phase1 { (" of phase 1", " of today's form") } else { ("", "") };
        warnings.push(format!(
            "These versions{which} are built in, and governance may have added versions{added} since: ask a node \
             (babylond query btcstaking params-versions --output json), and give its answer as --params."
        ));
        warnings
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (versions, built_in) = self.source.read(self.phase1)?;
        let last = versions.count().saturating_sub(1);
        let is_phase1 = matches!(versions, AnyVersions::Phase1(_));
        let warnings = |last| self.warnings(built_in, is_phase1, last);
        let output = match versions {
            AnyVersions::Live(versions) if self.all => Output::LiveFile(LiveFile {
                shown: versions.iter().enumerate().map(|(n, version)| LiveVersion::new(n, version)).collect(),
                warnings: warnings(true),
                ..LiveFile::from(&versions)
            }),
            AnyVersions::Live(versions) => {
                let (number, parameters) = self.choose(&versions)?;
                let warnings = warnings(number == last);
                Output::Live(LiveVersion { warnings, ..LiveVersion::new(number, parameters) })
            }
            AnyVersions::Phase1(versions) if self.all => Output::Phase1File(Phase1File {
                shown: versions
                    .iter()
                    .enumerate()
                    .map(|(n, version)| Phase1Version::new(n, version))
                    .collect(),
                warnings: warnings(true),
                ..Phase1File::from(&versions)
            }),
            AnyVersions::Phase1(versions) => {
                let (number, parameters) = self.choose(&versions)?;
                let warnings = warnings(number == last);
                Output::Phase1(Phase1Version { warnings, ..Phase1Version::new(number, parameters) })
            }
        };
        Printout::of(&output)
    }
}

/// A version of the parameters, or all of them as a file that `--params` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Output {
    /// A version.
    Live(LiveVersion),
    /// A version of phase 1.
    Phase1(Phase1Version),
    /// All versions.
    LiveFile(LiveFile),
    /// All versions of phase 1.
    Phase1File(Phase1File),
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let (texts, warnings) = match self {
            Self::Live(version) => (vec![version.text()], &version.warnings),
            Self::Phase1(version) => (vec![version.text()], &version.warnings),
            Self::LiveFile(file) => (file.shown.iter().map(LiveVersion::text).collect(), &file.warnings),
            Self::Phase1File(file) => (file.shown.iter().map(Phase1Version::text).collect(), &file.warnings),
        };
        // Here they stand in the text, where they tell how far to believe it.
        let notes = warnings.iter().map(|warning| format!("\n{FAINT}{warning}{FAINT:#}"));
        [texts.join("\n\n")].into_iter().chain(notes).collect()
    }
}
