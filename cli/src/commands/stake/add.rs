//! `stake add`: adds covenant signatures to a delegation.

use std::path::PathBuf;

use anyhow::Context;
use staking_scripts::delegation::{CovenantSignaturesError, StakeTransactions};
use staking_scripts::transactions::CovenantTransaction as _;
use staking_scripts::{CovenantSignatures, UnbondingTransaction};

use super::print::print_or_write;
use crate::args::argument::Argument;
use crate::args::delegation::{DelegationArgs, covenant_signatures_file};
use crate::args::stake::AnyFiles;
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
    /// A file with what `covenant sign --json` printed (once for each member); of a phase-1 stake an object
    /// with `member` and `unbonding_signature` alone; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = covenant_signatures_file(), required = true)]
    covenant_signatures: Vec<Argument<CovenantSignatures>>,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What covenant members sign for a stake.
enum Verifier {
    Genesis(Box<StakeTransactions>),
    /// Of a phase-1 stake, its unbonding transaction alone.
    Phase1(Box<UnbondingTransaction>),
}

impl Verifier {
    fn new(files: &AnyFiles) -> anyhow::Result<Self> {
        Ok(match files {
            AnyFiles::Genesis(files) => Self::Genesis(Box::new(files.transactions()?)),
            AnyFiles::Phase1(_) => {
                let unbonding = files.delegation().unbonding(files.covenant()?).context("--delegation")?;
                Self::Phase1(Box::new(unbonding))
            }
        })
    }

    fn verify(&self, given: &CovenantSignatures) -> Result<(), CovenantSignaturesError> {
        match self {
            Self::Genesis(transactions) => {
                let verdicts = transactions.verify_covenant_signatures(std::slice::from_ref(given));
                verdicts.into_iter().collect()
            }
            Self::Phase1(unbonding) => {
                unbonding.verify_covenant(&given.unbonding).map_err(CovenantSignaturesError::Unbonding)
            }
        }
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read_any()?;
        let mut delegation = files.delegation().clone();
        let verify = Verifier::new(&files)?;
        let all = &mut delegation.covenant_signatures;
        for file in &self.covenant_signatures {
            let signatures = file.read()?;
            let name = || format!("--covenant-signatures {}", file.shown().escape_debug());
            verify
                .verify(&signatures)
                .with_context(name)
                .map_err(|error| Refused::because("covenant_signatures", format!("{error:#}")))?;
            all.retain(|earlier| earlier.unbonding.member != signatures.unbonding.member);
            all.push(signatures);
        }
        print_or_write(delegation, self.out)
    }
}
