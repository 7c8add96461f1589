//! `tx withdraw-phase1`: builds and finalizes the withdrawal of a phase-1 stake.

use staking_scripts::{LeafTransaction, WithdrawnOutput};

use super::withdrawal::finalize;
use crate::args::phase1::Phase1Args;
use crate::args::psbt::OriginArgs;
use crate::args::spend::SpendArgs;
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "The OP_RETURN output of a phase-1 stake has its keys and its staking time; the parameters have the covenant committee. Without --params, \
    mainnet's are used. `stake phase1` makes a delegation of it, for the other steps.\n\nExample:\n  btcstake tx withdraw-phase1 --staking-transaction @phase1.tx --height 857950 --network regtest --params phase1-params.json \
    --to bcrt1p5e6v9v2j5wp3y6c79gaqdqltq7jdv45fswnnm7exmmp2020mqepspf6x45 --fee-rate 5 --secret-key-file staker.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stake: Phase1Args,
    #[command(flatten)]
    spend: SpendArgs,
    #[command(flatten)]
    origins: OriginArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let found = self.stake.read()?;
        let (to, rate) = (self.spend.to(self.stake.network)?, self.spend.fee_rate);
        let covenant = found.rules()?.parameters().covenant;
        let mut withdrawal = found.delegation.withdrawal(WithdrawnOutput::Staking, to, rate, covenant)?;
        self.origins.iter().for_each(|(key, source)| withdrawal.add_key_origin(key, source));
        let built = finalize(&withdrawal, &self.spend)?;
        let warnings = found.warnings.iter().cloned().chain(built.warnings.clone()).collect();
        BuiltTransaction { warnings, ..built }.print(self.spend.format.form())
    }
}
