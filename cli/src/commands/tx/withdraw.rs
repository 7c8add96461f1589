//! `tx withdraw`: builds and finalizes a withdrawal.

use anyhow::Context;
use clap::ValueEnum;
use staking_scripts::{LeafTransaction, SlashedOutput, WithdrawalTransaction};

use super::withdrawal::finalize;
use crate::args::delegation::{DelegationArgs, Files};
use crate::args::psbt::OriginArgs;
use crate::args::spend::SpendArgs;
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
    fn withdrawal(&self, files: &Files) -> anyhow::Result<WithdrawalTransaction> {
        let (delegation, parameters) = (&files.delegation, files.parameters()?);
        let (to, rate) = (self.spend.to(files.chain.network)?, self.spend.fee_rate);
        let slashing = |which| delegation.slashing(which, parameters).context("--delegation");
        Ok(match self.from {
            Source::Staking => {
                let stake = delegation.stake(parameters).context("--delegation")?;
                WithdrawalTransaction::new(&stake.staking, to, rate)?
            }
            Source::Unbonding => {
                let unbonding = delegation.unbonding(parameters).context("--delegation")?;
                WithdrawalTransaction::new(&unbonding.unbonding_output(), to, rate)?
            }
            Source::Slashing => {
                WithdrawalTransaction::new(&slashing(SlashedOutput::Staking)?.refund_output(), to, rate)?
            }
            Source::UnbondingSlashing => {
                WithdrawalTransaction::new(&slashing(SlashedOutput::Unbonding)?.refund_output(), to, rate)?
            }
        })
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read()?;
        let mut withdrawal = self.withdrawal(&files)?;
        self.origins.iter().for_each(|(key, source)| withdrawal.add_key_origin(key, source));
        let built = finalize(&withdrawal, &self.spend)?;
        let warnings = files.warnings().into_iter().chain(built.warnings.clone()).collect();
        BuiltTransaction { warnings, ..built }.print()
    }
}
