//! `signer init`: makes a signing database, or registers a lane.

use anyhow::ensure;
use finality::ConsumerHeight;
use signer::protection::{ChangeKind, FirstHeight, HeightRange, LaneChange};

use super::lanes::Output;
use super::warnings;
use crate::args::protection::{LaneArgs, ProtectionArgs, first_height, height_range};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The first height must be above every vote that was ever made with the key on this chain, here or elsewhere: nothing below it is signed. \
    Other commands refuse a signing database that is missing, or older than its guard knows (an old copy, a backup): this takes it over, \
    and a warning says so. What it knows itself of the highest vote is then not enough: ask the chain. A guard that is elsewhere (--guard) must be named \
    here too.\n\nExample:\n  btcstake signer init --protection new.db --chain-id bbn-1 --from-height 1 \
    --public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
)]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    #[command(flatten)]
    lane: LaneArgs,
    /// The first height that may be signed.
    #[arg(long, value_name = "HEIGHT")]
    from_height: u64,
    /// Another key on a chain of a signing database that is taken over (once for each): every one must be
    /// named, as votes of each may be forgotten.
    #[arg(long, value_name = "PUBLIC_KEY:CHAIN_ID:HEIGHT", value_parser = first_height)]
    also: Vec<FirstHeight>,
    /// Heights whose randomness is committed already (once for each range), by another signer of the key:
    /// votes for them are signed.
    #[arg(long, value_name = "FIRST:LAST", value_parser = height_range)]
    committed: Vec<HeightRange>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let lane = self.lane.lane();
        ensure!(!lane.chain_id.is_empty(), "--chain-id is empty; must name a chain, such as bbn-1");
        let own = FirstHeight { lane: lane.clone(), height: ConsumerHeight(self.from_height) };
        let first: Vec<_> = [own].into_iter().chain(self.also).collect();
        let far = first.iter().filter_map(warnings::far).collect::<Vec<_>>();
        let (opened, taken_over) = self.protection.initialise(&first)?;
        let warnings =
            taken_over.map(|found| format!("taken over, from height {} on: {found}", self.from_height));
        let committed = self.committed.into_iter().map(ChangeKind::Committed);
        let changes: Vec<_> = committed.map(|kind| LaneChange { lane: lane.clone(), kind }).collect();
        if !changes.is_empty() {
            opened.store.change(changes)?;
        }
        let lanes: Vec<_> = first.into_iter().map(|first| first.lane).collect();
        let warnings = warnings.into_iter().chain(far).collect();
        Printout::of(&Output { warnings, ..Output::of(&*opened.store, &lanes)? })
    }
}
