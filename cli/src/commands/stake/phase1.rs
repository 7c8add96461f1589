//! `stake phase1`: makes the delegation of a phase-1 stake.

use std::path::PathBuf;

use super::print::print_or_write_with;
use crate::args::phase1::Phase1Args;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The OP_RETURN output of a phase-1 stake has its keys and its staking time; the parameters have the covenant committee. OP_RETURN data alone are no \
    stake: the output that both make must be there exactly once. Without --params, mainnet's are used. The delegation has the unbonding transaction, and is for `tx unbond`, once `stake add` has added the \
    signatures of a covenant quorum to it; for `tx withdraw`; for `status`, `stake check` and `tx explain`, each with the same --params. A rule that the stake breaks, so that it was not counted, is a warning.\n\n\
    Example:\n  btcstake stake phase1 --staking-transaction @phase1.tx --height 857950 --out phase1.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stake: Phase1Args,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let found = self.stake.read()?;
        print_or_write_with(found.delegation, self.out, found.warnings)
    }
}
