//! `eots randomness`: public randomness for a range of heights.

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
    public_key: String,
    public_randomness: Vec<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let (schedule, key) = (self.range.schedule()?, &self.range.secret_key_file);
        let list = schedule.public_randomness(key, self.range.chain_id.as_bytes());
        let public_randomness: Vec<_> = list.iter().map(ToString::to_string).collect();
        let lines: Vec<_> =
            schedule.heights().zip(&public_randomness).map(|(height, public)| format!("{height} {public}")).collect();
        let public_key = key.public_key().to_string();
        Output::new(lines.join("\n"), &Fields { public_key, public_randomness })
    }
}
