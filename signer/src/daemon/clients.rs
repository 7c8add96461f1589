//! The clients of a configuration, with secrets and certificates from files that are read again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use eots::XOnlyPublicKey;
use sha2::{Digest as _, Sha256};

use super::as_error;
use super::error::StartError;
use crate::auth::{Allowed, Client, Credentials, Permissions, RateLimit, SharedSecret};
use crate::config::{ClientAuthentication, ClientSettings, Configuration, SecretFile, read_certificates};

/// The clients, and where their secrets and certificates come from.
pub(super) struct ClientFiles(Vec<(Arc<Client>, ClientAuthentication)>);

/// Returns the clients of a configuration, and their files.
pub(super) fn open(
    configuration: &Configuration,
    keys: &[(String, XOnlyPublicKey)],
) -> Result<(Vec<Arc<Client>>, ClientFiles), StartError> {
    let mut files = Vec::with_capacity(configuration.clients.len());
    for settings in &configuration.clients {
        let credentials = read(&settings.name, &settings.authentication)?;
        let per_second = settings.requests_per_second;
        let rate = RateLimit::new(per_second, Duration::from_secs(1), per_second);
        let client = Client::new(
            settings.name.clone(),
            permissions(settings, keys, configuration.chains.len()),
            credentials,
            rate,
            configuration.limits.randomness_outstanding,
        );
        // Whoever has all it may have leaves as many to others.
        let client = client.with_connections(most_connections(configuration));
        files.push((Arc::new(client), settings.authentication.clone()));
    }
    let clients = files.iter().map(|(client, _)| client.clone()).collect();
    Ok((clients, ClientFiles(files)))
}

/// How many connections a client may have: half of them, where there are some to share.
fn most_connections(configuration: &Configuration) -> usize {
    let all = configuration.limits.connections;
    let most = if all < 4 { all } else { all.div_ceil(2) };
    usize::try_from(most).unwrap_or(usize::MAX >> 3)
}

/// What a client may do. Who may use all keys, or all chains, may know which there are not.
fn permissions(
    settings: &ClientSettings,
    keys: &[(String, XOnlyPublicKey)],
    most_chains: usize,
) -> Permissions {
    let public_key = |name: &str| keys.iter().find(|(key, _)| key == name).map(|(_, public_key)| *public_key);
    let allowed: BTreeSet<_> = settings.keys.iter().filter_map(|name| public_key(name.as_str())).collect();
    Permissions {
        operations: settings.operations.clone(),
        keys: if allowed.len() == keys.len() { Allowed::All } else { Allowed::Only(allowed) },
        chains: if settings.chains.len() == most_chains {
            Allowed::All
        } else {
            Allowed::Only(settings.chains.iter().map(|id| id.clone().into_bytes()).collect())
        },
    }
}

fn read(name: &str, authentication: &ClientAuthentication) -> Result<Credentials, StartError> {
    let ClientAuthentication::By { hmac_secrets, auth_secrets, certificates } = authentication else {
        return Ok(Credentials { unauthenticated: true, ..Credentials::default() });
    };
    let secrets = |file: &Option<SecretFile>| -> Result<Vec<SharedSecret>, StartError> {
        let Some(file) = file else { return Ok(Vec::new()) };
        file.read().map_err(|cause| StartError::Secrets(name.to_owned(), cause))
    };
    let certificates = match certificates {
        None => Vec::new(),
        Some(path) => {
            let read = read_certificates(path);
            let read = read.map_err(|cause| StartError::Certificates(name.to_owned(), cause))?;
            read.iter().map(|der| Sha256::digest(der).into()).collect()
        }
    };
    Ok(Credentials {
        hmac: secrets(hmac_secrets)?,
        bound: secrets(auth_secrets)?,
        certificates,
        unauthenticated: false,
    })
}

impl ClientFiles {
    /// Reads all files again, and returns whether all were read. Where one cannot be, its client keeps what
    /// it had.
    pub(super) fn reload(&self) -> bool {
        let mut are_all_read = true;
        for (client, authentication) in &self.0 {
            let name = client.name();
            match read(name, authentication) {
                Ok(credentials) if credentials.are_same(&client.credentials()) => {}
                Ok(credentials) => {
                    client.set_credentials(credentials);
                    tracing::info!(client = name, "the client has other secrets or certificates now");
                }
                Err(error) => {
                    are_all_read = false;
                    let error = as_error(&error);
                    tracing::error!(client = name, error, "the client keeps what was read before");
                }
            }
        }
        are_all_read
    }
}
