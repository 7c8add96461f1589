//! The configuration of the daemon: a TOML file, checked as a whole before anything starts, with every
//! problem named at once.
//!
//! Scalar settings of the tables that occur once are overridden by variables of the environment, such as
//! `BTCSTAKE_SIGNER_LISTEN_GRPC` for `grpc` of `[listen]`. Secrets come from neither: both have paths of
//! private files. A path is relative to the folder of the configuration, also in a variable.
//! `credential:NAME` in place of a private file's path is the systemd credential of this name.
//!
//! [`Configuration::example`] has every setting with its default, and [`Configuration::reference`] has them
//! as tables.

mod chains;
mod clients;
mod error;
mod files;
mod model;
mod overrides;
mod pem;
mod problems;
mod read;
mod secret;
mod settings;
mod table;

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

pub use error::{ConfigError, ConfigProblem, ConfigRule};
pub use model::{
    ChainSettings, ClientAuthentication, ClientSettings, HighestVote, KeySettings, LimitSettings,
    ListenSettings, LogFormat, LogSettings, NodeSettings, PassphraseOrigin, StoreSettings, TlsSettings,
};
pub use pem::{PemError, read_certificates, read_secret_key_pem};
pub use secret::{PrivateFile, SecretFile, SecretsError};

use self::files::Files;
use self::overrides::Overrides;
use self::problems::{Place, Problems};
use self::table::Table;
use crate::keystore::read_public;

/// Far more than any configuration has.
const MAX_BYTES: usize = 256 * 1024;

/// What the daemon does. It exists only when it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Configuration {
    /// Where the signing database is.
    pub store: StoreSettings,
    /// The folder of keys.
    pub keystore: PathBuf,
    /// Where the daemon listens.
    pub listen: ListenSettings,
    /// Bounds of what clients may cost.
    pub limits: LimitSettings,
    /// What is logged.
    pub log: LogSettings,
    /// The keys: at least one, each name once.
    pub keys: Vec<KeySettings>,
    /// The chains: at least one, each id once.
    pub chains: Vec<ChainSettings>,
    /// The clients: at least one, each name once.
    pub clients: Vec<ClientSettings>,
    /// What is allowed, and dangerous all the same: to be logged at start.
    pub warnings: Vec<String>,
}

/// Whether the files that a configuration names are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    AtFiles,
    AtTextOnly,
}

impl Configuration {
    /// Reads and checks a configuration, and each file of secrets, certificates and passphrases that it
    /// names. The environment is [`std::env::vars_os`].
    ///
    /// # Errors
    /// [`ConfigError`] with every problem: rules of single settings, rules between them, and files that
    /// cannot be used. Where the file is not TOML, only that is said.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        Self::load_and_look(path, environment, Look::AtFiles)
    }

    /// As [`Self::load`], without a look at the files that it names: for what works on the signing
    /// database alone, where no credentials are.
    ///
    /// # Errors
    /// As of [`Self::load`].
    pub fn load_without_files(
        path: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        Self::load_and_look(path, environment, Look::AtTextOnly)
    }

    fn load_and_look(
        path: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        look: Look,
    ) -> Result<Self, ConfigError> {
        let bytes = read_public(path, MAX_BYTES)
            .map_err(|cause| ConfigError::File { path: path.to_owned(), cause })?;
        let text = std::str::from_utf8(&bytes).map_err(|_| ConfigError::NotText { path: path.to_owned() })?;
        // A daemon may change its working folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        let mut read = Self::parse(text, folder, environment, look)
            .map_err(|problems| ConfigError::Invalid { path: path.clone(), problems })?;
        if files::others_may_write(&path) {
            let shown = path.display();
            read.warnings.push(format!("others than its owner may write the configuration {shown}"));
        }
        Ok(read)
    }

    fn parse(
        text: &str,
        folder: &Path,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        look: Look,
    ) -> Result<Self, Vec<ConfigProblem>> {
        let problems = Problems::of(text);
        let (document, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            for error in errors {
                let line = error.span().map(|span| problems.line(span.start));
                // The message alone: the line itself could have a secret that is not where it should be.
                let rule = ConfigRule::Syntax(error.message().to_owned());
                problems.add(&Place { line, key: String::new() }, rule);
            }
            return Err(problems.into_found());
        }
        let mut environment: Vec<(OsString, OsString)> = environment.into_iter().collect();
        let credentials = files::credentials_folder(&mut environment);
        let files = Files { folder, credentials, look };
        let overrides = Overrides::collect(environment, &problems);
        let read = {
            let root = Table::root(document.get_ref(), &overrides, &problems);
            read::configuration(&root, &files)
        };
        let found = problems.into_found();
        match read {
            Some(mut read) if found.is_empty() => {
                if !overrides.others.is_empty() {
                    let names = overrides.others.join(", ");
                    read.warnings.push(format!("no setting of the signer, and ignored: {names}"));
                }
                Ok(read)
            }
            _ => Err(found),
        }
    }

    /// Returns a commented configuration with every setting and its default: what a new one begins with.
    pub const fn example() -> &'static str {
        include_str!("example.toml")
    }

    /// Returns every setting with its default and meaning, as tables in Markdown.
    pub fn reference() -> String {
        settings::reference()
    }
}
