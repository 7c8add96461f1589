//! `tx withdraw`: a matured output, taken out.

use anyhow::Context;
use clap::ValueEnum;
use staking_scripts::WithdrawalTransaction;

use super::built::{Fields, OriginArgs};
use super::spend::SpendArgs;
use crate::files::DelegationArgs;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Without the staker's signature the PSBT is printed, for a signer elsewhere; Bitcoin Core's `descriptorprocesspsbt` is one. A node takes \
    the transaction when the output is as many blocks deep as its timelock says.\n\nExample:\n  btcstake tx withdraw --delegation verified.json --params params.json \
    --from unbonding --network regtest --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --secret-key-file staker.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// Which output.
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
    /// What slashing left of the stake, after the unbonding time.
    Slashing,
    /// What slashing left of the unbonding stake, after the unbonding time.
    UnbondingSlashing,
}

impl Args {
    fn withdrawal(&self) -> anyhow::Result<WithdrawalTransaction> {
        let accepted = self.files.accepted()?;
        let (to, rate) = (self.spend.to(self.files.chain.network)?, self.spend.fee_rate);
        Ok(match self.from {
            Source::Staking => WithdrawalTransaction::new(accepted.staking(), to, rate)?,
            Source::Unbonding => {
                WithdrawalTransaction::new(&accepted.unbonding().unbonding_output(), to, rate)?
            }
            Source::Slashing => WithdrawalTransaction::new(&accepted.slashing().refund_output(), to, rate)?,
            Source::UnbondingSlashing => {
                WithdrawalTransaction::new(&accepted.unbonding_slashing().refund_output(), to, rate)?
            }
        })
    }

    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let mut withdrawal = self.withdrawal()?;
        self.origins.iter().for_each(|(key, source)| withdrawal.add_key_origin(key, source));
        let staker = match (&self.spend.signer.secret_key_file, &self.spend.signer.signed) {
            (Some(key), _) => withdrawal.sign_as_staker(key)?,
            (None, Some(signed)) => {
                withdrawal.signatures(signed)?.staker.context("--signed holds no signature of the staker")?
            }
            (None, None) => {
                let fields = Fields::unsigned(withdrawal.psbt(), withdrawal.fee(), withdrawal.vsize());
                return fields.question_fee(Some(self.spend.fee_rate)).output();
            }
        };
        let transaction = withdrawal.finalize(&staker)?;
        let fields = Fields::finished(withdrawal.psbt(), &transaction, withdrawal.fee());
        fields.question_fee(Some(self.spend.fee_rate)).output()
    }
}
