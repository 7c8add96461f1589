//! `tx withdraw`: a matured output, taken out.

use anyhow::Context;
use bitcoin::{Address, FeeRate, Psbt};
use clap::ValueEnum;
use eots::SecretKey;
use staking_scripts::WithdrawalTransaction;

use super::built::{self, Fields, OriginArgs};
use crate::files::DelegationArgs;
use crate::input;
use crate::output::Output;

#[derive(clap::Args)]
#[command(
    after_help = "Without the staker's signature the PSBT is printed, for a signer elsewhere; Bitcoin Core's `descriptorprocesspsbt` is one. A node takes \
    the transaction when the output is as many blocks deep as its timelock says.\n\nExample:\n  btcstake tx withdraw --delegation verified.json --params params.json \
    --from unbonding --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --secret-key-file staker.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// Which output.
    #[arg(long)]
    from: Source,
    /// Where to.
    #[arg(long, value_name = "ADDRESS", value_parser = built::address)]
    to: Address,
    /// The fee rate in satoshis for a virtual byte.
    #[arg(long, value_name = "RATE", value_parser = built::fee_rate)]
    fee_rate: FeeRate,
    /// File with the staker's secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    secret_key_file: Option<SecretKey>,
    /// The PSBT that a signer elsewhere returned: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = built::psbt, conflicts_with = "secret_key_file")]
    signed: Option<Psbt>,
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
        let (to, rate) = (self.to.script_pubkey(), self.fee_rate);
        Ok(match self.from {
            Source::Staking => WithdrawalTransaction::new(accepted.staking(), to, rate)?,
            Source::Unbonding => WithdrawalTransaction::new(&accepted.unbonding().unbonding_output(), to, rate)?,
            Source::Slashing => WithdrawalTransaction::new(&accepted.slashing().refund_output(), to, rate)?,
            Source::UnbondingSlashing => {
                WithdrawalTransaction::new(&accepted.unbonding_slashing().refund_output(), to, rate)?
            }
        })
    }

    pub(crate) fn run(self) -> anyhow::Result<Output> {
        let mut withdrawal = self.withdrawal()?;
        self.origins.iter().for_each(|(key, source)| withdrawal.add_key_origin(key, source));
        let staker = match (&self.secret_key_file, &self.signed) {
            (Some(key), _) => withdrawal.sign_as_staker(key)?,
            (None, Some(signed)) => {
                withdrawal.signatures(signed)?.staker.context("--signed holds no signature of the staker")?
            }
            (None, None) => return Fields::unsigned(withdrawal.psbt(), withdrawal.fee(), withdrawal.vsize()).output(),
        };
        let transaction = withdrawal.finalize(&staker)?;
        Fields::finished(withdrawal.psbt(), &transaction, withdrawal.fee()).output()
    }
}
