//! `tx withdraw`: builds and finalizes a withdrawal.

use anyhow::Context;
use clap::ValueEnum;
use staking_scripts::{
    DelegationError, LeafTransaction, SlashedOutput, WithdrawalTransaction, WithdrawnOutput,
};

use super::withdrawal::finalize;
use crate::args::delegation::DelegationArgs;
use crate::args::psbt::OriginArgs;
use crate::args::spend::SpendArgs;
use crate::args::stake::AnyFiles;
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "Without the staker's signature the PSBT is printed, for an external signer, such as Bitcoin Core's `descriptorprocesspsbt`. A node accepts \
    the transaction once the output's timelock is over.\n\nExample:\n  btcstake tx withdraw --delegation verified.json --params params.json \
    --from unbonding --network regtest --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --secret-key-file staker.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// The output to withdraw.
    #[arg(long)]
    from: Source,
    #[command(flatten)]
    spend: SpendArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Source {
    /// The staking output, after the staking time.
    Staking,
    /// The unbonding output, after the unbonding time.
    Unbonding,
    /// The slashing refund output of the stake, after the unbonding time.
    Slashing,
    /// The slashing refund output of the unbonding stake, after the unbonding time.
    UnbondingSlashing,
}

impl Args {
    fn withdrawal(&self, files: &AnyFiles) -> anyhow::Result<WithdrawalTransaction> {
        let from = match self.from {
            Source::Staking => WithdrawnOutput::Staking,
            Source::Unbonding => WithdrawnOutput::Unbonding,
            Source::Slashing => WithdrawnOutput::Refund(SlashedOutput::Staking),
            Source::UnbondingSlashing => WithdrawnOutput::Refund(SlashedOutput::Unbonding),
        };
        let (to, rate) = (self.spend.to(files.chain().network)?, self.spend.fee_rate);
        match files.delegation().withdrawal(from, to, rate, files.covenant()?) {
            Err(DelegationError::Build(error)) => Err(error.into()),
            built => built.context("--delegation"),
        }
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read_any_to_end()?;
        let mut withdrawal = self.withdrawal(&files)?;
        self.origins.iter().for_each(|(key, source)| withdrawal.add_key_origin(key, source));
        let built = finalize(&withdrawal, &self.spend)?;
        let warnings = files.warnings()?.into_iter().chain(built.warnings.clone()).collect();
        BuiltTransaction { warnings, ..built }.print(self.spend.format.form())
    }
}
