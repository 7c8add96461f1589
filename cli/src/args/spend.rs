//! The arguments of the commands that finalize a transaction: who signs, and to which address.

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, FeeRate, Psbt, ScriptBuf};
use eots::SecretKey;

use super::argument::{Argument, read_optional};
use super::network::NetworkName;
use super::secret::{SecretKeyFile, SecretKeyPath};
use super::{money, psbt};

/// Who signs: a key file, or an external signer.
#[derive(clap::Args)]
pub(crate) struct SignerArgs {
    /// File with the secret key that signs for the output that is spent, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: Option<SecretKeyPath>,
    /// The PSBT that an external signer returned: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser(), conflicts_with = "secret_key_file")]
    signed: Option<Argument<Psbt>>,
}

/// A signer whose file is read.
pub(crate) enum Signer {
    /// A secret key.
    Key(SecretKey),
    /// The PSBT that an external signer returned.
    Psbt(Box<Psbt>),
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
}

impl SpendArgs {
    pub(crate) fn to(&self, network: NetworkName) -> anyhow::Result<ScriptBuf> {
        money::on_network("--to", &self.to, network)
    }
}
