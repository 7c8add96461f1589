//! `eots randomness`: public randomness for a range of heights.

use eots::{RandomnessSchedule, SecretKey};
use serde::Serialize;

use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake eots randomness --secret-key-file provider.key --chain-id bbn-1 --height 100 --count 3"
)]
pub(crate) struct Args {
    /// File with the finality provider's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::secret_key_file)]
    secret_key_file: SecretKey,
    /// The chain whose blocks are voted on.
    #[arg(long)]
    chain_id: String,
    /// The first height.
    #[arg(long)]
    height: u64,
    /// How many heights.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    count: u32,
    /// The distance between two heights.
    #[arg(long, default_value_t = 1)]
    interval: u64,
}

#[derive(Serialize)]
struct Fields {
    public_key: String,
    public_randomness: Vec<String>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let schedule = RandomnessSchedule::new(self.height, self.count, self.interval)?;
        let list = schedule.public_randomness(&self.secret_key_file, self.chain_id.as_bytes());
        let public_randomness: Vec<_> = list.iter().map(ToString::to_string).collect();
        let lines: Vec<_> =
            schedule.heights().zip(&public_randomness).map(|(height, public)| format!("{height} {public}")).collect();
        let public_key = self.secret_key_file.public_key().to_string();
        Output::new(lines.join("\n"), &Fields { public_key, public_randomness })
    }
}
