//! The keystore: encrypted secret keys, which `keystore:NAME` names, and the passphrases that decrypt them.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail};
use eots::SecretKey;
use signer::keystore::{AddError, KeyName, Keystore, Passphrase, PassphraseError, Unlocked, WorkFactor};

use super::input::standard_input;

const HEADING: &str = "Keystore (for keystore:NAME and --name)";

/// Where the keystore is, and where its passphrases come from. Every command takes these flags.
#[derive(clap::Args)]
pub(crate) struct KeystoreArgs {
    /// The folder of the encrypted keys [default: $BTCSTAKE_HOME/keys, or ~/.local/share/btcstake/keys where
    /// BTCSTAKE_HOME is not set].
    #[arg(long, value_name = "DIR", global = true, help_heading = HEADING, hide_short_help = true)]
    keystore: Option<PathBuf>,
    /// Read the passphrase from this file descriptor, as after `3< FILE` in a shell, instead of asking on the
    /// terminal; 0 is standard input.
    #[arg(long, value_name = "N", global = true, help_heading = HEADING, hide_short_help = true)]
    passphrase_fd: Option<u32>,
    /// Read the passphrase from this credential of the service manager (systemd's LoadCredential=).
    #[arg(long, value_name = "NAME", global = true, help_heading = HEADING, hide_short_help = true)]
    passphrase_credential: Option<KeyName>,
}

/// Where passphrases come from.
#[derive(Clone)]
enum Source {
    Terminal,
    Descriptor(u32),
    Credential(KeyName),
}

/// What this process was given: the flags are of the whole command line, as `--allow-loose-permissions` is.
static GIVEN: Mutex<(Option<PathBuf>, Source)> = Mutex::new((None, Source::Terminal));

impl KeystoreArgs {
    /// Makes these the flags of this process.
    pub(crate) fn give(self) -> anyhow::Result<()> {
        let source = match (self.passphrase_fd, self.passphrase_credential) {
            (None, None) => Source::Terminal,
            (Some(number), None) => Source::Descriptor(number),
            (None, Some(name)) => Source::Credential(name),
            (Some(_), Some(_)) => {
                bail!("--passphrase-fd and --passphrase-credential are given; must be one of them")
            }
        };
        *GIVEN.lock().unwrap_or_else(PoisonError::into_inner) = (self.keystore, source);
        Ok(())
    }
}

/// Refuses the flags where something else says it: nothing that was given is without effect.
pub(crate) fn refuse_flags(instead: &str) -> anyhow::Result<()> {
    let (folder, source) = given();
    let flag = match source {
        Source::Terminal if folder.is_some() => "--keystore",
        Source::Terminal => return Ok(()),
        Source::Descriptor(_) => "--passphrase-fd",
        Source::Credential(_) => "--passphrase-credential",
    };
    bail!("{flag} is given; must not be here: {instead}")
}

fn given() -> (Option<PathBuf>, Source) {
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The folder that is the keystore when none is named, in the folder of everything that the programs keep.
fn default_folder() -> anyhow::Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = variable("BTCSTAKE_HOME").or_else(|| Some(variable("HOME")?.join(".local/share/btcstake")));
    let home =
        home.context("--keystore is absent, and neither BTCSTAKE_HOME nor HOME is set; must be one")?;
    Ok(home.join("keys"))
}

/// Opens the keystore.
pub(crate) fn open() -> anyhow::Result<(Keystore, PathBuf)> {
    let folder = given().0.map_or_else(default_folder, Ok)?;
    let store = Keystore::open(&folder).context("--keystore (`btcstake key new --name` makes one)")?;
    Ok((store, folder))
}

/// Opens the keystore, and makes it where there is none.
fn create() -> anyhow::Result<Keystore> {
    let folder = match given().0 {
        Some(folder) => folder,
        None => {
            let folder = default_folder()?;
            let home = folder.parent().unwrap_or(&folder);
            create_home(home).with_context(|| format!("cannot make the folder {}", home.display()))?;
            folder
        }
    };
    Keystore::create(&folder).context("--keystore")
}

/// Makes the folder of everything that the programs keep, for its owner alone.
fn create_home(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Reads a passphrase from this descriptor, which may be standard input.
pub(crate) fn from_descriptor(number: u32) -> anyhow::Result<Passphrase> {
    if number == 0 {
        // No other argument may read it.
        drop(standard_input()?);
    }
    Ok(Passphrase::from_descriptor(number)?)
}

/// Reads a passphrase from where the flags say; `ask` asks on the terminal.
fn passphrase(ask: impl FnOnce() -> Result<Passphrase, PassphraseError>) -> anyhow::Result<Passphrase> {
    match given().1 {
        Source::Terminal => {
            ask().context("no passphrase: --passphrase-fd or --passphrase-credential gives it in a script")
        }
        Source::Descriptor(number) => from_descriptor(number).context("--passphrase-fd"),
        Source::Credential(name) => Passphrase::from_credential(&name).context("--passphrase-credential"),
    }
}

/// Reads a passphrase for a keystore elsewhere; on the terminal it is asked for.
pub(crate) fn given_passphrase(question: &str) -> anyhow::Result<Passphrase> {
    passphrase(|| Passphrase::prompt(question))
}

/// Decrypts the key of this name.
pub(crate) fn unlock(name: &KeyName) -> anyhow::Result<Unlocked> {
    let (store, _) = open()?;
    // Nobody types the passphrase of a key that is not there.
    if let Err(error @ signer::keystore::PublicKeyError::NoKey { .. }) = store.public_key(name) {
        return Err(error.into());
    }
    let passphrase = passphrase(|| Passphrase::prompt(&format!("Passphrase of {name}: ")))?;
    Ok(store.unlock(name, &passphrase)?)
}

/// How a new key is encrypted.
#[derive(clap::Args)]
pub(crate) struct EncryptionArgs {
    /// How much work it is to try a passphrase: the binary logarithm of scrypt's N. Less than the standard 18
    /// is for tests.
    #[arg(long, value_name = "LOG_N", hide = true)]
    work_factor: Option<u8>,
}

/// A name in the keystore that is free, and the passphrase of the key that it is for.
pub(crate) struct Place {
    store: Keystore,
    name: KeyName,
    warnings: Vec<String>,
}

impl EncryptionArgs {
    /// Opens the keystore for a new key, whose name must be free.
    pub(crate) fn place(&self, name: &KeyName) -> anyhow::Result<Place> {
        let mut warnings = Vec::new();
        let factor = self.work_factor.map_or(Ok(WorkFactor::STANDARD), WorkFactor::new);
        let factor = factor.context("--work-factor")?;
        if factor < WorkFactor::STANDARD {
            warnings.push(
                "the work factor is below the standard: who gets the file tries passphrases fast; it is for \
                 tests only"
                    .to_owned(),
            );
        }
        let store = create()?.with_work_factor(factor);
        store.check_new(name).context("--name")?;
        Ok(Place { store, name: name.clone(), warnings })
    }
}

impl Place {
    /// Reads the passphrase of the new key; on the terminal it is asked for twice.
    pub(crate) fn passphrase(&self) -> anyhow::Result<Passphrase> {
        let question = format!("New passphrase of {}: ", self.name);
        passphrase(|| Passphrase::prompt_new(&question, "The same again: "))
    }

    /// Adds the key, and returns warnings.
    pub(crate) fn add(self, key: &SecretKey, passphrase: &Passphrase) -> Result<Vec<String>, AddError> {
        self.store.add(&self.name, key, passphrase)?;
        Ok(self.warnings)
    }
}
