//! `eots randomness`: derives the public randomness of a range of heights.

use serde::{Deserialize, Serialize};

use crate::args::randomness_range::RandomnessRangeArgs;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots randomness --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 3"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: RandomnessRangeArgs,
}

/// The public randomness of a range of heights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The finality provider's public key.
    pub public_key: String,
    /// The public randomness of each height, in hex, in their order.
    pub public_randomness: Vec<String>,
    /// The heights, for the text.
    #[serde(skip)]
    heights: Vec<u64>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        let lines = self.heights.iter().zip(&self.public_randomness);
        lines.map(|(height, public)| format!("{height} {public}")).collect::<Vec<_>>().join("\n")
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let schedule = self.range.schedule()?;
        let (public_key, public_randomness) = self.range.public_randomness()?;
        Printout::of(&Output {
            public_key: public_key.to_string(),
            public_randomness: public_randomness.iter().map(ToString::to_string).collect(),
            heights: schedule.heights().map(|height| height.0).collect(),
        })
    }
}
