//! `stake sign`: the staker's signatures over what is signed in advance.

use std::path::PathBuf;

use eots::SecretKey;
use staking_scripts::ProofOfPossession;

use crate::commands::pop::AccountArgs;
use crate::files::{self, DelegationArgs};
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Both slashing transactions are computed anew from the other fields and must be those of the file. The signed delegation is printed, \
    or written to --out.\n\nExample:\n  btcstake stake sign --delegation draft.json --params params.json --secret-key-file staker.key \
    --address bbn1f04czxeqprn0s9fe7kdzqyde2e6nqj63dllwsm"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// File with the staker's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: SecretKey,
    #[command(flatten)]
    account: AccountArgs,
    /// A file to write the delegation to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    pub(crate) fn run(mut self) -> anyhow::Result<Output> {
        let claim = self.account.claim()?;
        let proof = ProofOfPossession::create_bip340(&self.secret_key_file, &claim);
        let parameters = self.files.parameters()?.clone();
        self.files.delegation.sign_as_staker(&self.secret_key_file, &(claim, proof), &parameters)?;
        // What leaves here is what a covenant member will accept.
        self.files.accepted()?;
        finish(&self.files.delegation.to_json(), self.out, &self.files.delegation)
    }
}

/// Prints a delegation, or writes it to a file.
pub(super) fn finish(
    text: &str,
    out: Option<PathBuf>,
    delegation: &staking_scripts::DelegationFile,
) -> anyhow::Result<Output> {
    match out {
        None => Output::new(text, delegation),
        Some(path) => {
            files::write_new(&path, text)?;
            Output::new(format!("written to {}", path.display()), delegation)
        }
    }
}
