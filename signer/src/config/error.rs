//! What is wrong with a configuration.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use endpoint::{InvalidUrl, with_causes};

use super::pem::PemError;
use super::secret::SecretsError;
use crate::keystore::{InvalidKeyName, PassphraseError, PrivateFileError};

/// A configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// The file is not text.
    #[error("the configuration {} is not text; must be UTF-8", .path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// It breaks rules.
    #[error("the configuration {} is not valid:{}", .path.display(), listed(.problems))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that is wrong with it, as far as the syntax lets it be read; 200 problems at most.
        problems: Vec<ConfigProblem>,
    },
}

fn listed(problems: &[ConfigProblem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

/// One thing that is wrong with a configuration.
#[derive(Debug)]
pub struct ConfigProblem {
    /// The line of the file, from 1; `None` for what comes from the environment or is absent.
    pub line: Option<usize>,
    /// The setting, such as `listen.grpc`, `client 2: name`, or the environment's variable.
    pub key: String,
    /// The rule that it breaks.
    pub rule: ConfigRule,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        // A list of problems has no chain of causes: each says its own.
        f.write_str(&with_causes(&self.rule))
    }
}

/// A rule that a configuration breaks.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigRule {
    /// It is not TOML. Nothing else is looked at then.
    #[error("it is not TOML: {0}")]
    Syntax(String),
    /// There is no such setting.
    #[error("there is no such key; must be one of {}", .known.join(", "))]
    UnknownKey {
        /// The keys that there are.
        known: Vec<&'static str>,
    },
    /// There is no such variable.
    #[error("there is no such variable; must be one of {}", .known.join(", "))]
    UnknownVariable {
        /// The variables of the same table.
        known: Vec<String>,
    },
    /// A variable is not text.
    #[error("it is not text; must be UTF-8")]
    NotText,
    /// It is absent.
    #[error("it is absent; must be there{because}")]
    Missing {
        /// When it must be, where that depends on others; begins with a space.
        because: &'static str,
    },
    /// It has another type.
    #[error("found {found}; must be {must}")]
    Type {
        /// The type found.
        found: &'static str,
        /// The type it must have.
        must: &'static str,
    },
    /// An integer is out of range.
    #[error("found {found}; must be an integer from {least} to {most}")]
    OutOfRange {
        /// The number found.
        found: String,
        /// The least.
        least: u64,
        /// The greatest.
        most: u64,
    },
    /// It is empty.
    #[error("it is empty; must not be")]
    Empty,
    /// It is none of the words that there are.
    #[error("found {found:?}; must be {must}")]
    Choice {
        /// The text found.
        found: String,
        /// What it must be.
        must: String,
    },
    /// It is not a key's name.
    #[error(transparent)]
    KeyName(#[from] InvalidKeyName),
    /// It is no node's address.
    #[error("found {found:?}")]
    NodeUrl {
        /// The text found.
        found: String,
        /// What it must be.
        #[source]
        cause: InvalidUrl,
    },
    /// It stands there twice.
    #[error("{found:?} is there already; must be there once")]
    Duplicate {
        /// The text found.
        found: String,
    },
    /// It names something that is not configured.
    #[error("{found:?} is no {what} of this configuration; must be one of {}", .known.join(", "))]
    UnknownName {
        /// The text found.
        found: String,
        /// `key` or `chain`.
        what: &'static str,
        /// The names that there are.
        known: Vec<String>,
    },
    /// It does not go with another setting.
    #[error("it is there with {other}; must not be")]
    Excluded {
        /// The other setting.
        other: &'static str,
    },
    /// It needs another setting.
    #[error("{other} is absent; must be there for it")]
    Needs {
        /// The other setting.
        other: &'static str,
    },
    /// It is where others than this host reach it, and not all clients are authenticated.
    #[error(
        "{address} is beyond loopback, and the client {client:?} is unauthenticated; must be on loopback, or every client authenticated"
    )]
    Unauthenticated {
        /// The address.
        address: SocketAddr,
        /// The client.
        client: String,
    },
    /// Metrics are where others than this host reach them.
    #[error("{address} is beyond loopback; must be on loopback, unless metrics_beyond_loopback is true")]
    MetricsExposed {
        /// The address.
        address: SocketAddr,
    },
    /// Two listeners have one address, or two files of the store one path.
    #[error("it is the same as {other}; must be another")]
    Same {
        /// The other setting.
        other: &'static str,
    },
    /// A second client is unauthenticated.
    #[error("the client {first:?} is unauthenticated already; must be one at most")]
    SecondUnauthenticated {
        /// The first one.
        first: String,
    },
    /// A client has no authentication.
    #[error(
        "it has no authentication; must have hmac_secret_file, auth_secret_file or certificate_file, or unauthenticated = true"
    )]
    NoAuthentication,
    /// Two clients cannot be told apart.
    #[error("the client {other:?} has the same {what}; must have one of its own")]
    Shared {
        /// The other client.
        other: String,
        /// `secret` or `certificate`.
        what: &'static str,
    },
    /// There are no credentials.
    #[error("$CREDENTIALS_DIRECTORY is not set to a folder; must be, as systemd's LoadCredential= does")]
    NoCredentials,
    /// A file cannot be used.
    #[error("cannot read {}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        cause: PrivateFileError,
    },
    /// A file of secrets cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A file of certificates or a secret key cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A passphrase cannot be used.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
}
