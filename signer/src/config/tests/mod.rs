//! Configurations, good and bad.

#![allow(clippy::arithmetic_side_effects)]

mod documents;
mod environment;
mod files;
mod hostile;
mod listeners;
mod rules;
mod secrets;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::{ConfigError, Configuration, Look};

/// A secret of 40 bytes.
const SECRET: &str = "0123456789abcdef0123456789abcdef01234567";

/// A folder for the files of a configuration.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.private("fpd.hmac", SECRET);
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>, mode: u32) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn private(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        self.write(name, content, 0o600)
    }

    fn load(&self, text: &str) -> Result<Configuration, ConfigError> {
        self.load_with(text, &[])
    }

    fn load_with(&self, text: &str, environment: &[(&str, &str)]) -> Result<Configuration, ConfigError> {
        let path = self.write("signer.toml", text, 0o600);
        Configuration::load(&path, variables(environment))
    }

    /// Returns the problems of a text as lines, with the folder's path left out.
    fn problems(&self, text: &str) -> Vec<String> {
        self.problems_with(text, &[])
    }

    fn problems_with(&self, text: &str, environment: &[(&str, &str)]) -> Vec<String> {
        let folder = format!("{}/", self.path().display());
        match self.load_with(text, environment) {
            Ok(_) => Vec::new(),
            Err(ConfigError::Invalid { problems, .. }) => {
                problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn variables(list: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    list.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}

/// A configuration that is changed setting by setting.
#[derive(Clone)]
struct Draft(BTreeMap<&'static str, BTreeMap<&'static str, String>>);

impl Draft {
    /// The least there can be.
    fn new() -> Self {
        Self(BTreeMap::new())
            .with("key", "name", "\"alice\"")
            .with("chain", "chain_id", "\"bbn-1\"")
            .with("client", "name", "\"fpd\"")
            .with("client", "hmac_secret_file", "\"fpd.hmac\"")
    }

    fn with(mut self, table: &'static str, key: &'static str, value: impl Into<String>) -> Self {
        self.0.entry(table).or_default().insert(key, value.into());
        self
    }

    fn without(mut self, table: &'static str, key: &'static str) -> Self {
        self.0.entry(table).or_default().remove(key);
        self
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for table in super::settings::TABLES {
            let Some(settings) = self.0.get(table.name) else { continue };
            let is_array = table.occurs == super::settings::Occurs::Often;
            let (open, close) = if is_array { ("[[", "]]") } else { ("[", "]") };
            text.push_str(&format!("{open}{}{close}\n", table.name));
            for (key, value) in settings {
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        text
    }
}

#[test]
fn the_least_configuration_has_the_defaults() {
    let folder = Folder::new();
    let read = folder.load(&Draft::new().text()).unwrap();
    assert_defaults(&read, folder.path());
}

/// The whole of it, so that a default that changes is seen here.
fn assert_defaults(read: &Configuration, folder: &Path) {
    let shown = format!("{read:?}").replace(&format!("{}/", folder.display()), "");
    let expected = concat!(
        r#"Configuration { store: Sqlite { database: "signing.db", guard: None }, keystore: "keys", "#,
        r#"listen: ListenSettings { grpc: 127.0.0.1:12582, metrics: Some(127.0.0.1:2113), tls: None }, "#,
        r#"limits: LimitSettings { randomness_outstanding: 1000000, requests_per_second: 200, connections: 256 }, "#,
        r#"log: LogSettings { format: Text, level: Level(Info) }, "#,
        r#"keys: [KeySettings { name: KeyName("alice"), passphrase: None }], "#,
        r#"chains: [ChainSettings { chain: SignerChain { chain_id: "bbn-1", "#,
        "commitment_context: SigningContext(Babylon Genesis), vote_context: SigningContext(Babylon Genesis), ",
        "possession_context: SigningContext(Babylon Genesis) }, ",
        r#"committed_only: true, most_above: 20000, "#,
        r#"votes_per_minute: 600, votes_at_once: 1000, sign_any_message: false, highest_votes: [], node: None }], "#,
        r#"clients: [ClientSettings { name: "fpd", authentication: By { "#,
        r#"hmac_secrets: Some(SecretFile { file: PrivateFile { path: "fpd.hmac", is_credential: false }, least_bytes: 1 }), "#,
        r#"auth_secrets: None, certificates: None }, keys: {KeyName("alice")}, chains: {"bbn-1"}, "#,
        r#"operations: {Randomness, Vote, Commit, Digest, Possession, Status}, requests_per_second: 200 }], "#,
        r#"warnings: [] }"#,
    );
    assert_eq!(shown, expected);
}

/// What a text is without a look at files.
fn parse(text: &str) -> Result<Configuration, Vec<super::ConfigProblem>> {
    Configuration::parse(text, Path::new("/etc/btcstake"), [], Look::AtTextOnly)
}
