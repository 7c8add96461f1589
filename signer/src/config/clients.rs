//! Reading the clients of a configuration, and who may reach the daemon.

use std::collections::BTreeSet;
use std::path::PathBuf;

use endpoint::is_loopback;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::error::ConfigRule;
use super::files::Files;
use super::model::{ClientAuthentication, ClientSettings, ListenSettings};
use super::pem::read_certificates;
use super::problems::{Given, Place, shown};
use super::read::some;
use super::secret::SecretFile;
use super::table::Table;
use crate::auth::{Operation, SharedSecret};
use crate::keystore::KeyName;

/// The bound scheme's secrets are ours to rule.
const LEAST_AUTH_BYTES: usize = 32;
/// The reference has no least length; below this one a warning is logged.
const GOOD_HMAC_BYTES: usize = 16;
const MAX_NAME_BYTES: usize = 50;
/// What metrics call whoever is not configured.
const OTHER: &str = "other";

/// What clients are checked against.
pub(super) struct Scope<'a> {
    pub(super) files: &'a Files<'a>,
    pub(super) keys: BTreeSet<KeyName>,
    pub(super) chains: BTreeSet<String>,
    pub(super) requests_per_second: u32,
    pub(super) has_authorities: bool,
}

/// What the clients before have: nobody else may have the same.
#[derive(Default)]
struct Taken {
    names: BTreeSet<String>,
    unauthenticated: Option<String>,
    secrets: Vec<(String, SharedSecret)>,
    certificates: Vec<(String, CertificateDer<'static>)>,
}

/// Reads the clients.
pub(super) fn clients(
    root: &Table<'_>,
    scope: &Scope<'_>,
    warnings: &mut Vec<String>,
) -> Vec<ClientSettings> {
    let mut taken = Taken::default();
    let tables = some(root, "client");
    tables.iter().filter_map(|table| client(table, scope, &mut taken, warnings)).collect()
}

fn client(
    table: &Table<'_>,
    scope: &Scope<'_>,
    taken: &mut Taken,
    warnings: &mut Vec<String>,
) -> Option<ClientSettings> {
    let name = name(table, taken);
    let shown_name = name.clone().unwrap_or_default();
    let authentication = authentication(table, scope, taken, &shown_name, warnings);
    let keys = table.texts("keys").map_or_else(
        || scope.keys.clone(),
        |texts| chosen(table, "key", &texts, &scope.keys, KeyName::as_str),
    );
    let chains = table.texts("chains").map_or_else(
        || scope.chains.clone(),
        |texts| chosen(table, "chain", &texts, &scope.chains, String::as_str),
    );
    let operations = operations(table);
    let requests_per_second = table.small_integer("requests_per_second").unwrap_or(scope.requests_per_second);
    Some(ClientSettings {
        name: name?,
        authentication: authentication?,
        keys,
        chains,
        operations,
        requests_per_second,
    })
}

fn name(table: &Table<'_>, taken: &mut Taken) -> Option<String> {
    let Given { value: name, place } = table.required_text("name")?;
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() > MAX_NAME_BYTES || !name.chars().all(is_allowed) || name == OTHER {
        let must =
            format!("up to {MAX_NAME_BYTES} ASCII letters, digits, '-', '_' or '.', and not {OTHER:?}");
        table.problems.add(&place, ConfigRule::Choice { found: shown(&name), must });
        return None;
    }
    if !taken.names.insert(name.clone()) {
        table.problems.add(&place, ConfigRule::Duplicate { found: name.clone() });
    }
    Some(name)
}

/// Returns those of `all` that are named.
fn chosen<T: Ord + Clone>(
    table: &Table<'_>,
    what: &'static str,
    texts: &[Given<String>],
    all: &BTreeSet<T>,
    as_str: impl Fn(&T) -> &str,
) -> BTreeSet<T> {
    let mut found = BTreeSet::new();
    for given in texts {
        if let Some(one) = all.iter().find(|one| as_str(one) == given.value) {
            found.insert(one.clone());
        } else {
            let known = all.iter().map(|one| as_str(one).to_owned()).collect();
            let rule = ConfigRule::UnknownName { found: shown(&given.value), what, known };
            table.problems.add(&given.place, rule);
        }
    }
    found
}

fn operations(table: &Table<'_>) -> BTreeSet<Operation> {
    let Some(texts) = table.texts("operations") else { return Operation::DEFAULT.into() };
    let mut found = BTreeSet::new();
    for given in texts {
        if let Some(one) = Operation::ALL.into_iter().find(|one| one.as_str() == given.value) {
            found.insert(one);
        } else {
            let must = Operation::ALL.map(Operation::as_str).join(", ");
            let rule = ConfigRule::Choice { found: shown(&given.value), must: format!("one of {must}") };
            table.problems.add(&given.place, rule);
        }
    }
    found
}

fn authentication(
    table: &Table<'_>,
    scope: &Scope<'_>,
    taken: &mut Taken,
    name: &str,
    warnings: &mut Vec<String>,
) -> Option<ClientAuthentication> {
    let problems = table.problems;
    let unauthenticated = table.boolean("unauthenticated").is_some_and(|whoever| whoever.value);
    let given = ["hmac_secret_file", "auth_secret_file", "certificate_file"].map(|key| table.has(key));
    let hmac_secrets = secrets(table, scope, taken, name, ("hmac_secret_file", 1));
    if let Some((_, secrets)) = &hmac_secrets
        && secrets.iter().any(|secret| secret.length() < GOOD_HMAC_BYTES)
    {
        warnings.push(format!("the HMAC secret of the client {name} has fewer than {GOOD_HMAC_BYTES} bytes"));
    }
    let auth_secrets = secrets(table, scope, taken, name, ("auth_secret_file", LEAST_AUTH_BYTES));
    let certificates = certificates(table, scope, taken, name);
    if !unauthenticated {
        if given == [false; 3] {
            // A setting of another type is a problem already.
            if !table.has("unauthenticated") || table.boolean("unauthenticated").is_some() {
                problems.add(table.place(), ConfigRule::NoAuthentication);
            }
            return None;
        }
        let hmac_secrets = hmac_secrets.map(|(file, _)| file);
        let auth_secrets = auth_secrets.map(|(file, _)| file);
        return Some(ClientAuthentication::By { hmac_secrets, auth_secrets, certificates });
    }
    let at = table.at("unauthenticated");
    if given != [false; 3] {
        let other = "hmac_secret_file, auth_secret_file or certificate_file";
        problems.add(&at, ConfigRule::Excluded { other });
    }
    match &taken.unauthenticated {
        Some(first) => problems.add(&at, ConfigRule::SecondUnauthenticated { first: first.clone() }),
        None => taken.unauthenticated = Some(name.to_owned()),
    }
    Some(ClientAuthentication::Unauthenticated)
}

fn secrets(
    table: &Table<'_>,
    scope: &Scope<'_>,
    taken: &mut Taken,
    name: &str,
    (key, least_bytes): (&str, usize),
) -> Option<(SecretFile, Vec<SharedSecret>)> {
    let given = table.text(key)?;
    let file = SecretFile::new(scope.files.private(&given, table.problems)?, least_bytes);
    if !scope.files.are_read() {
        return Some((file, Vec::new()));
    }
    let secrets = table.problems.take(&given.place, file.read())?;
    let mut other = None;
    for secret in &secrets {
        let is_same = |(of, before): &&(String, SharedSecret)| of != name && before.is_same(secret);
        other = other.or_else(|| taken.secrets.iter().find(is_same).map(|(of, _)| of.clone()));
    }
    note_shared(table, &given.place, other, "secret");
    taken.secrets.extend(secrets.iter().map(|secret| (name.to_owned(), secret.clone())));
    Some((file, secrets))
}

fn certificates(table: &Table<'_>, scope: &Scope<'_>, taken: &mut Taken, name: &str) -> Option<PathBuf> {
    let given = table.text("certificate_file")?;
    if !scope.has_authorities {
        table.problems.add(&given.place, ConfigRule::Needs { other: "listen.tls.client_authorities" });
    }
    let path = scope.files.path(&given.value);
    if scope.files.are_read() {
        let found = table.problems.take(&given.place, read_certificates(&path))?;
        let shared = taken.certificates.iter().find(|(of, it)| of != name && found.contains(it));
        note_shared(table, &given.place, shared.map(|(of, _)| of.clone()), "certificate");
        taken.certificates.extend(found.into_iter().map(|one| (name.to_owned(), one)));
    }
    Some(path)
}

fn note_shared(table: &Table<'_>, place: &Place, other: Option<String>, what: &'static str) {
    if let Some(other) = other {
        table.problems.add(place, ConfigRule::Shared { other, what });
    }
}

/// Checks that nobody beyond this host comes unauthenticated.
pub(super) fn check_exposure(
    table: &Table<'_>,
    listen: &ListenSettings,
    clients: &[ClientSettings],
    warnings: &mut Vec<String>,
) {
    if is_loopback(listen.grpc.ip()) {
        return;
    }
    for client in clients {
        if client.authentication == ClientAuthentication::Unauthenticated {
            let rule = ConfigRule::Unauthenticated { address: listen.grpc, client: client.name.clone() };
            table.problems.add(&table.at("grpc"), rule);
        }
        if listen.tls.is_none() && client.operations.contains(&Operation::Unlock) {
            let name = &client.name;
            warnings.push(format!("passphrases of the client {name} cross the network in plaintext"));
        }
    }
    if listen.tls.is_none() {
        warnings.push(format!("gRPC on {} is beyond loopback, and plaintext", listen.grpc));
    }
}
