//! `eots randomness`: public randomness for a range of heights.

use std::fmt::Write;

use eots::{PublicRandomness, XOnlyPublicKey};
use serde::Serialize;

use super::provider::Range;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots randomness --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 3"
)]
pub(crate) struct Args {
    #[command(flatten)]
    range: Range,
}

#[derive(Serialize)]
struct Fields {
    public_key: XOnlyPublicKey,
    public_randomness: Vec<PublicRandomness>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (schedule, key) = (self.range.schedule()?, &self.range.secret_key_file);
        let public_randomness = self.range.public_randomness()?;
        let mut text = String::new();
        for (height, public) in schedule.heights().zip(&public_randomness) {
            let end = if text.is_empty() { "" } else { "\n" };
            write!(text, "{end}{height} {public}")?;
        }
        Output::new(text, &Fields { public_key: *key.public_key(), public_randomness })
    }
}
