//! The arguments of the commands that complete a transaction: who signs, and where the money goes.

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, FeeRate, Psbt, ScriptBuf};
use eots::SecretKey;

use super::built;
use crate::commands::NetworkName;
use crate::input;

/// Who signs: a key at hand, or a wallet elsewhere.
#[derive(clap::Args)]
pub(super) struct SignerArgs {
    /// File with the secret key, 64 hex digits: the staker's, or that of the change where `tx bump` spends a
    /// Taproot output of one key; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = input::SecretKeyFile)]
    pub(super) secret_key_file: Option<SecretKey>,
    /// The PSBT that a signer elsewhere returned: base64, or @FILE.
    #[arg(long, value_name = "PSBT", value_parser = built::psbt, conflicts_with = "secret_key_file")]
    pub(super) signed: Option<Psbt>,
}

/// Where the money goes, and at which rate.
#[derive(clap::Args)]
pub(super) struct SpendArgs {
    /// Where the money goes: an address of --network.
    #[arg(long, value_name = "ADDRESS", value_parser = built::address)]
    to: Address<NetworkUnchecked>,
    /// The fee rate in satoshis for a virtual byte; of `tx bump`, what parent and child pay together.
    #[arg(long, value_name = "RATE", value_parser = built::fee_rate)]
    pub(super) fee_rate: FeeRate,
    #[command(flatten)]
    pub(super) signer: SignerArgs,
}

impl SpendArgs {
    pub(super) fn to(&self, network: NetworkName) -> anyhow::Result<ScriptBuf> {
        built::on_network("--to", &self.to, network)
    }
}
