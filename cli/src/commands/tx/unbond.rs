//! `tx unbond`: finalizes the unbonding transaction.

use anyhow::Context;
use staking_scripts::LeafTransaction;
use staking_scripts::transactions::CovenantSignature;

use crate::args::delegation::DelegationArgs;
use crate::args::psbt::{OriginArgs, PsbtFormatArgs};
use crate::args::spend::{Signer, SignerArgs, returned_signatures};
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "Without the staker's signature the PSBT is printed, for an external signer, with the covenant's signatures as far as they verify. With it, and the signatures of a covenant quorum in the delegation, \
    the transaction is finalized. Of a phase-1 stake --params takes either form; its covenant signatures are in the delegation (`stake add`) or in --signed.\n\nExample:\n  btcstake tx unbond --delegation verified.json --params params.json --network regtest --secret-key-file staker.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    origins: OriginArgs,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read_any_to_end()?;
        let covenant = files.covenant()?;
        let mut unbonding = files.delegation().unbonding(covenant).context("--delegation")?;
        self.origins.iter().for_each(|(key, source)| unbonding.add_key_origin(key, source));
        let given = files.delegation().covenant_signatures.iter();
        let mut given: Vec<_> = given.map(|by| by.unbonding).collect();
        let (form, mut returned) = (self.format.form(), None);
        let signed = match self.signer.read()? {
            Some(Signer::Key(key)) => {
                let staker = unbonding.sign_as_staker(&key).context("--secret-key-file")?;
                Some((staker, Vec::new()))
            }
            Some(Signer::Psbt(signed)) => {
                let (signatures, unasked) = returned_signatures(&unbonding, signed.psbt())?;
                returned = Some(signed);
                // Members may have signed the PSBT itself, as those of a phase-1 stake do.
                let is_new = |by: &&CovenantSignature| !given.contains(by);
                let more: Vec<_> = signatures.covenant.iter().filter(is_new).copied().collect();
                given.extend(more);
                Some((signatures.staker.context("--signed has no signature of the staker")?, unasked))
            }
            None => None,
        };
        let Some((staker, unasked)) = signed else {
            let psbt = unbonding.psbt_with(&given);
            let built = BuiltTransaction::unsigned(&psbt, unbonding.fee(), unbonding.vsize());
            return BuiltTransaction { warnings: files.covenant_warnings()?, ..built }.print(form);
        };
        let transaction = unbonding.finalize(&staker, &given).context("covenant_signatures")?;
        let built = BuiltTransaction::finalized(unbonding.psbt(), &transaction, unbonding.fee());
        let built = match &returned {
            Some(returned) => built.in_version_of(returned),
            None => built,
        };
        let warnings = files.covenant_warnings()?.into_iter().chain(unasked).collect();
        BuiltTransaction { warnings, ..built }.print(form)
    }
}
