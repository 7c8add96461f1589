//! `tx slash`: finalizes a slashing transaction.

use anyhow::Context;
use bitcoin::XOnlyPublicKey;
use eots::SecretKey;
use staking_scripts::transactions::SlashingError;
use staking_scripts::{LeafTransaction, SlashedOutput};

use crate::args::delegation::DelegationArgs;
#[cfg(feature = "babylon")]
use crate::args::evidence::EvidenceArgs;
use crate::args::psbt::PsbtFormatArgs;
use crate::args::secret::{SecretKeyFile, SecretKeyPath, absent_key};
use crate::view::output::Printout;
use crate::view::transaction::BuiltTransaction;

#[derive(clap::Args)]
#[command(
    after_help = "The key is what `eots extract` printed, or in the evidence that the chain prints. The covenant's adaptor signatures in the delegation are decrypted with it, and the staker's \
    signature is in the delegation already.\n\nExample:\n  btcstake tx slash --delegation verified.json --params params.json --network regtest --provider-key-file provider.key"
)]
#[cfg_attr(
    feature = "babylon",
    command(group = clap::ArgGroup::new("key_or_evidence").args(["provider_key_file", "evidence"]).required(true))
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: DelegationArgs,
    /// File with the extracted secret key of one of the stake's finality providers, 64 hex digits, or
    /// keystore:NAME; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    #[cfg_attr(not(feature = "babylon"), arg(required = true))]
    provider_key_file: Option<SecretKeyPath>,
    #[cfg(feature = "babylon")]
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Slash the unbonding output, when the stake has been unbonded already.
    #[arg(long)]
    unbonding: bool,
    #[command(flatten)]
    format: PsbtFormatArgs,
}

impl Args {
    /// Returns the key that is given, or the one in the evidence against one of these providers.
    #[cfg_attr(not(feature = "babylon"), allow(unused_variables, reason = "there is no evidence then"))]
    fn key(&self, providers: &[XOnlyPublicKey]) -> anyhow::Result<SecretKey> {
        #[cfg(feature = "babylon")]
        if let Some(evidence) = self.evidence.one(|found| providers.contains(found))? {
            return evidence.extract().context("--evidence");
        }
        self.provider_key_file.as_ref().ok_or_else(absent_key)?.read()
    }

    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let files = self.files.read_to_end()?;
        let covenant = files.covenant()?;
        let which = if self.unbonding { SlashedOutput::Unbonding } else { SlashedOutput::Staking };
        let slashing = files.delegation.slashing(which, covenant).context("--delegation")?;
        let key = self.key(&files.delegation.staked_to.keys())?;
        if !files.delegation.staked_to.keys().contains(key.public_key()) {
            return Err(SlashingError::NotAFinalityProvider(*key.public_key()))
                .context("--provider-key-file");
        }
        let transaction = files.delegation.slash(which, &key, covenant)?;
        let built = BuiltTransaction::finalized(slashing.psbt(), &transaction, slashing.fee());
        BuiltTransaction { warnings: files.covenant_warnings(), ..built }.print(self.format.form())
    }
}
