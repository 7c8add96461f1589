//! `signer prune`: forgets old records.

use finality::ConsumerHeight;
use signer::protection::{ChangeKind, LaneChange};

use super::lanes::Output;
use crate::args::protection::{LaneArgs, ProtectionArgs};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "Records at and below the height are forgotten, and the low watermark is raised to it: these heights are never signed again, not even with the \
    same message.\n\nExample:\n  btcstake signer prune --protection signing.db --chain-id bbn-1 --up-to 1000 \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
)]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    #[command(flatten)]
    lane: LaneArgs,
    /// The last height whose record is forgotten.
    #[arg(long, value_name = "HEIGHT")]
    up_to: u64,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (opened, lane) = self.protection.open_with(&self.lane)?;
        let kind = ChangeKind::Prune(ConsumerHeight(self.up_to));
        let changed = opened.store.change(vec![LaneChange { lane: lane.clone(), kind }])?;
        Printout::of(&Output::of(&*opened.store, &[lane])?.with(&changed))
    }
}
