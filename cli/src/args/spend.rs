//! The arguments of the commands that complete a transaction: who signs, and where the money goes.

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, FeeRate, Psbt, ScriptBuf};
use eots::SecretKey;

use super::argument::{Argument, read_optional};
use super::network::NetworkName;
use super::secret::{SecretKeyFile, SecretKeyPath};
use super::{money, psbt};

/// Who signs: a key at hand, or a wallet elsewhere.
#[derive(clap::Args)]
pub(crate) struct SignerArgs {
    /// File with the secret key, 64 hex digits: the staker's, or that of the change where `tx bump` spends a
    /// Taproot output of one key; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: Option<SecretKeyPath>,
    /// The PSBT that a signer elsewhere returned: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = psbt::parser(), conflicts_with = "secret_key_file")]
    signed: Option<Argument<Psbt>>,
}

/// A signer whose file is read.
pub(crate) enum Signer {
    /// A key at hand.
    Key(SecretKey),
    /// What a signer elsewhere returned.
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

/// Where the money goes, and at which rate.
#[derive(clap::Args)]
pub(crate) struct SpendArgs {
    /// Where the money goes: an address of --network.
    #[arg(long, value_name = "ADDRESS", value_parser = money::address)]
    to: Address<NetworkUnchecked>,
    /// The fee rate in satoshis for a virtual byte; of `tx bump`, what parent and child pay together.
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
