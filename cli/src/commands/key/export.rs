//! `key export`: writes a key of the keystore to a plain file.

use std::fmt;
use std::path::PathBuf;

use clap::ArgGroup;
use serde::{Deserialize, Serialize};
use signer::keystore::KeyName;
use zeroize::Zeroizing;

use crate::args::keystore;
use crate::args::new_file::NewFile;
use crate::args::secret::forbid_core_dumps;
use crate::view::output::{CommandOutput, Printout};

#[derive(clap::Args)]
#[command(
    after_help = "What is exported is not encrypted any more. To back a key up, copy NAME.age and NAME.pub from the keystore instead, which stay encrypted, or keep the words of its mnemonic. \
    The file is for its owner alone to read (mode 0600), as `key new --out` writes one. `age -d NAME.age` shows the key as well.\n\nExample:\n  \
    btcstake key export --name alice --out exported.key --passphrase-fd 3 3< passphrase"
)]
#[command(group = ArgGroup::new("destination").required(true).args(["out", "dangerously_print"]))]
pub(crate) struct Args {
    /// The name of the key in the keystore.
    #[arg(long)]
    name: KeyName,
    /// A file to write the secret key to, which must not exist.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print the secret key to standard output, which a terminal, a log or a pipe may keep.
    #[arg(long)]
    dangerously_print: bool,
}

/// A key that is exported.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The BIP-340 public key.
    pub public_key: String,
    /// The file that has the secret key; null when it is printed.
    pub file: Option<String>,
    /// The secret key in hex; null when it is written to a file.
    pub secret_key: Option<String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        self.secret_key.as_ref().unwrap_or(&self.public_key).clone()
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        forbid_core_dumps()?;
        let file = self.out.map(|out| NewFile::begin_secret("--out", &out)).transpose()?;
        let unlocked = keystore::unlock(&self.name)?;
        let (public_key, digits) = (unlocked.key().public_key().to_string(), unlocked.to_hex());
        let Some(file) = file else {
            let warnings = vec![
                "the secret key is printed, and not encrypted: whoever sees it signs as its owner".to_owned(),
            ];
            let secret_key = Some(digits.to_string());
            return Printout::of(&Output { public_key, file: None, secret_key, warnings });
        };
        let warnings = file.warnings();
        let path = file.write(&Zeroizing::new(format!("{}\n", *digits)))?;
        Printout::of(&Output { public_key, file: Some(path), secret_key: None, warnings })
    }
}
