//! `key new`: generates a key.

use std::path::PathBuf;

use eots::SecretKey;
use rand_core::OsRng;
use zeroize::Zeroizing;

use super::public_key::{AddressArgs, Output};
use crate::args::new_file::NewFile;
use crate::args::secret::forbid_core_dumps;
use crate::view::output::Printout;

#[derive(clap::Args)]
#[command(
    after_help = "The file holds the secret key as 64 hex digits, for its owner alone to read (mode 0600). It is not encrypted, and there is no \
    other copy. The secret key is not printed; the public key is x-only, as all commands here take it.\n\nExample:\n  btcstake key new --out new.key"
)]
pub(crate) struct Args {
    /// A file to write the secret key to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    address: AddressArgs,
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        forbid_core_dumps()?;
        let file = NewFile::begin_secret("--out", &self.out)?;
        let key = SecretKey::generate(&mut OsRng);
        let digits = Zeroizing::new(hex::encode(key.to_bytes().as_slice()));
        let left = file.left_behind().into_iter().map(|path| {
            format!("{path} was left behind by a run that was killed, and may hold a secret key: delete it")
        });
        let output = Output { warnings: left.collect(), ..Output::new(&key, &self.address)? };
        file.write(&Zeroizing::new(format!("{}\n", *digits)))?;
        Printout::of(&output)
    }
}
