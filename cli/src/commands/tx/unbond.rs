//! `tx unbond`: the unbonding transaction, completed.

use anyhow::Context;
use bitcoin::Psbt;
use eots::SecretKey;
use staking_scripts::CovenantAnswer;

use super::built::{self, Fields, OriginArgs};
use crate::files::DelegationArgs;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Without the staker's signature the PSBT is printed, for a signer elsewhere. With it, and a quorum of covenant answers in the delegation, \
    the transaction is complete.\n\nExample:\n  btcstake tx unbond --delegation verified.json --params params.json --secret-key-file staker.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// File with the staker's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: Option<SecretKey>,
    /// The PSBT that a signer elsewhere returned: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = built::psbt, conflicts_with = "secret_key_file")]
    signed: Option<Psbt>,
    #[command(flatten)]
    origins: OriginArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let accepted = self.files.accepted()?;
        let mut unbonding = accepted.unbonding().clone();
        self.origins.iter().for_each(|(key, source)| unbonding.add_key_origin(key, source));
        let staker = match (&self.secret_key_file, &self.signed) {
            (Some(key), _) => Some(unbonding.sign_as_staker(key)?),
            (None, Some(signed)) => {
                let staker = unbonding.signatures(signed)?.staker;
                Some(staker.context("--signed holds no signature of the staker")?)
            }
            (None, None) => None,
        };
        let Some(staker) = staker else {
            return Fields::unsigned(unbonding.psbt(), unbonding.fee(), unbonding.vsize()).output();
        };
        let answers = self.files.delegation.covenant_answers.iter().map(CovenantAnswer::from);
        let covenant: Vec<_> = answers.map(|answer| answer.unbonding).collect();
        let transaction = unbonding.finalize(&staker, &covenant)?;
        Fields::finished(unbonding.psbt(), &transaction, unbonding.fee()).output()
    }
}
