//! `tx slash`: finalizes a slashing transaction.

use anyhow::Context;
use staking_scripts::transactions::SlashingError;
use staking_scripts::{LeafTransaction, SlashedOutput};

use crate::args::delegation::DelegationArgs;
use crate::args::psbt::PsbtFormatArgs;
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "The key is what `eots extract` printed. The covenant's adaptor signatures in the delegation are decrypted with it, and the staker's \
    signature is in the delegation already.\n\nExample:\n  btcstake tx slash --delegation verified.json --params params.json --network regtest --provider-key-file provider.key"
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// File with the extracted secret key of one of the stake's finality providers, 64 hex digits, or
    /// keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    provider_key_file: SecretKeyPath,
    /// Slash the unbonding output, when the stake has been unbonded already.
    #[arg(long)]
    unbonding: bool,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read_to_end()?;
        let covenant = files.covenant()?;
        let which = if self.unbonding { SlashedOutput::Unbonding } else { SlashedOutput::Staking };
        let slashing = files.delegation.slashing(which, covenant).context("--delegation")?;
        let key = self.provider_key_file.read()?;
        if !files.delegation.staked_to.keys().contains(key.public_key()) {
            return Err(SlashingError::NotAFinalityProvider(*key.public_key()))
                .context("--provider-key-file");
        }
        let transaction = files.delegation.slash(which, &key, covenant)?;
        let built = BuiltTransaction::finalized(slashing.psbt(), &transaction, slashing.fee());
        BuiltTransaction { warnings: files.covenant_warnings(), ..built }.print(self.format.form())
    }
}
