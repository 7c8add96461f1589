//! `signer lock`: locks a key of a signer that runs.

use super::unlocked::Output;
use crate::args::remote::{RemoteArgs, refused};
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The client needs the operation `lock` (and `status`, unless --signer-public-key is given).\n\nExample:\n  \
    btcstake signer lock --signer URL --signer-secret-file operator.secret \
    --signer-public-key 1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: RemoteArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let remote = self.remote.connect()?;
        let public_key = self.remote.public_key(&remote)?;
        remote.lock(&public_key).map_err(refused)?;
        Printout::of(&Output { public_key: public_key.to_string(), unlocked: false })
    }
}
