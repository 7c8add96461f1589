//! `key show`: prints the public key of a key file.

use super::public_key::{AddressArgs, Output};
use crate::args::secret::{SecretKeyFile, SecretKeyPath};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "`psbt sign` signs coins that pay to the address with the key: give one to `tx stake` as \
    TXID:INDEX:SATOSHIS:SCRIPT with the script pubkey that is printed, or as TXID:INDEX:SATOSHIS:tr(KEY).\n\nExamples:\n  \
    btcstake key show --secret-key-file provider.key\n  \
    btcstake key show --secret-key-file member.key --network regtest"
)]
pub(crate) struct Args {
    /// File with a secret key, 64 hex digits; - is standard input.
    #[arg(long, value_name = "FILE", value_parser = SecretKeyFile)]
    secret_key_file: SecretKeyPath,
    #[command(flatten)]
    address: AddressArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        Printout::of(&Output::new(&self.secret_key_file.read()?, &self.address)?)
    }
}
