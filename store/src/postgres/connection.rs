//! Where the server is, and as whom to connect.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use zeroize::Zeroizing;

use crate::error::StoreError;

/// A connection, read from a URL or a connection string of `libpq`. It is shown without its password.
///
/// ```
/// use store::PostgresConnection;
///
/// let connection: PostgresConnection = "postgresql://watch@localhost/watch".parse()?;
/// # let connection: PostgresConnection = "host=/run/postgresql dbname=watch user=watch".parse()?;
/// # Ok::<(), store::StoreError>(())
/// ```
#[derive(Clone)]
pub struct PostgresConnection {
    pub(crate) config: Config,
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

/// Returns whether an address is on this host, so that nobody else is on the way.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

impl std::str::FromStr for PostgresConnection {
    type Err = StoreError;

    /// Reads a URL, `postgresql://watch@localhost/watch`, or a connection string of `libpq`:
    /// `host=/run/postgresql dbname=watch user=watch`.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read, names no host, demands TLS, or would send what it says over a
    /// network in plain text.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        // The cause may have a piece of a password.
        let config: Config = text.trim().parse().map_err(|_| StoreError::InvalidConnection)?;
        if config.get_ssl_mode() == SslMode::Require {
            return Err(StoreError::NoTls);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(StoreError::NoHost);
        }
        if let Some(address) = config.get_hostaddrs().iter().find(|address| !is_loopback(**address)) {
            return Err(StoreError::Plaintext(address.to_string()));
        }
        for host in config.get_hosts() {
            // An address that is given is used in place of the name.
            if let Host::Tcp(name) = host
                && config.get_hostaddrs().is_empty()
                && name != "localhost"
                && !name.parse().is_ok_and(is_loopback)
            {
                return Err(StoreError::Plaintext(name.clone()));
            }
        }
        Ok(Self { config })
    }
}

impl PostgresConnection {
    /// Reads a URL or connection string in a file, which its owner alone may read.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read, can be read by others, or says no connection that is
    /// allowed.
    pub fn read(path: &Path) -> Result<Self, StoreError> {
        let text = read_private(path)?;
        std::str::from_utf8(&text).map_err(|_| StoreError::InvalidConnection)?.parse()
    }

    /// Adds the password in a file, which its owner alone may read. The end of its line does not count.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read, or can be read by others.
    pub fn with_password_file(mut self, path: &Path) -> Result<Self, StoreError> {
        let text = read_private(path)?;
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        self.config.password(line.strip_suffix(b"\r").unwrap_or(line));
        Ok(self)
    }
}

/// Reads a file with a password.
fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let failed = |cause| StoreError::File { path: path.to_owned(), cause };
    let mut file = File::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        let found = file.metadata().map_err(failed)?;
        let mode = std::os::unix::fs::MetadataExt::mode(&found) & 0o777;
        if mode & 0o077 != 0 {
            return Err(StoreError::OpenToOthers { path: path.to_owned(), mode });
        }
    }
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}
