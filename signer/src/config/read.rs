//! Reading the tables of a configuration, but for its clients.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use endpoint::is_loopback;
use tracing::Level;

use super::error::ConfigRule;
use super::files::Files;
use super::model::{
    KeySettings, LimitSettings, ListenSettings, LogFormat, LogSettings, PassphraseOrigin, StoreSettings,
    TlsSettings,
};
use super::pem::{check_pair, read_certificates, read_secret_key_pem};
use super::problems::{Given, shown};
use super::secret::PrivateFile;
use super::table::Table;
use super::{Configuration, chains, clients};
use crate::keystore::KeyName;

const DATABASE: &str = "signing.db";
const KEYSTORE: &str = "keys";
const GRPC: &str = "127.0.0.1:12582";
const METRICS: &str = "127.0.0.1:2113";

/// Reads everything. `None`, and values that stand in for others, come with a problem.
pub(super) fn configuration(root: &Table<'_>, files: &Files<'_>) -> Option<Configuration> {
    let mut warnings = Vec::new();
    let store = store(&root.child_or_empty("store"), files);
    let keystore = root.child_or_empty("keystore").text("folder");
    let keystore = files.path(keystore.as_ref().map_or(KEYSTORE, |folder| &folder.value));
    let listening = root.child_or_empty("listen");
    let listen = listen(&listening, files);
    let limits = limits(&root.child_or_empty("limits"));
    let log = log(&root.child_or_empty("log"));
    let keys = keys(root, files);
    let chains = chains::chains(root, &keys, &mut warnings);
    let scope = clients::Scope {
        files,
        keys: keys.iter().map(|key| key.name.clone()).collect(),
        chains: chains.iter().map(|chain| chain.chain.chain_id.clone()).collect(),
        requests_per_second: limits.requests_per_second,
        has_authorities: listen.tls.as_ref().is_some_and(|tls| tls.client_authorities.is_some()),
    };
    let clients = clients::clients(root, &scope, &mut warnings);
    clients::check_exposure(&listening, &listen, &clients, &mut warnings);
    Some(Configuration { store: store?, keystore, listen, limits, log, keys, chains, clients, warnings })
}

fn store(table: &Table<'_>, files: &Files<'_>) -> Option<StoreSettings> {
    let problems = table.problems;
    let kind = table.text("kind");
    let database = table.text("database");
    let guard =
        table.text("guard").map(|guard| Given { value: files.path(&guard.value), place: guard.place });
    let connection = table.text("connection_file");
    let shared = table.boolean("shared");
    let excluded = |key: &str, other| {
        if table.has(key) {
            problems.add(&table.at(key), ConfigRule::Excluded { other });
        }
    };
    match kind.as_ref().map_or("sqlite", |kind| &kind.value) {
        "sqlite" => {
            let other = "kind = \"sqlite\"";
            excluded("connection_file", other);
            excluded("shared", other);
            let database = files.path(database.as_ref().map_or(DATABASE, |database| &database.value));
            if let Some(guard) = guard.as_ref().filter(|guard| guard.value == database) {
                problems.add(&guard.place, ConfigRule::Same { other: "store.database" });
            }
            Some(StoreSettings::Sqlite { database, guard: guard.map(|guard| guard.value) })
        }
        "postgres" => {
            excluded("database", "kind = \"postgres\"");
            for key in ["connection_file", "guard"] {
                if !table.has(key) {
                    table.missing(key, " with kind = \"postgres\"");
                }
            }
            let given = connection?;
            let connection = files.private(&given, problems)?;
            if files.are_read() {
                let read = connection.read_connection();
                let path = connection.path().to_owned();
                let read = read.map_err(|cause| ConfigRule::Unreadable { path, cause });
                if let Some(text) = problems.take(&given.place, read)
                    && text.trim_ascii().is_empty()
                {
                    problems.add(&given.place, ConfigRule::Empty);
                }
            }
            let shared = shared.is_some_and(|shared| shared.value);
            Some(StoreSettings::Postgres { connection, guard: guard?.value, shared })
        }
        other => {
            choice(table, "kind", other, "\"sqlite\" or \"postgres\"");
            None
        }
    }
}

fn choice(table: &Table<'_>, key: &str, found: &str, must: &str) {
    let rule = ConfigRule::Choice { found: shown(found), must: must.to_owned() };
    table.problems.add(&table.at(key), rule);
}

