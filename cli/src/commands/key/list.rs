//! `key list`: lists the keys of the keystore.

use serde::{Deserialize, Serialize};
use signer::keystore::{ListedKey, OtherFile};

use crate::args::keystore;
use crate::view::output::{CommandOutput, Printout};
use crate::view::text::line;

#[derive(clap::Args)]
#[command(
    after_help = "No passphrase is asked for: the public keys are as the keystore's files state them, which is verified when a key is used. Other files in the folder are named in warnings: one may be the only copy of a key.\n\n\
    Example:\n  btcstake key list"
)]
pub(crate) struct Args {}

/// The keys of a keystore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The keystore's folder.
    pub keystore: String,
    /// The keys, by name.
    pub keys: Vec<NamedKey>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NamedKey {
    /// Its name: `--secret-key-file keystore:NAME` reads it.
    pub name: String,
    /// The BIP-340 public key; null when its file is lost or damaged, which a warning says.
    pub public_key: Option<String>,
}

impl CommandOutput for Output {
    fn text(&self) -> String {
        if self.keys.is_empty() {
            return format!("no key is in {}", self.keystore);
        }
        let key = |key: &NamedKey| {
            let public_key = key.public_key.as_deref().unwrap_or("unknown");
            // A name may be longer than the column.
            line(&format!("{} ", key.name), public_key)
        };
        self.keys.iter().map(key).collect::<Vec<_>>().join("\n")
    }

    fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Args {
    #[expect(clippy::unused_self, reason = "as of every command")]
    pub(crate) fn run(self) -> anyhow::Result<Printout> {
        let (store, folder) = keystore::open()?;
        let listing = store.list()?;
        let mut warnings = Vec::new();
        let mut named = |ListedKey { name, public_key, .. }: ListedKey| {
            let found = public_key.map_err(|error| warnings.push(format!("{name}: {error}"))).ok();
            NamedKey { name: name.to_string(), public_key: found.map(|key| key.to_string()) }
        };
        let keys = listing.keys.into_iter().map(&mut named).collect();
        warnings.extend(listing.others.iter().map(|other| match other {
            OtherFile::Unfinished(path) => format!(
                "{} was left behind by a run that was killed, or is being written: it may be the only copy \
                 of a key",
                path.display()
            ),
            OtherFile::PublicKeyAlone(path) => format!("{} is there without its key", path.display()),
            OtherFile::Foreign(path) => format!("{} is no part of a key", path.display()),
            other => format!("{other:?} is no part of a key"),
        }));
        Printout::of(&Output { keystore: folder.display().to_string(), keys, warnings })
    }
}
