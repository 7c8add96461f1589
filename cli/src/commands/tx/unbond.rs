//! `tx unbond`: the unbonding transaction, completed.

use anyhow::Context;
use staking_scripts::CovenantAnswer;

use super::built::{Fields, OriginArgs};
use super::spend::SignerArgs;
use crate::files::DelegationArgs;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Without the staker's signature the PSBT is printed, for a signer elsewhere. With it, and a quorum of covenant answers in the delegation, \
    the transaction is complete.\n\nExample:\n  btcstake tx unbond --delegation verified.json --params params.json --secret-key-file staker.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let accepted = self.files.accepted()?;
        let mut unbonding = accepted.unbonding().clone();
        self.origins.iter().for_each(|(key, source)| unbonding.add_key_origin(key, source));
        let staker = match (&self.signer.secret_key_file, &self.signer.signed) {
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