/// What is not valid has a value that stands in for it: the rules between settings are looked at all the
/// same.
fn listen(table: &Table<'_>, files: &Files<'_>) -> ListenSettings {
    let must = "an IP address and a port, such as \"127.0.0.1:12582\"";
    let address = |key: &str, default: &str, must: &str| {
        let given = table.text(key);
        let text = given.as_ref().map_or(default, |given| &given.value);
        let read = text.parse::<SocketAddr>().ok();
        if read.is_none() {
            choice(table, key, text, must);
        }
        read
    };
    let grpc = address("grpc", GRPC, must);
    let beyond = table.boolean("metrics_beyond_loopback").is_some_and(|beyond| beyond.value);
    let is_off = table.text("metrics").is_some_and(|metrics| metrics.value == "off");
    let metrics = if is_off {
        None
    } else {
        address("metrics", METRICS, "an IP address and a port, such as \"127.0.0.1:2113\", or \"off\"")
    };
    if let Some(metrics) = metrics {
        if !is_loopback(metrics.ip()) && !beyond {
            table.problems.add(&table.at("metrics"), ConfigRule::MetricsExposed { address: metrics });
        }
        // Port 0 is any free one.
        if Some(metrics) == grpc && metrics.port() != 0 {
            table.problems.add(&table.at("metrics"), ConfigRule::Same { other: "listen.grpc" });
        }
    }
    let tls = table.child("tls").map(|tls| tls_settings(&tls, files));
    ListenSettings { grpc: grpc.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()), metrics, tls }
}

fn tls_settings(table: &Table<'_>, files: &Files<'_>) -> TlsSettings {
    let problems = table.problems;
    let certificates = |given: Given<String>| {
        let path = files.path(&given.value);
        if files.are_read() {
            problems.take(&given.place, read_certificates(&path));
        }
        path
    };
    let certificate = table.required_text("certificate").map(certificates).unwrap_or_default();
    let chain = files.are_read().then(|| read_certificates(&certificate).ok()).flatten();
    let client_authorities = table.text("client_authorities").map(certificates);
    let given = table.required_text("secret_key");
    let secret_key = given.as_ref().and_then(|given| files.private(given, problems));
    if let (Some(given), Some(file)) = (given, &secret_key)
        && files.are_read()
    {
        let secret_key = problems.take(&given.place, read_secret_key_pem(file));
        if let Some((chain, secret_key)) = chain.zip(secret_key) {
            problems.take(&given.place, check_pair(chain, secret_key));
        }
    }
    let secret_key = secret_key.unwrap_or_else(|| PrivateFile::new(PathBuf::new(), false));
    TlsSettings { certificate, secret_key, client_authorities }
}

fn limits(table: &Table<'_>) -> LimitSettings {
    LimitSettings {
        randomness_outstanding: table.integer("randomness_outstanding").unwrap_or(1_000_000),
        requests_per_second: table.small_integer("requests_per_second").unwrap_or(200),
        connections: table.small_integer("connections").unwrap_or(256),
    }
}

fn log(table: &Table<'_>) -> LogSettings {
    let format = table.text("format");
    let format = match format.as_ref().map_or("text", |format| &format.value) {
        "text" => LogFormat::Text,
        "json" => LogFormat::Json,
        other => {
            choice(table, "format", other, "\"text\" or \"json\"");
            LogFormat::Text
        }
    };
    let level = table.text("level");
    let level = match level.as_ref().map_or("info", |level| &level.value) {
        "error" => Level::ERROR,
        "warn" => Level::WARN,
        "info" => Level::INFO,
        "debug" => Level::DEBUG,
        "trace" => Level::TRACE,
        other => {
            choice(table, "level", other, "\"error\", \"warn\", \"info\", \"debug\" or \"trace\"");
            Level::INFO
        }
    };
    LogSettings { format, level }
}

/// Notes that an array of tables is absent or empty.
pub(super) fn some<'a>(root: &Table<'a>, key: &str) -> Vec<Table<'a>> {
    let tables = root.children(key);
    if tables.is_empty() {
        root.missing(key, ", at least once");
    }
    tables
}

fn keys(root: &Table<'_>, files: &Files<'_>) -> Vec<KeySettings> {
    let problems = root.problems;
    let mut keys: Vec<KeySettings> = Vec::new();
    for table in some(root, "key") {
        let credential = table.text("passphrase_credential");
        let file = table.text("passphrase_file");
        if credential.is_some() && file.is_some() {
            let other = "passphrase_credential";
            problems.add(&table.at("passphrase_file"), ConfigRule::Excluded { other });
        }
        let passphrase = match (credential, file) {
            (Some(name), _) => problems.take(&name.place, name.value.parse::<KeyName>()).map(|credential| {
                problems.take(&name.place, files.check_passphrase_credential(&credential));
                PassphraseOrigin::Credential(credential)
            }),
            (None, Some(given)) => {
                let path = files.path(&given.value);
                problems.take(&given.place, files.check_passphrase_file(&path));
                Some(PassphraseOrigin::File(path))
            }
            (None, None) => None,
        };
        let Some(given) = table.required_text("name") else { continue };
        let Some(name) = problems.take(&given.place, given.value.parse::<KeyName>()) else { continue };
        if keys.iter().any(|key| key.name == name) {
            problems.add(&given.place, ConfigRule::Duplicate { found: name.to_string() });
        }
        keys.push(KeySettings { name, passphrase });
    }
    keys
}
