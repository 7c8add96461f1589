//! `tx unbond`: finalizes the unbonding transaction.

use anyhow::Context;
use staking_scripts::LeafTransaction;

use crate::args::delegation::DelegationArgs;
use crate::args::psbt::OriginArgs;
use crate::args::spend::{Signer, SignerArgs};
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "Without the staker's signature the PSBT is printed, for an external signer, with the covenant's signatures as far as they verify. With it, and the signatures of a covenant quorum in the delegation, \
    the transaction is finalized.\n\nExample:\n  btcstake tx unbond --delegation verified.json --params params.json --secret-key-file staker.key"
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
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read()?;
        let covenant = files.covenant()?;
        let mut unbonding = files.delegation.unbonding(covenant).context("--delegation")?;
        self.origins.iter().for_each(|(key, source)| unbonding.add_key_origin(key, source));
        let staker = match self.signer.read()? {
            Some(Signer::Key(key)) => Some(unbonding.sign_as_staker(&key).context("--secret-key-file")?),
            Some(Signer::Psbt(signed)) => {
                let staker = unbonding.signatures(&signed).context("--signed")?.staker;
                Some(staker.context("--signed has no signature of the staker")?)
            }
            None => None,
        };
        let Some(staker) = staker else {
            let given: Vec<_> = files.delegation.covenant_signatures.iter().map(|by| by.unbonding).collect();
            let psbt = unbonding.psbt_with(&given);
            let built = BuiltTransaction::unsigned(&psbt, unbonding.fee(), unbonding.vsize());
            return BuiltTransaction { warnings: files.covenant_warnings(), ..built }.print();
        };
        let transaction = files.delegation.unbond(&staker, covenant)?;
        let built = BuiltTransaction::finalized(unbonding.psbt(), &transaction, unbonding.fee());
        BuiltTransaction { warnings: files.covenant_warnings(), ..built }.print()
    }
}
