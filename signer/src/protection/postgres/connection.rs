//! Where the server is, and as whom to connect.

use std::fmt;
use std::path::Path;

use endpoint::{is_loopback, is_loopback_host};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use zeroize::Zeroizing;

use super::error::PostgresError;

/// A connection string, read. It is shown without its password.
#[derive(Clone)]
pub struct PostgresConnection {
    pub(super) config: Config,
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection")
            .field("host", &self.config.get_hosts())
            .field("user", &self.config.get_user())
            .field("dbname", &self.config.get_dbname())
            .finish_non_exhaustive()
    }
}

impl std::str::FromStr for PostgresConnection {
    type Err = PostgresError;

    /// Reads a connection string of `libpq`: `host=/run/postgresql dbname=signer user=signer`, or a URL.
    ///
    /// # Errors
    /// [`PostgresError`] when it cannot be read, names no host, demands TLS, or would send what it says over
    /// a network in plain text.
    fn from_str(text: &str) -> Result<Self, PostgresError> {
        // The cause may have a piece of a password.
        let config: Config = text.trim().parse().map_err(|_| PostgresError::ConnectionString)?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(PostgresError::NoTls);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(PostgresError::NoHost);
        }
        if let Some(address) = config.get_hostaddrs().iter().find(|address| !is_loopback(**address)) {
            return Err(PostgresError::Plaintext(address.to_string()));
        }
        for host in config.get_hosts() {
            // An address that is given is used in place of the name.
            if let Host::Tcp(name) = host
                && config.get_hostaddrs().is_empty()
                && !is_loopback_host(name)
            {
                return Err(PostgresError::Plaintext(name.clone()));
            }
        }
        Ok(Self { config })
    }
}

impl PostgresConnection {
    /// Reads the connection string in a file.
    ///
    /// # Errors
    /// [`PostgresError`] when the file cannot be read, or says no connection that is allowed.
    pub fn read(path: &Path) -> Result<Self, PostgresError> {
        let file = |cause| PostgresError::File { path: path.to_owned(), cause };
        let text = Zeroizing::new(std::fs::read(path).map_err(file)?);
        std::str::from_utf8(&text).map_err(|_| PostgresError::ConnectionString)?.parse()
    }
}
