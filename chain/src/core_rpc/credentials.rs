//! Where a node is, and how to prove to it that one may call it.

use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use jsonrpc::base64::Engine as _;
use jsonrpc::base64::engine::general_purpose::STANDARD as BASE64;

use crate::NodeError;

/// A cookie is shorter by far; what is longer is another file.
const MAX_COOKIE: u64 = 4096;

/// The credentials for a node's JSON-RPC server. `Debug` shows no secret, and there is no `Display`.
#[derive(Clone)]
#[non_exhaustive]
pub enum Credentials {
    /// No credentials: the URL has them, or the server asks for none.
    None,
    /// The name and password that the node was given with `-rpcauth`.
    UserPassword {
        /// The name; it must not have a colon.
        user: String,
        /// The password.
        password: String,
    },
    /// The file `.cookie` in the node's data directory. A node writes a new one whenever it starts, so the
    /// file is read again when the node refuses the credentials.
    CookieFile(PathBuf),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::UserPassword { .. } => f.write_str("UserPassword { .. }"),
            Self::CookieFile(path) => f.debug_tuple("CookieFile").field(path).finish(),
        }
    }
}

impl Credentials {
    /// Returns the value of the HTTP header `Authorization`; a secret.
    pub(super) fn authorization(&self) -> Result<Option<String>, NodeError> {
        let pair = match self {
            Self::None => return Ok(None),
            Self::UserPassword { user, .. } if user.contains(':') => {
                return Err(invalid("its user name holds a colon"));
            }
            Self::UserPassword { user, password } => format!("{user}:{password}"),
            Self::CookieFile(path) => {
                let mut cookie = String::new();
                std::fs::File::open(path)
                    .and_then(|file| file.take(MAX_COOKIE).read_to_string(&mut cookie))
                    .map_err(|source| NodeError::CookieFile { path: path.clone(), source })?;
                let cookie = cookie.trim_end();
                // Another file, a key even, must not be sent to whoever listens there.
                if cookie.split_once(':').is_none_or(|(user, _)| user.is_empty()) {
                    let source = std::io::Error::new(
                        std::io::ErrorKind::InvalidData,
                        "it is no cookie; must be one line, user:password",
                    );
                    return Err(NodeError::CookieFile { path: path.clone(), source });
                }
                cookie.to_owned()
            }
        };
        Ok(Some(format!("Basic {}", BASE64.encode(pair))))
    }
}

/// The host and port of a node, without credentials.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// `host:port`. The HTTP client does not understand IPv6 addresses, so the host is never one.
    pub(super) address: String,
}

impl Endpoint {
    /// Parses `http://[user:password@]host:port[/]`. The name and password may be percent-encoded.
    pub(super) fn parse(url: &str) -> Result<(Self, Credentials), NodeError> {
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid("it must begin with http://"))?;
        if scheme.eq_ignore_ascii_case("https") {
            return Err(invalid("https is not supported: use http to the same machine, or through a tunnel"));
        }
        if !scheme.eq_ignore_ascii_case("http") {
            return Err(invalid("it must begin with http://"));
        }
        let (user_info, location) = match rest.rsplit_once('@') {
            Some((user_info, location)) => (Some(user_info), location),
            None => (None, rest),
        };
        let address = location.strip_suffix('/').unwrap_or(location);
        check_address(address)?;
        let credentials = match user_info {
            None => Credentials::None,
            Some(user_info) => {
                let (user, password) = user_info
                    .split_once(':')
                    .ok_or_else(|| invalid("it holds a user name without a password"))?;
                Credentials::UserPassword { user: percent_decode(user)?, password: percent_decode(password)? }
            }
        };
        Ok((Self { address: address.to_owned() }, credentials))
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

fn check_address(address: &str) -> Result<(), NodeError> {
    if address.contains(['/', '?', '#']) {
        return Err(invalid("nothing may follow the port"));
    }
    let no_port = || {
        invalid(
            "it must end with a port: http://host:port (Bitcoin Core's are 8332, on testnet4 48332, on signet 38332, on regtest 18443)",
        )
    };
    let (host, port) = address.rsplit_once(':').ok_or_else(no_port)?;
    if host.starts_with('[') {
        return Err(invalid("an IPv6 address cannot be used: give a host name that stands for it"));
    }
    // Not even the host is repeated here: in a URL with a misplaced '@' it may be a part of the password.
    if host.is_empty() || !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')) {
        return Err(invalid("its host is neither a host name nor an IPv4 address"));
    }
    if port.is_empty() {
        return Err(no_port());
    }
    match port.parse::<u16>() {
        Ok(1..) if port.chars().all(|c| c.is_ascii_digit()) => Ok(()),
        _ => Err(invalid("its port is not a number from 1 to 65535")),
    }
}

fn percent_decode(text: &str) -> Result<String, NodeError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let decoded = match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => u8::try_from(high.saturating_mul(16).saturating_add(low)).ok(),
            _ => None,
        };
        bytes.push(decoded.ok_or_else(|| {
            invalid("a '%' in its user name or password is not followed by two hex digits")
        })?);
    }
    String::from_utf8(bytes).map_err(|_| invalid("its user name or password is not UTF-8"))
}

pub(super) fn invalid(reason: &str) -> NodeError {
    NodeError::InvalidUrl { reason: reason.to_owned() }
}
