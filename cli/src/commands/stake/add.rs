//! `stake add`: adds covenant signatures to a delegation.

use std::path::PathBuf;

use anyhow::Context;
use staking_scripts::CovenantSignatures;

use super::print::print_or_write;
use crate::args::argument::Argument;
use crate::args::delegation::{DelegationArgs, covenant_signatures_file};
use crate::view::output::Printout;
use crate::view::violation::Refused;

#[derive(clap::Args)]
#[command(
    after_help = "Every member's signatures are verified first, and nothing is written when one is not valid. A member's earlier signatures are \
    replaced.\n\nExample:\n  btcstake stake add --delegation signed.json --params params.json --covenant-signatures covenant1.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// A file with what `covenant sign --json` printed (once for each member); - is standard input.
    #[arg(long, value_name = "FILE", value_parser = covenant_signatures_file(), required = true)]
    covenant_signatures: Vec<Argument<CovenantSignatures>>,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let mut files = self.files.read()?;
        let transactions = files.transactions()?;
        let all = &mut files.delegation.covenant_signatures;
        for file in &self.covenant_signatures {
            let signatures = file.read()?;
            for verdict in transactions.verify_covenant_signatures(std::slice::from_ref(&signatures)) {
                let name = || format!("--covenant-signatures {}", file.shown().escape_debug());
                verdict
                    .with_context(name)
                    .map_err(|error| Refused::because("covenant_signatures", format!("{error:#}")))?;
            }
            all.retain(|earlier| earlier.unbonding.member != signatures.unbonding.member);
            all.push(signatures);
        }
        print_or_write(files.delegation, self.out)
    }
}
