//! `params show`: prints parameters.

use anyhow::{Context, anyhow};
use bitcoin::absolute::Height;
use serde::{Deserialize, Serialize};
use staking_scripts::ParametersHistory;
use staking_scripts::parameters::ParametersVersion;

use super::file::{LiveFile, Phase1File};
use super::source::{Origin, Source};
use crate::args::input;
use crate::args::parameters::AnyParameters;
use crate::view::output::{CommandOutput, Printout};
use crate::view::parameters::{LiveVersion, Phase1Version};

#[derive(clap::Args)]
#[command(
    after_help = "A stake keeps the version in force when it was made. For one on Bitcoin already, give the height of the block that \
    includes it.\n\nExamples:\n  btcstake params show --network mainnet --height 864790\n  \
    btcstake params show --params parameters.json --version 0\n  \
    btcstake params show --network mainnet --all --json\n  \
    btcstake params show --chain-node URL"
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

    /// Returns the warnings about an output: from the versions that are built in, or from a file whose only
    /// version has no number.
    fn warnings(origin: Origin, versions: &AnyParameters) -> Vec<String> {
        let (which, added) = match versions {
            AnyParameters::Phase1(_) => (" of phase 1", " of today's form"),
            AnyParameters::Genesis(_) => ("", ""),
        };
        let built_in = (origin == Origin::BuiltIn).then(|| {
            format!(
                "These versions{which} are built in, and governance may have added versions{added} since: ask a node \
                 (babylond query btcstaking params-versions --output json), and give its answer as --params."
            )
        });
        let single = (!versions.is_numbered()).then(|| {
            "The file has one version without its number, as a node answers `params`: it has number 0 here; the node's \
             answer to `params-versions` has all versions with their numbers."
                .to_owned()
        });
        built_in.into_iter().chain(single).collect()
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (versions, origin) = self.source.read(self.phase1)?;
        let warnings = Self::warnings(origin, &versions);
        let live = |number, version: &_| match origin.depths() {
            Some(depths) => LiveVersion::new(number, version).with_depths(depths),
            None => LiveVersion::new(number, version),
        };
        let output = match versions {
            AnyParameters::Genesis(versions) if self.all => Output::LiveFile(LiveFile {
                shown: versions.iter().enumerate().map(|(n, version)| live(n, version)).collect(),
                warnings,
                ..LiveFile::from(&versions)
            }),
            AnyParameters::Genesis(versions) => {
                let (number, parameters) = self.choose(&versions)?;
                Output::Live(LiveVersion { warnings, ..live(number, parameters) })
            }
            AnyParameters::Phase1(versions) if self.all => Output::Phase1File(Phase1File {
                shown: versions
                    .iter()
                    .enumerate()
                    .map(|(n, version)| Phase1Version::new(n, version))
                    .collect(),
                warnings,
                ..Phase1File::from(&versions)
            }),
            AnyParameters::Phase1(versions) => {
                let (number, parameters) = self.choose(&versions)?;
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
        let texts: Vec<_> = match self {
            Self::Live(version) => vec![version.text()],
            Self::Phase1(version) => vec![version.text()],
            Self::LiveFile(file) => file.shown.iter().map(LiveVersion::text).collect(),
            Self::Phase1File(file) => file.shown.iter().map(Phase1Version::text).collect(),
        };
        texts.join("\n\n")
    }

    fn warnings(&self) -> &[String] {
        match self {
            Self::Live(version) => &version.warnings,
            Self::Phase1(version) => &version.warnings,
            Self::LiveFile(file) => &file.warnings,
            Self::Phase1File(file) => &file.warnings,
        }
    }
}
