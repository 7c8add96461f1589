//! `signer unlock`: unlocks a key of a signer that runs.

use super::unlocked::Output;
use crate::args::keystore;
use crate::args::remote::{RemoteArgs, refused};
use crate::args::secret::forbid_core_dumps;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The passphrase is asked for on the terminal, or comes from --passphrase-fd or --passphrase-credential. The client needs the operation \
    `unlock` (and `status`, unless --signer-public-key is given).\n\nExample:\n  btcstake signer unlock --signer URL --signer-secret-file operator.secret \
    --signer-public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: RemoteArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        forbid_core_dumps()?;
        let remote = self.remote.connect()?;
        let public_key = self.remote.public_key(&remote)?;
        let passphrase = keystore::given_passphrase(&format!("Passphrase of {public_key}: "))?;
        remote.unlock(&public_key, passphrase.expose()).map_err(refused)?;
        Printout::of(&Output { public_key: public_key.to_string(), unlocked: true })
    }
}
