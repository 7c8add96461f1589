//! The address of a node.

use std::fmt;
use std::str::FromStr;

use ureq::http::Uri;

use crate::loopback::is_loopback_host;

/// The text is no node's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be http://HOST:PORT or https://HOST[:PORT], perhaps with a path, without user, query or fragment"
)]
pub struct InvalidUrl;

/// The address of a node.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(Uri);

impl Url {
    /// Returns whether whoever is on the way can answer in the node's place: it is plaintext to another host.
    pub fn is_exposed(&self) -> bool {
        self.0.scheme_str() == Some("http") && !self.0.host().is_some_and(is_loopback_host)
    }

    /// Returns whether it is on this machine.
    pub fn is_on_loopback(&self) -> bool {
        self.0.host().is_some_and(is_loopback_host)
    }

    /// Returns whether both are of the same port of the same host, as far as the names tell: `localhost` is
    /// 127.0.0.1 and ::1.
    pub fn is_same_place(&self, other: &Self) -> bool {
        let ((host, port), (other_host, other_port)) = (self.host_and_port(), other.host_and_port());
        let is_this_host =
            |host: &str| ["localhost", "127.0.0.1", "::1"].iter().any(|name| name.eq_ignore_ascii_case(host));
        let is_same_host =
            host.eq_ignore_ascii_case(other_host) || is_this_host(host) && is_this_host(other_host);
        is_same_host && port == other_port
    }

    /// Returns whether it is asked over TLS.
    pub fn is_tls(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Returns the host, without the brackets of an IPv6 address, and the port.
    pub(crate) fn host_and_port(&self) -> (&str, u16) {
        let host = self.0.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        (host, self.0.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 }))
    }

    /// Returns the address of a WebSocket below this one.
    #[cfg(feature = "subscriptions")]
    pub(crate) fn at_websocket(&self, path: &str) -> String {
        let at = self.at(path);
        at.strip_prefix("http").map_or_else(|| at.clone(), |rest| format!("ws{rest}"))
    }

    /// Returns the address of what lies below this one: a path that begins with a slash, or nothing.
    pub(crate) fn at(&self, path: &str) -> String {
        let base = self.0.to_string();
        if path.is_empty() { base } else { format!("{}{path}", base.trim_end_matches('/')) }
    }
}

/// Without the path: some providers have a secret there.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        write!(f, "{}://{authority}", self.0.scheme_str().unwrap_or_default())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({self})")
    }
}

impl FromStr for Url {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        // A fragment is cut by the parser.
        let uri: Uri = text.parse().map_err(|_| InvalidUrl)?;
        let is_known = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        // User and password in a URL would be logged with it.
        if !is_known || !has_host || authority.contains('@') || text.contains(['?', '#']) {
            return Err(InvalidUrl);
        }
        Ok(Self(uri))
    }
}
