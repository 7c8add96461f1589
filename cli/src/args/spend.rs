//! The arguments of the commands that finalize a transaction: who signs, and to which address.

use anyhow::Context;
use bitcoin::address::NetworkUnchecked;
use bitcoin::secp256k1::schnorr;
use bitcoin::{Address, FeeRate, Psbt, ScriptBuf};
use eots::SecretKey;
use staking_scripts::LeafTransaction;
use staking_scripts::psbt::VersionedPsbt;
use staking_scripts::transactions::LeafSignatures;

use super::argument::{Argument, read_optional};
use super::network::NetworkName;
use super::psbt::PsbtFormatArgs;
use super::secret::{SecretKeyFile, SecretKeyPath};
use super::{money, psbt};
use crate::view::signatures::unasked;

/// Who signs: a key file, or an external signer.
#[derive(clap::Args)]
pub(crate) struct SignerArgs {
    /// File with the secret key that signs for the output that is spent, 64 hex digits, or keystore:NAME; -
    /// is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: Option<SecretKeyPath>,
    /// The PSBT that an external signer returned: base64 or hex, or @FILE of either or of its bytes.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser(), conflicts_with = "secret_key_file")]
    signed: Option<Argument<VersionedPsbt>>,
}

/// A signer whose file is read.
pub(crate) enum Signer {
    /// A secret key.
    Key(SecretKey),
    /// The PSBT that an external signer returned.
    Psbt(Box<VersionedPsbt>),
}

impl SignerArgs {
    /// Reads the signer's file, if there is one.
    pub(crate) fn read(&self) -> anyhow::Result<Option<Signer>> {
        if let Some(path) = &self.secret_key_file {
            return Ok(Some(Signer::Key(path.read()?)));
        }
        Ok(read_optional(self.signed.as_ref())?.map(|psbt| Signer::Psbt(Box::new(psbt))))
    }
}

/// Returns the signatures in the PSBT that external signers returned, with a warning for each signature for
/// another leaf.
pub(crate) fn returned_signatures(
    spend: &impl LeafTransaction,
    signed: &Psbt,
) -> anyhow::Result<(LeafSignatures, Vec<String>)> {
    let signatures = spend.signatures(signed).context("--signed")?;
    let warnings = unasked("--signed", false, &signatures.other_leaves);
    Ok((signatures, warnings))
}

/// Returns the staker's signature in such a PSBT, with the same warnings.
pub(crate) fn returned_signature(
    spend: &impl LeafTransaction,
    signed: &Psbt,
) -> anyhow::Result<(schnorr::Signature, Vec<String>)> {
    let (LeafSignatures { staker, .. }, warnings) = returned_signatures(spend, signed)?;
    Ok((staker.context("--signed has no signature of the staker")?, warnings))
}

/// The address to pay to, and the fee rate.
#[derive(clap::Args)]
pub(crate) struct SpendArgs {
    /// The address to pay to, of --network.
    #[arg(long, value_name = "ADDRESS", value_parser = money::address)]
    to: Address<NetworkUnchecked>,
    /// The fee rate in sat/vB.
    #[arg(long, value_name = "RATE", value_parser = money::fee_rate)]
    pub(crate) fee_rate: FeeRate,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    #[command(flatten)]
    pub(crate) format: PsbtFormatArgs,
}

impl SpendArgs {
    pub(crate) fn to(&self, network: NetworkName) -> anyhow::Result<ScriptBuf> {
        money::destination("--to", &self.to, network)
    }
}
