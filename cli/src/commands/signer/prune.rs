//! `signer prune`: forgets old records.

use finality::ConsumerHeight;
use signer::protection::{ChangeKind, Lane, LaneChange, Store};

use super::lanes::Output;
use super::warnings;
use crate::args::protection::{LaneArgs, ProtectionArgs};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "Records at and below the height are forgotten, and the low watermark is raised to it: these heights are never signed again, not even with the \
    same message.\n\nExample:\n  btcstake signer prune --protection signing.db --chain-id bbn-1 --up-to 1 \
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
        let up_to = ConsumerHeight(self.up_to);
        let warnings = warnings::never_signed("--up-to", up_to, &opened.store.state(&lane)?);
        let kind = ChangeKind::Prune(up_to);
        let changed = opened.store.change(vec![LaneChange { lane: lane.clone(), kind }])?;
        let left = count_records(&*opened.store, &lane)?;
        let mut output = Output::of(&*opened.store, &[lane])?.with(&changed);
        for lane in &mut output.lanes {
            lane.left_records = Some(left);
        }
        Printout::of(&Output { warnings: warnings.into_iter().collect(), ..output })
    }
}

/// Returns how many records a lane has.
fn count_records(store: &dyn Store, lane: &Lane) -> anyhow::Result<u64> {
    const AT_A_TIME: usize = 1000;
    let (mut count, mut from) = (0_u64, Some(ConsumerHeight(0)));
    while let Some(first) = from {
        let records = store.records(lane, first, AT_A_TIME)?;
        count = count.saturating_add(u64::try_from(records.len())?);
        from = records.last().and_then(|last| last.height.checked_add(1));
    }
    Ok(count)
}
