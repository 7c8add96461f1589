//! `signer watermark`: raises the low watermark, or sets the high one.

use finality::ConsumerHeight;
use signer::protection::{ChangeKind, LaneChange};

use super::{lanes::Output, warnings};
use crate::args::protection::{LaneArgs, ProtectionArgs};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The low watermark is never lowered: a lower height changes nothing. For a migration, give the old signer a high watermark before its records \
    are exported, so that it cannot sign what the new one will.\n\nExample:\n  btcstake signer watermark --protection signing.db --chain-id bbn-1 --high 2 \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
)]
#[group(id = "marks", required = true, multiple = true, args = ["low", "high", "no_high"])]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    #[command(flatten)]
    lane: LaneArgs,
    /// Nothing at or below this height is signed anew.
    #[arg(long, value_name = "HEIGHT")]
    low: Option<u64>,
    /// Nothing above this height is signed.
    #[arg(long, value_name = "HEIGHT")]
    high: Option<u64>,
    /// Remove the high watermark: only where no other signer has the key.
    #[arg(long, conflicts_with = "high")]
    no_high: bool,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (opened, lane) = self.protection.open_with(&self.lane)?;
        let state = opened.store.state(&lane)?;
        // A lower one than there is changes nothing.
        let raised =
            self.low.map(ConsumerHeight).filter(|low| state.watermarks.low.is_none_or(|old| *low > old));
        let warnings: Vec<_> = raised
            .and_then(|low| warnings::never_signed("--low", low, &state))
            .into_iter()
            .chain(
                self.high.and_then(|high| warnings::nothing_signed("--high", ConsumerHeight(high), &state)),
            )
            .chain(self.high.and_then(|high| warnings::signs_on("--high", ConsumerHeight(high), &state)))
            .chain(
                (self.no_high && state.watermarks.high.is_some()).then(|| warnings::SIGNS_AGAIN.to_owned()),
            )
            .collect();
        let low = self.low.map(|low| ChangeKind::RaiseLow(ConsumerHeight(low)));
        let high = match (self.high, self.no_high) {
            (Some(high), _) => Some(ChangeKind::SetHigh(Some(ConsumerHeight(high)))),
            (None, true) => Some(ChangeKind::SetHigh(None)),
            (None, false) => None,
        };
        let changes = low.into_iter().chain(high).map(|kind| LaneChange { lane: lane.clone(), kind });
        opened.store.change(changes.collect())?;
        Printout::of(&Output { warnings, ..Output::of(&*opened.store, &[lane])? })
    }
}
