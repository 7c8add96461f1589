//! `covenant check`: verifies a member's signatures.

use staking_scripts::CovenantSignatures;

use crate::args::argument::Argument;
use crate::args::delegation::{DelegationArgs, covenant_signatures_file};
use crate::view::output::Printout;
use crate::view::verdict::Verdict;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  btcstake covenant check --delegation signed.json --params params.json --covenant-signatures covenant1.json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// What `covenant sign --json` printed; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = covenant_signatures_file())]
    covenant_signatures: Argument<CovenantSignatures>,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (files, signatures) = (self.files.read()?, self.covenant_signatures.read()?);
        let verdicts = files.transactions()?.verify_covenant_signatures(std::slice::from_ref(&signatures));
        Verdict::print(verdicts.into_iter().collect::<Result<_, _>>().map_err(Into::into))
    }
}
