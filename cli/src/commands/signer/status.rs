//! `signer status`: prints what a signing database knows.

use finality::ConsumerHeight;
use signer::protection::check_highest_vote;

use super::lanes::Output;
use crate::args::protection::ProtectionArgs;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The signing database must not be in use: `signer keys` asks a signer that runs.\n\nExample:\n  btcstake signer status --protection signing.db"
)]
pub(crate) struct Args {
    #[command(flatten)]
    protection: ProtectionArgs,
    /// The highest vote of the key that was seen on its chain, which the signing database must know of; for
    /// one with a single key on a single chain.
    #[arg(long, value_name = "HEIGHT")]
    highest_vote: Option<u64>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let store = self.protection.open()?.store;
        let lanes = store.lanes()?;
        if let Some(seen) = self.highest_vote {
            let [lane] = lanes.as_slice() else {
                anyhow::bail!(
                    "--highest-vote is given, and the signing database has {} keys on chains; must have 1",
                    lanes.len()
                );
            };
            check_highest_vote(&*store, lane, ConsumerHeight(seen))?;
        }
        Printout::of(&Output::of(&*store, &lanes)?)
    }
}
